{{/* Name of a model server's image. Takes (dict "root" $ "image" .Values.inference.triton.image). */}}
{{- define "munshi.modelServerImage" -}}
{{- $registry := .root.Values.global.imageRegistry | trimSuffix "/" -}}
{{- $repository := ternary .image.repository (printf "%s/%s" $registry .image.repository) (empty $registry) -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Where model servers stand. Takes (dict "root" $ "id" … "values" .Values.inference.triton). */}}
{{- define "munshi.modelServerPlacement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ .root.Values.pods.topologyKey }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "munshi.selector" .id | nindent 8 }}
{{- with merge (deepCopy .values.nodeSelector) .root.Values.pods.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat .root.Values.pods.tolerations .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What a pod asks for, with its GPUs. Takes (dict "resources" … "gpus" 1). */}}
{{- define "munshi.modelServerResources" -}}
{{- $resources := deepCopy .resources -}}
{{- if .gpus -}}
{{- $_ := set $resources "limits" (merge (dict "nvidia.com/gpu" .gpus) (default dict $resources.limits)) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* PDB and ServiceAccount of a model server. Takes (dict "root" $ "id" …). */}}
{{- define "munshi.modelServerBeside" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .id.name }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
automountServiceAccountToken: false   # these pods have no business with the API
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .id.name }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "munshi.selector" .id | nindent 6 }}
{{- end -}}
