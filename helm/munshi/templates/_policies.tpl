{{/* Rules of NetworkPolicies. Each takes the root. */}}
{{- define "munshi.egressDns" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
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
