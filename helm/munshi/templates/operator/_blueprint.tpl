{{/* What the operator makes a tenant's objects from; read by munshi_operator.builders.blueprint. */}}
{{- define "munshi.blueprint" -}}
PLACEHOLDER: true
{{- end -}}
