{{/* The Secret and key that hold the database administrator's address. */}}
{{- define "munshi.databaseSecret" -}}
{{- if .Values.database.existingSecret.name -}}
name: {{ .Values.database.existingSecret.name }}
key: {{ .Values.database.existingSecret.key }}
{{- else -}}
name: munshi-database
key: url
{{- end -}}
{{- end -}}

{{/* Whether the database is made by this release, so that nothing of it is there before the install. */}}
{{- define "munshi.ownDatabase" -}}
{{- if or .Values.demo.enabled .Values.cloudnativepg.enabled -}}true{{- end -}}
{{- end -}}

{{- define "munshi.keysSecret" -}}
{{- default "munshi-keys" .Values.keys.existingSecret -}}
{{- end -}}

{{- define "munshi.natsUrl" -}}
{{- if .Values.demo.enabled -}}
nats://munshi-demo-nats.{{ .Release.Namespace }}.svc:4222
{{- else -}}
{{ .Values.nats.url }}
{{- end -}}
{{- end -}}

{{- define "munshi.graphUrl" -}}
{{- if .Values.demo.enabled -}}
http://munshi-demo-emulator.{{ .Release.Namespace }}.svc:8010
{{- else -}}
{{ .Values.graph.url }}
{{- end -}}
{{- end -}}

{{/* Public base of the webhooks. In the demo the emulator calls from inside, by the demo's front. */}}
{{- define "munshi.webhookUrl" -}}
{{- if and .Values.demo.enabled (eq .Values.webhooks.url "https://munshi.invalid") -}}
http://munshi-demo-front.{{ .Release.Namespace }}.svc
{{- else -}}
{{ .Values.webhooks.url }}
{{- end -}}
{{- end -}}

{{- define "munshi.host" -}}
{{- (urlParse .Values.webhooks.url).hostname -}}
{{- end -}}

{{/* The demo also runs where no Gateway API is installed: then nothing leads in from outside. */}}
{{- define "munshi.route" -}}
{{- if and .Values.demo.enabled (eq .Values.webhooks.route "HTTPRoute") (not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1")) -}}
None
{{- else -}}
{{ .Values.webhooks.route }}
{{- end -}}
{{- end -}}
