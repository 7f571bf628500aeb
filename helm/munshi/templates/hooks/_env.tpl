{{- define "munshi.migrationsEnv" }}
- name: MUNSHI_DATABASE_URL
  valueFrom:
    {{- if .copied }}
    secretKeyRef: {name: munshi-migrations, key: url}
    {{- else }}
    secretKeyRef: {{- include "munshi.databaseSecret" .root | nindent 6 }}
    {{- end }}
{{- if include "munshi.ownDatabase" .root }}
- name: MUNSHI_SUPERUSER_URL   # roles, database and extension are made first
  valueFrom:
    secretKeyRef: {name: munshi-database, key: superuser-url}
{{- else if .root.Values.database.superuserSecret.name }}
- name: MUNSHI_SUPERUSER_URL   # roles, database and extension are made first
  valueFrom:
    secretKeyRef: {{- toYaml .root.Values.database.superuserSecret | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "munshi.bootstrapEnv" }}
- {name: MUNSHI_OPERATOR_NATS_RESOLVER_DIR, value: {{ .Values.nats.resolverDir | quote }}}
- name: MUNSHI_OPERATOR_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end -}}

{{- define "munshi.keysMount" }}
- {name: keys, mountPath: /etc/munshi/keys, readOnly: true}
{{- end -}}

{{- define "munshi.keysVolume" }}
- name: keys
  secret: {secretName: {{ include "munshi.keysSecret" . }}}
{{- end -}}
