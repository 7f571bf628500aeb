{{/*
Labels. Names are fixed (`munshi-operator`, `munshi-keys`, …), since the operator's code and people lean on them:
one release a namespace.
Takes (dict "root" $ "name" "munshi-ingress" "instance" "munshi-pool" "component" "ingress").
*/}}
{{- define "munshi.labels" -}}
{{ include "munshi.selector" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: munshi
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.global.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What a Deployment and a Service select by; never changes. */}}
{{- define "munshi.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .instance }}
{{- end -}}

{{/* Labels of a pod: no version, so that a new chart alone replaces no pod. */}}
{{- define "munshi.podLabels" -}}
{{ include "munshi.selector" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: munshi
{{- with .root.Values.global.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
