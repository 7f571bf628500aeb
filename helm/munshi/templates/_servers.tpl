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

{{/* The object store, as the operator takes it. In the demo: a volume of each media pod. */}}
{{- define "munshi.objectStoreUrl" -}}
{{- if .Values.demo.enabled -}}pod:///data/objects{{- else -}}{{ .Values.objectStore.url }}{{- end -}}
{{- end -}}

{{/* Whether media services run. A bucket without its server's admin API has no user for them. */}}
{{- define "munshi.media" -}}
{{- if or .Values.demo.enabled (and .Values.objectStore.url .Values.objectStore.endpoint) -}}true{{- end -}}
{{- end -}}

{{/* The platform's language models as MUNSHI_LLM_MODELS takes them: never with a key. */}}
{{- define "munshi.languageModels" -}}
{{- $models := list -}}
{{- $vllm := .Values.inference.vllm -}}
{{- if $vllm.enabled -}}
{{- $models = append $models (dict
  "name" $vllm.name
  "model" $vllm.name
  "url" (printf "http://munshi-vllm.%s.svc:8000/v1" .Release.Namespace)
  "prompt_price" (toString $vllm.promptPrice)
  "completion_price" (toString $vllm.completionPrice)
  "seconds" $vllm.seconds
  "cache_salt" $vllm.prefixCache) -}}
{{- end -}}
{{- range .Values.inference.llm.models -}}
{{- $one := pick . "name" "url" "model" "seconds" -}}
{{- with .promptPrice }}{{ $_ := set $one "prompt_price" (toString .) }}{{ end -}}
{{- with .completionPrice }}{{ $_ := set $one "completion_price" (toString .) }}{{ end -}}
{{- with .cacheSalt }}{{ $_ := set $one "cache_salt" . }}{{ end -}}
{{- $models = append $models $one -}}
{{- end -}}
{{- $models | toJson -}}
{{- end -}}

{{/* What orchestrators and media services are told of the model servers. Takes (dict "root" $ "which" "media"). */}}
{{- define "munshi.inferenceSettings" -}}
{{- $told := dict -}}
{{- $triton := .root.Values.inference.triton -}}
{{- $vllm := .root.Values.inference.vllm -}}
{{- if and $triton.enabled (ne .which "ingress") -}}
{{- $_ := set $told "MUNSHI_TRITON_URL" (printf "munshi-triton.%s.svc:8001" .root.Release.Namespace) -}}
{{- if and (eq .which "orchestrator") (has "ledger_nlu" $triton.models) -}}
{{- $_ := set $told "MUNSHI_TRITON_HTTP_URL" (printf "munshi-triton.%s.svc:8000" .root.Release.Namespace) -}}
{{- end -}}
{{- $_ := set $told "MUNSHI_TRITON_MODELS" (join "," $triton.models) -}}
{{- end -}}
{{- $models := include "munshi.languageModels" .root -}}
{{- if and (eq .which "orchestrator") (ne $models "[]") -}}
{{- $_ := set $told "MUNSHI_LLM_MODELS" $models -}}
{{- end -}}
{{- if eq .which "media" -}}
{{- $_ := set $told "MUNSHI_OCR_PROCESSES" "1" -}}
{{- end -}}
{{- $told | toJson -}}
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
