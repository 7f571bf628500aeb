{{/* Rules of NetworkPolicies. Each takes the root. */}}
{{- define "munshi.dnsPeers" -}}
{{- $system := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" "kube-system")) -}}
{{- .Values.networkPolicy.dns.to | default (list $system) | toJson -}}
{{- end -}}

{{- define "munshi.egressDns" -}}
- to: {{ include "munshi.dnsPeers" . }}
  ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{- define "munshi.egressNats" -}}
- ports:
    - {port: {{ .Values.networkPolicy.nats.port }}, protocol: TCP}
{{- if .Values.demo.enabled }}
  to:
    - podSelector: {matchLabels: {app.kubernetes.io/name: munshi-demo-nats}}
{{- else }}
{{- with .Values.networkPolicy.nats.to }}
  to: {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The database's port as pods reach it: that of the pooler, where there is one. */}}
{{- define "munshi.podsDatabasePort" -}}
{{- $port := .Values.networkPolicy.database.port | toString -}}
{{- with .Values.database.podsUrl -}}
{{- $port = (urlParse .).host | regexFind ":[0-9]+$" | trimPrefix ":" | default "5432" -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{/* The way of pods to the database, by the pooler where there is one. */}}
{{- define "munshi.egressPodsDatabase" -}}
{{- if .Values.database.podsUrl -}}
- ports:
    - {port: {{ include "munshi.podsDatabasePort" . }}, protocol: TCP}
  {{- with .Values.networkPolicy.database.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- else -}}
{{- include "munshi.egressDatabase" . -}}
{{- end -}}
{{- end -}}

{{- define "munshi.egressDatabase" -}}
- ports:
    - {port: {{ .Values.networkPolicy.database.port }}, protocol: TCP}
{{- if .Values.demo.enabled }}
  to:
    - podSelector: {matchLabels: {app.kubernetes.io/name: munshi-demo-postgres}}
{{- else if .Values.cloudnativepg.enabled }}
  to:
    - podSelector: {matchLabels: {cnpg.io/cluster: munshi-postgres}}
{{- else }}
{{- with .Values.networkPolicy.database.to }}
  to: {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "munshi.egressObjectStore" -}}
- ports:
    - {port: {{ .Values.networkPolicy.objectStore.port }}, protocol: TCP}
  {{- with .Values.networkPolicy.objectStore.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The model servers of this release. Takes (dict "root" $ "which" "media"). */}}
{{- define "munshi.egressInference" -}}
{{- range include "munshi.inferenceServers" . | fromJsonArray }}
{{- if has $.which .askedBy }}
- ports:
    - {port: {{ first .server.ports }}, protocol: TCP}
  to: {{- toYaml .server.to | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The same as the operator's blueprint takes it: tenants' pods lie in other namespaces. */}}
{{- define "munshi.inferenceServers" -}}
{{- $servers := list -}}
{{- if .root.Values.inference.triton.enabled -}}
{{- $peer := include "munshi.peerHere" (dict "root" .root "name" "munshi-triton") | fromJson -}}
{{- $servers = append $servers (dict "askedBy" (list "orchestrator" "media") "server" (dict "ports" (list 8001) "to" (list $peer))) -}}
{{- if has "ledger_nlu" .root.Values.inference.triton.models -}}
{{- $servers = append $servers (dict "askedBy" (list "orchestrator") "server" (dict "ports" (list 8000) "to" (list $peer))) -}}
{{- end -}}
{{- end -}}
{{- if .root.Values.inference.vllm.enabled -}}
{{- $peer := include "munshi.peerHere" (dict "root" .root "name" "munshi-vllm") | fromJson -}}
{{- $servers = append $servers (dict "askedBy" (list "orchestrator") "server" (dict "ports" (list 8000) "to" (list $peer))) -}}
{{- end -}}
{{- $servers | toJson -}}
{{- end -}}

{{/* Pods of the release's namespace by their name label. */}}
{{- define "munshi.peerHere" -}}
{{- dict
  "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .root.Release.Namespace))
  "podSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" .name)) | toJson -}}
{{- end -}}

{{/* Pods of ours that ask a model server: here, and in the tenants' namespaces. Takes (dict "root" $ "names" (list …)). */}}
{{- define "munshi.askers" -}}
{{- $namespaces := dict -}}
{{- with .root.Values.operator.namespaces -}}
{{- $namespaces = dict "matchExpressions" (list (dict
  "key" "kubernetes.io/metadata.name" "operator" "In" "values" (append . $.root.Release.Namespace | uniq | sortAlpha))) -}}
{{- end -}}
{{- $pods := dict
  "matchLabels" (dict "app.kubernetes.io/part-of" "munshi")
  "matchExpressions" (list (dict "key" "app.kubernetes.io/name" "operator" "In" "values" .names)) -}}
{{- list (dict "namespaceSelector" $namespaces "podSelector" $pods) | toYaml -}}
{{- end -}}

{{- define "munshi.egressApiServer" -}}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Meta's Graph API has no fixed addresses: anywhere but the private networks. */}}
{{- define "munshi.egressGraph" -}}
{{- if .Values.demo.enabled -}}
- ports:
    - {port: 8010, protocol: TCP}
  to:
    - podSelector: {matchLabels: {app.kubernetes.io/name: munshi-emulator}}
{{- else -}}
- ports:
    - {port: 443, protocol: TCP}
  to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{- toYaml .Values.networkPolicy.graphExcept | nindent 10 }}
{{- end }}
{{- end -}}

{{- define "munshi.ingressMetrics" -}}
- ports:
    - {port: http, protocol: TCP}
  from: {{- if .Values.networkPolicy.metricsFrom }}{{ toYaml .Values.networkPolicy.metricsFrom | nindent 4 }}{{ else }}
    - namespaceSelector: {}
  {{- end }}
{{- end -}}
