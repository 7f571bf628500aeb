{{/* An alert's annotations. Takes (dict "root" $ "alert" "MunshiX" "summary" … "description" …). */}}
{{- define "munshi.annotations" -}}
summary: {{ .summary | quote }}
description: {{ .description | quote }}
runbook_url: {{ printf "%s/%s.md" (.root.Values.monitoring.rules.runbookBaseUrl | trimSuffix "/") .alert | quote }}
{{- end -}}

{{/* Share of what went wrong over each window, as recording rules. Takes (dict "record" … "bad" … "all" …). */}}
{{- define "munshi.ratios" -}}
{{- $given := . -}}
{{- range $window := list "5m" "30m" "1h" "6h" "3d" }}
- record: {{ $given.record }}:ratio_rate{{ $window }}
  expr: {{ printf $given.expr $window $window | quote }}
{{- end }}
{{- end -}}

{{/*
Burn of a 30-day budget in several windows: 14.4 x (2 % of it in an hour) and 6 x (5 % in six hours) call somebody,
1 x (10 % in three days) is a ticket. The short window lets an alert end soon after its cause.
Takes (dict "root" $ "alert" … "record" … "percent" … "summary" …).
*/}}
{{- define "munshi.burn" -}}
{{- $given := . -}}
{{- $budget := divf (subf 100.0 (toString .percent | float64)) 100.0 -}}
{{- range $step := list
  (dict "factor" 14.4 "long" "1h" "short" "5m" "for" "2m" "severity" "page")
  (dict "factor" 6.0 "long" "6h" "short" "30m" "for" "15m" "severity" "page")
  (dict "factor" 1.0 "long" "3d" "short" "6h" "for" "1h" "severity" "ticket") }}
{{- $bar := printf "%.6g" (mulf $step.factor $budget) }}
- alert: {{ $given.alert }}
  expr: {{ printf "%s:ratio_rate%s > %s and %s:ratio_rate%s > %s" $given.record $step.long $bar $given.record $step.short $bar | quote }}
  for: {{ $step.for }}
  labels: {severity: {{ $step.severity }}, window: {{ $step.long | quote }}}
  annotations:
    {{- include "munshi.annotations" (dict "root" $given.root "alert" $given.alert "summary" $given.summary "description"
        (printf "%s At this rate (%v times what %v %% allow) the budget of 30 days is spent early." $given.description $step.factor $given.percent)) | nindent 4 }}
{{- end }}
{{- end -}}
