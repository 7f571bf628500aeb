{{/* Pod of a job that runs once. Takes (dict "root" $ "id" … "image" … "args" … "env" … "serviceAccount" … "volumes" …). */}}
{{- define "munshi.jobPod" -}}
metadata:
  labels: {{- include "munshi.podLabels" .id | nindent 4 }}
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: {{ .api | default false }}
  {{- with .serviceAccount }}
  serviceAccountName: {{ . }}
  {{- end }}
  enableServiceLinks: false
  {{- include "munshi.podSecurity" .root | nindent 2 }}
  {{- with include "munshi.pullSecrets" .root }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: {{ .image }}
      {{- include "munshi.imageFields" (dict "root" .root "name" .image) | nindent 6 }}
      {{- include "munshi.containerSecurity" .root | nindent 6 }}
      args: {{ .args | toJson }}
      env: {{- .env | nindent 8 }}
      resources:
        requests: {cpu: 50m, memory: 96Mi}
        limits: {memory: 256Mi}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- with .mounts }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- with .volumes }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}
