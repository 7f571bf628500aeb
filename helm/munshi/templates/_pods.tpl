{{/* Security of a pod by the profile `restricted`. Takes the root. */}}
{{- define "munshi.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  {{- with .Values.pods.runAsUser }}
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "munshi.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods stand. Takes (dict "root" $ "name" … "instance" … "component" …). */}}
{{- define "munshi.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ .root.Values.pods.topologyKey }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "munshi.selector" . | nindent 8 }}
{{- with .root.Values.pods.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pods.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Name of a priority class, or nothing. Takes (dict "root" $ "which" "control"). */}}
{{- define "munshi.priorityClass" -}}
{{- $given := index .root.Values.pods.priorityClasses .which -}}
{{- if $given -}}{{ $given }}
{{- else if .root.Values.pods.priorityClasses.create -}}munshi-{{ .which }}
{{- end -}}
{{- end -}}

{{- define "munshi.priority" -}}
{{- with include "munshi.priorityClass" . -}}
priorityClassName: {{ . }}
{{- end -}}
{{- end -}}

{{/*
Probes of a service. Liveness is tied to progress, so it is slow to judge; readiness is quick. The start gets two
minutes: a model is loaded, servers may still be coming.
*/}}
{{- define "munshi.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}
