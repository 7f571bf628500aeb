{{/* What a schema cannot say: values that do not go together. Each message says what to do. */}}
{{- define "munshi.checks" -}}
{{- $database := or .Values.database.url .Values.database.existingSecret.name -}}
{{- if and .Values.demo.enabled .Values.cloudnativepg.enabled -}}
{{- fail "demo.enabled and cloudnativepg.enabled both make a database: choose one" -}}
{{- end -}}
{{- if and $database (include "munshi.ownDatabase" .) -}}
{{- fail "database.* names a database that is there, and demo.enabled or cloudnativepg.enabled makes one: choose one" -}}
{{- end -}}
{{- if not (or $database (include "munshi.ownDatabase" .)) -}}
{{- fail "no database: set database.existingSecret.name (or database.url), cloudnativepg.enabled, or for a try demo.enabled" -}}
{{- end -}}
{{- if and .Values.database.url .Values.database.existingSecret.name -}}
{{- fail "database.url and database.existingSecret.name are both set: choose one" -}}
{{- end -}}
{{- if not (or .Values.nats.url .Values.demo.enabled) -}}
{{- fail "no NATS: set nats.url, or for a try demo.enabled" -}}
{{- end -}}
{{- if and .Values.nats.url .Values.demo.enabled -}}
{{- fail "nats.url and demo.enabled are both set: the demo brings its own NATS" -}}
{{- end -}}
{{- if and .Values.demo.enabled (gt (int .Values.nats.streamReplicas) 1) -}}
{{- fail "nats.streamReplicas: the demo has one NATS server, so it must be 1" -}}
{{- end -}}
{{- if and .Values.webhooks.gateway.create (not .Values.webhooks.gateway.className) -}}
{{- fail "webhooks.gateway.create needs webhooks.gateway.className, the class of your Gateway controller" -}}
{{- end -}}
{{- if and .Values.webhooks.tls.certManager.enabled (not (and .Values.webhooks.tls.certManager.issuerName .Values.webhooks.tls.secretName)) -}}
{{- fail "webhooks.tls.certManager.enabled needs webhooks.tls.certManager.issuerName and webhooks.tls.secretName" -}}
{{- end -}}
{{- $objects := .Values.objectStore -}}
{{- if and $objects.endpoint (not $objects.url) -}}
{{- fail "objectStore.endpoint is set without objectStore.url: name the bucket, s3://bucket" -}}
{{- end -}}
{{- if and $objects.endpoint (not $objects.existingSecret) -}}
{{- fail "objectStore.endpoint needs objectStore.existingSecret: somebody who may make users and policies there" -}}
{{- end -}}
{{- $triton := .Values.inference.triton -}}
{{- $vllm := .Values.inference.vllm -}}
{{- if and $triton.enabled (has "speech" $triton.models) (not $triton.speechModel) -}}
{{- fail "inference.triton.models has speech: set inference.triton.speechModel to Whisper's weights, and modelsClaim to the volume with them" -}}
{{- end -}}
{{- if and $triton.speechModel (not $triton.modelsClaim) -}}
{{- fail "inference.triton.speechModel lies on a volume: set inference.triton.modelsClaim" -}}
{{- end -}}
{{- if and $vllm.enabled (not (and $vllm.model $vllm.modelsClaim)) -}}
{{- fail "inference.vllm.enabled needs inference.vllm.model, a folder below /models, and inference.vllm.modelsClaim, the volume that holds it" -}}
{{- end -}}
{{- if and $vllm.enabled $vllm.maxReplicas .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) -}}
{{- fail "inference.vllm.maxReplicas: vLLM shows its metrics where it takes requests, so set networkPolicy.metricsFrom to let Prometheus alone read them" -}}
{{- end -}}
{{- if and $vllm.enabled $vllm.existingSecret (not .Values.inference.llm.existingSecret) -}}
{{- fail (printf "inference.vllm.existingSecret: vLLM would refuse everybody, for orchestrators have no key: name a Secret that holds one under %s in inference.llm.existingSecret" $vllm.name) -}}
{{- end -}}
{{- $names := list -}}
{{- if $vllm.enabled }}{{ $names = append $names $vllm.name }}{{ end -}}
{{- range .Values.inference.llm.models -}}
{{- if has .name $names -}}
{{- fail (printf "inference.llm.models: two models are named %s, by which tenants choose and costs are kept: rename one" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range $path, $pods := dict "pool.media" .Values.pool.media "tenants.media" .Values.tenants.media "pool.orchestrator" .Values.pool.orchestrator "tenants.orchestrator" .Values.tenants.orchestrator -}}
{{- range $name := list "MUNSHI_SPEECH_KEY" "MUNSHI_TTS_KEY" "MUNSHI_EMBEDDINGS_KEY" -}}
{{- if hasKey $pods.settings $name -}}
{{- fail (printf "%s.settings.%s is a key, which everybody could read who may read pods or ConfigMaps: put it into a Secret, inference.services.existingSecret" $path $name) -}}
{{- end -}}
{{- end -}}
{{- if contains "\"key\"" (default "" $pods.settings.MUNSHI_LLM_MODELS) -}}
{{- fail (printf "%s.settings.MUNSHI_LLM_MODELS holds a key, which everybody could read who may read pods or ConfigMaps: put keys into a Secret, inference.llm.existingSecret" $path) -}}
{{- end -}}
{{- end -}}
{{- range $path, $server := dict "inference.triton" $triton "inference.vllm" $vllm -}}
{{- if and $server.enabled $server.maxReplicas (not $.Values.autoscaling.prometheusUrl) -}}
{{- fail (printf "%s.maxReplicas is scaled by KEDA out of Prometheus: set autoscaling.prometheusUrl" $path) -}}
{{- end -}}
{{- end -}}
{{- $scaled := or .Values.pool.ingress.maxReplicas .Values.pool.orchestrator.maxReplicas .Values.tenants.ingress.maxReplicas .Values.tenants.orchestrator.maxReplicas -}}
{{- if and (eq .Values.autoscaling.kind "ScaledObject") $scaled (not .Values.autoscaling.prometheusUrl) -}}
{{- fail "autoscaling.kind ScaledObject asks Prometheus: set autoscaling.prometheusUrl" -}}
{{- end -}}
{{- range $path, $pods := dict "pool.ingress" .Values.pool.ingress "pool.orchestrator" .Values.pool.orchestrator "pool.media" .Values.pool.media "tenants.ingress" .Values.tenants.ingress "tenants.orchestrator" .Values.tenants.orchestrator "tenants.media" .Values.tenants.media "inference.triton" $triton "inference.vllm" $vllm -}}
{{- if and $pods.maxReplicas (lt (int $pods.maxReplicas) (int $pods.replicas)) -}}
{{- fail (printf "%s.maxReplicas is %v, below its replicas %v: raise it, or set 0 for no autoscaler" $path $pods.maxReplicas $pods.replicas) -}}
{{- end -}}
{{- end -}}
{{- $most := max (int .Values.pool.orchestrator.replicas) (int .Values.pool.orchestrator.maxReplicas) -}}
{{- if gt (int $most) (int .Values.pool.partitions) -}}
{{- fail (printf "pool.orchestrator: %v pods cannot share pool.partitions %v lanes: more than one lane a pod is needed" $most .Values.pool.partitions) -}}
{{- end -}}
{{- end -}}
