{{/* The operator's environment, but for what comes from Secrets and the pod itself. */}}
{{- define "munshi.operatorSettings" -}}
{{- $own := dict
  "MUNSHI_OPERATOR_NATS_URL" (include "munshi.natsUrl" .)
  "MUNSHI_OPERATOR_GRAPH_URL" (include "munshi.graphUrl" .)
  "MUNSHI_OPERATOR_CHECK_META" (toString .Values.graph.check)
  "MUNSHI_OPERATOR_WEBHOOK_URL" (include "munshi.webhookUrl" .)
  "MUNSHI_OPERATOR_POOL_PARTITIONS" (toString .Values.pool.partitions)
  "MUNSHI_OPERATOR_NAMESPACES" (join "," .Values.operator.namespaces)
  "MUNSHI_OPERATOR_ROLLOUT_AT_ONCE" (toString .Values.tenants.rollout.atOnce)
  "MUNSHI_OPERATOR_ROLLOUT_FAIL_SECONDS" (toString .Values.tenants.rollout.failSeconds)
  "MUNSHI_OPERATOR_WAKE_ON_WEBHOOK" (toString .Values.tenants.hibernation.wakeOnWebhook)
  "MUNSHI_OPERATOR_IDLE_SECONDS" (toString .Values.tenants.hibernation.idleSeconds)
-}}
{{- with .Values.database.podsUrl }}{{ $_ := set $own "MUNSHI_OPERATOR_PODS_DATABASE_URL" . }}{{ end -}}
{{- /* The emulator learns of a tenant a moment after the operator asked it: ask again soon. */}}
{{- if .Values.demo.enabled }}{{ $_ := set $own "MUNSHI_OPERATOR_RESYNC_SECONDS" "20" }}{{ end -}}
{{- if gt (int .Values.nats.streamReplicas) 1 }}{{ $_ := set $own "MUNSHI_OPERATOR_NATS_REPLICAS" (toString .Values.nats.streamReplicas) }}{{ end -}}
{{- with .Values.objectStore.endpoint }}{{ $_ := set $own "MUNSHI_OPERATOR_OBJECT_STORE_ENDPOINT" . }}{{ end -}}
{{- with include "munshi.objectStoreUrl" . }}{{ $_ := set $own "MUNSHI_OPERATOR_OBJECT_STORE_URL" . }}{{ end -}}
{{- if ne .Values.objectStore.region "us-east-1" }}{{ $_ := set $own "MUNSHI_OPERATOR_OBJECT_STORE_REGION" .Values.objectStore.region }}{{ end -}}
{{- toYaml (merge (deepCopy .Values.operator.settings) $own) -}}
{{- end -}}
