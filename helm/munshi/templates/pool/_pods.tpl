{{/* Deployment, ServiceAccount, PDB and autoscaler of a pooled service. Takes (dict "root" $ "which" "ingress"). */}}
{{- define "munshi.pooled" -}}
{{- $root := .root -}}
{{- $which := .which -}}
{{- $values := index $root.Values.pool $which -}}
{{- $told := include "munshi.inferenceSettings" . | fromJson -}}
{{- /* In the demo the pool's media service keeps files on a volume that one pod alone can have. */}}
{{- $onVolume := and (eq $which "media") $root.Values.demo.enabled -}}
{{- $keys := ternary $root.Values.inference.llm.existingSecret "" (eq $which "orchestrator") -}}
{{- /* Where the cluster chooses the user, it may give a volume no group to read by. */}}
{{- $mode := ternary "0440" "0444" (not (empty $root.Values.pods.runAsUser)) -}}
{{- $full := printf "munshi-pool-%s" $which -}}
{{- $id := dict "root" $root "name" (printf "munshi-%s" $which) "instance" "munshi-pool" "component" $which -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $full }}
  labels: {{- include "munshi.labels" $id | nindent 4 }}
automountServiceAccountToken: false   # these pods have no business with the API
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $full }}
  labels: {{- include "munshi.labels" $id | nindent 4 }}
spec:
  {{- if $onVolume }}
  replicas: 1
  {{- else if not $values.maxReplicas }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    {{- if $onVolume }}
    type: Recreate
    {{- else }}
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
    {{- end }}
  selector:
    matchLabels: {{- include "munshi.selector" $id | nindent 6 }}
  template:
    metadata:
      labels: {{- include "munshi.podLabels" $id | nindent 8 }}
    spec:
      serviceAccountName: {{ $full }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- include "munshi.podSecurity" $root | nindent 6 }}
      {{- with include "munshi.pullSecrets" $root }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "munshi.priority" (dict "root" $root "which" "messages") }}
      {{- . | nindent 6 }}
      {{- end }}
      terminationGracePeriodSeconds: 40
      {{- include "munshi.placement" $id | nindent 6 }}
      containers:
        - name: {{ $which }}
          {{- include "munshi.imageFields" (dict "root" $root "name" $which) | nindent 10 }}
          {{- include "munshi.containerSecurity" $root | nindent 10 }}
          ports:
            - {name: http, containerPort: 8080, protocol: TCP}
          env:
            {{- include (printf "munshi.%sEnv" $which) $root | nindent 12 }}
            {{- range $name, $value := merge (deepCopy $values.settings) $told }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
          {{- include "munshi.probes" $root | nindent 10 }}
          lifecycle:
            preStop: {sleep: {seconds: 3}}   # until every proxy has heard that this pod takes nothing more
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: cell, mountPath: /etc/munshi/cells/pool, readOnly: true}
            - {name: tmp, mountPath: /tmp}
            {{- if $onVolume }}
            - {name: objects, mountPath: /data/objects}
            {{- end }}
            {{- if $keys }}
            - {name: llm-keys, mountPath: /etc/munshi/llm-keys, readOnly: true}
            {{- end }}
      volumes:
        - name: cell
          secret:   # the operator writes it; the pod waits for it
            secretName: {{ $full }}
            defaultMode: {{ $mode }}
        - name: tmp
          # Files of media are spooled here: 32 at once, of at most 100 MB each.
          emptyDir: {sizeLimit: {{ ternary "4Gi" "64Mi" (eq $which "media") }}}
        {{- with $keys }}
        - name: llm-keys
          secret: {secretName: {{ . }}, optional: true, defaultMode: {{ $mode }}}
        {{- end }}
        {{- if $onVolume }}
        - name: objects
          {{- if eq $root.Values.demo.storageClass "-" }}
          emptyDir: {sizeLimit: {{ $root.Values.demo.storage }}}
          {{- else }}
          persistentVolumeClaim: {claimName: {{ $full }}}
          {{- end }}
        {{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $full }}
  labels: {{- include "munshi.labels" $id | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "munshi.selector" $id | nindent 6 }}
{{- if and $values.maxReplicas (not $onVolume) }}
---
{{ include "munshi.scaler" (dict "root" $root "id" $id "full" $full "values" $values) }}
{{- end }}
{{- end -}}

