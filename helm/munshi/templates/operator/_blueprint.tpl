{{/* What the operator makes a tenant's objects from; read by munshi_operator.builders.blueprint. */}}
{{- define "munshi.blueprint" -}}
ingress:
  {{- include "munshi.blueprintWorkload" (dict "root" . "which" "ingress" "env" (dict "MUNSHI_DRAIN_SECONDS" "3")) | nindent 2 }}
orchestrator:
  {{- include "munshi.blueprintWorkload" (dict "root" . "which" "orchestrator" "env" dict) | nindent 2 }}
{{- if include "munshi.media" . }}
media:
  {{- include "munshi.blueprintWorkload" (dict "root" . "which" "media" "env" dict) | nindent 2 }}
{{- end }}
{{- with .Values.inference.llm.existingSecret }}
llmKeysSecret: {{ . | quote }}
{{- end }}
{{- with .Values.inference.services.existingSecret }}
serviceKeysSecret: {{ . | quote }}
{{- end }}
graphUrl: {{ include "munshi.graphUrl" . | quote }}
pods:
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  imagePullSecrets: {{ .Values.global.imagePullSecrets | toJson }}
  runAsUser: {{ .Values.pods.runAsUser | toJson }}
  priorityClassName: {{ include "munshi.priorityClass" (dict "root" . "which" "messages") | quote }}
  topologyKey: {{ .Values.pods.topologyKey | quote }}
  nodeSelector: {{ .Values.pods.nodeSelector | toJson }}
  tolerations: {{ .Values.pods.tolerations | toJson }}
route:
  kind: {{ include "munshi.route" . | quote }}
  host: {{ include "munshi.host" . | quote }}
  {{- if eq (include "munshi.route" .) "HTTPRoute" }}
  gateway:
    name: {{ .Values.webhooks.gateway.name | quote }}
    namespace: {{ default .Release.Namespace .Values.webhooks.gateway.namespace | quote }}
    sectionName: {{ .Values.webhooks.gateway.sectionName | quote }}
  {{- end }}
  {{- if eq (include "munshi.route" .) "Ingress" }}
  ingressClassName: {{ .Values.webhooks.ingress.className | quote }}
  annotations: {{ .Values.webhooks.ingress.annotations | toJson }}
  tlsSecretName: {{ .Values.webhooks.tls.secretName | quote }}
  {{- end }}
scaling:
  kind: {{ .Values.autoscaling.kind }}
  cpuPercent: {{ .Values.autoscaling.cpuPercent }}
  prometheusUrl: {{ .Values.autoscaling.prometheusUrl | quote }}
  oldestSeconds: {{ .Values.autoscaling.oldestSeconds }}
networkPolicy:
  enabled: {{ .Values.networkPolicy.enabled }}
  webhooksFrom: {{ .Values.networkPolicy.webhooksFrom | toJson }}
  metricsFrom: {{ .Values.networkPolicy.metricsFrom | default (list (dict "namespaceSelector" dict)) | toJson }}
  dns: {{ include "munshi.dnsPeers" . }}
  dnsPorts: {{ .Values.networkPolicy.dns.ports | toJson }}
  nats: {{ include "munshi.blueprintServer" (dict "root" . "which" "nats") }}
  database: {{ include "munshi.blueprintServer" (dict "root" . "which" "database") }}
  {{- if .Values.demo.enabled }}
  graph: {ports: [8010], to: [{{ include "munshi.peerHere" (dict "root" . "name" "munshi-emulator") }}]}
  {{- end }}
  graphExcept: {{ .Values.networkPolicy.graphExcept | toJson }}
  {{- if and (include "munshi.media" .) (not .Values.demo.enabled) }}
  objectStore: {{ dict "to" .Values.networkPolicy.objectStore.to "ports" (list (int .Values.networkPolicy.objectStore.port)) | toJson }}
  {{- end }}
  inference: {{ include "munshi.inferenceServers" (dict "root" .) }}
  extraEgress: {{ .Values.networkPolicy.extraEgress | toJson }}
labels: {{ .Values.global.labels | toJson }}
inheritLabels: {{ .Values.tenants.inheritLabels | toJson }}
{{- end -}}

{{- define "munshi.blueprintWorkload" -}}
{{- $values := index .root.Values.tenants .which -}}
image: {{ include "munshi.image" (dict "root" .root "name" .which) | quote }}
replicas: {{ $values.replicas }}
maxReplicas: {{ $values.maxReplicas }}
resources: {{ $values.resources | toJson }}
env: {{ merge (deepCopy $values.settings) .env (include "munshi.inferenceSettings" . | fromJson) | toJson }}
preStopSeconds: 3
graceSeconds: 40
{{- end -}}


{{/* A server as the tenants' pods reach it: theirs are other namespaces than the release's. */}}
{{- define "munshi.blueprintServer" -}}
{{- $policy := index .root.Values.networkPolicy .which -}}
{{- $to := $policy.to -}}
{{- $port := $policy.port -}}
{{- if and (eq .which "database") .root.Values.database.podsUrl -}}
{{- $port = include "munshi.podsDatabasePort" .root -}}
{{- else if .root.Values.demo.enabled -}}
{{- $name := ternary "munshi-demo-nats" "munshi-demo-postgres" (eq .which "nats") -}}
{{- $to = list (include "munshi.peerHere" (dict "root" .root "name" $name) | fromJson) -}}
{{- else if and .root.Values.cloudnativepg.enabled (eq .which "database") -}}
{{- $to = list (dict
  "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .root.Release.Namespace))
  "podSelector" (dict "matchLabels" (dict "cnpg.io/cluster" "munshi-postgres"))) -}}
{{- end -}}
{{- dict "to" $to "ports" (list (int $port)) | toJson -}}
{{- end -}}