{{- define "munshi.scaler" -}}
{{- $scaling := .root.Values.autoscaling -}}
{{- if eq $scaling.kind "ScaledObject" -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .full }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ .full }}}
  minReplicaCount: {{ .values.replicas }}
  maxReplicaCount: {{ .values.maxReplicas }}
  pollingInterval: 15
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown: {stabilizationWindowSeconds: 300}
  triggers:
    {{- if eq .id.component "orchestrator" }}
    - type: prometheus
      useCachedMetrics: true
      metadata:
        serverAddress: {{ $scaling.prometheusUrl | quote }}
        query: {{ printf "max(munshi_queue_age_seconds{namespace=%q,pod=~\"%s-.*\"})" .root.Release.Namespace .full | quote }}
        threshold: {{ $scaling.oldestSeconds | quote }}
    {{- end }}
    - type: cpu
      metricType: Utilization
      metadata:
        value: {{ $scaling.cpuPercent | quote }}
{{- else -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .full }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .full }}}
  minReplicas: {{ .values.replicas }}
  maxReplicas: {{ .values.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $scaling.cpuPercent }}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}   # lanes move with every change of the number of pods
{{- end -}}
{{- end -}}

{{- define "munshi.serviceEnv" -}}
- {name: MUNSHI_HOST, value: "0.0.0.0"}
- {name: MUNSHI_PORT, value: "8080"}
- {name: MUNSHI_CELLS_DIR, value: /etc/munshi/cells}
{{- end -}}

{{- define "munshi.ingressEnv" -}}
{{ include "munshi.serviceEnv" . }}
- {name: MUNSHI_DRAIN_SECONDS, value: "3"}
{{- with .Values.webhooks.platformApp.existingSecret }}
- name: MUNSHI_PLATFORM_APP_SECRET
  valueFrom: {secretKeyRef: {name: {{ . }}, key: app-secret}}
- name: MUNSHI_PLATFORM_VERIFY_TOKEN
  valueFrom: {secretKeyRef: {name: {{ . }}, key: verify-token}}
- name: MUNSHI_PLATFORM_APP_SECRET_PREVIOUS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: app-secret-previous, optional: true}}
{{- end }}
{{- end -}}

{{/* A key out of the Secret of services. Takes (dict "root" $ "name" "MUNSHI_TTS_KEY" "key" "tts-key"). */}}
{{- define "munshi.serviceKey" -}}
{{- with .root.Values.inference.services.existingSecret }}
- name: {{ $.name }}
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.key }}, optional: true}}
{{- end }}
{{- end -}}

{{- define "munshi.mediaEnv" -}}
{{ include "munshi.serviceEnv" . }}
- {name: MUNSHI_GRAPH_URL, value: {{ include "munshi.graphUrl" . | quote }}}
{{- include "munshi.serviceKey" (dict "root" . "name" "MUNSHI_EMBEDDINGS_KEY" "key" "embeddings-key") }}
{{- include "munshi.serviceKey" (dict "root" . "name" "MUNSHI_SPEECH_KEY" "key" "speech-key") }}
{{- include "munshi.serviceKey" (dict "root" . "name" "MUNSHI_TTS_KEY" "key" "tts-key") }}
{{- end -}}

{{- define "munshi.orchestratorEnv" -}}
{{ include "munshi.serviceEnv" . }}
- {name: MUNSHI_GRAPH_URL, value: {{ include "munshi.graphUrl" . | quote }}}
{{- include "munshi.serviceKey" (dict "root" . "name" "MUNSHI_EMBEDDINGS_KEY" "key" "embeddings-key") }}
{{- if .Values.inference.llm.existingSecret }}
- {name: MUNSHI_LLM_KEYS_DIR, value: /etc/munshi/llm-keys}
{{- end }}
{{- end -}}
