{{/* A server of one pod with a volume. Takes (dict "root" $ "id" … "image" … "full" … "body" … "volumes" …). */}}
{{- define "munshi.demoServer" -}}
{{- $demo := .root.Values.demo -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .full }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .full }}
  selector:
    matchLabels: {{- include "munshi.selector" .id | nindent 6 }}
  template:
    metadata:
      labels: {{- include "munshi.podLabels" .id | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- include "munshi.podSecurity" .root | nindent 6 }}
      {{- with include "munshi.pullSecrets" .root }}
      {{- . | nindent 6 }}
      {{- end }}
      terminationGracePeriodSeconds: 30
      containers:
        - name: server
          {{- include "munshi.imageFields" (dict "root" .root "name" .image) | nindent 10 }}
          {{- include "munshi.containerSecurity" .root | nindent 10 }}
          {{- .body | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- if eq $demo.storageClass "-" }}
        - name: data
          emptyDir: {sizeLimit: {{ $demo.storage }}}
  {{- else }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $demo.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ $demo.storage }}}}
  {{- end }}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .full }}
  labels: {{- include "munshi.labels" .id | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "munshi.selector" .id | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    # Munshi's pods wherever they are: the tenants' lie in the tenants' namespaces.
    - from:
        - namespaceSelector: {}
          podSelector: {matchLabels: {app.kubernetes.io/part-of: munshi}}
  egress: {{ if .egress }}{{ .egress | nindent 4 }}{{ else }}[]{{ end }}
{{- end }}
{{- end -}}

{{- define "munshi.demoNatsContainer" -}}
args: [--config, /etc/nats/nats.conf]
ports:
  - {name: nats, containerPort: 4222, protocol: TCP}
  - {name: monitor, containerPort: 8222, protocol: TCP}
# Not plain /healthz: it looks the accounts of all folders of streams up, and one of a tenant that was deleted is not
# found any more, which takes 2 s and fails.
startupProbe:
  httpGet: {path: "/healthz?js-server-only=true", port: monitor}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  httpGet: {path: "/healthz?js-server-only=true", port: monitor}
  periodSeconds: 2
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: "/healthz?js-enabled-only=true", port: monitor}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 6
resources:
  requests: {cpu: 50m, memory: 64Mi}
  limits: {memory: 512Mi}
volumeMounts:
  - {name: config, mountPath: /etc/nats/nats.conf, subPath: nats.conf, readOnly: true}
  - {name: operator, mountPath: /etc/nats/operator, readOnly: true}
  - {name: data, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "munshi.demoNatsVolumes" -}}
- name: config
  configMap: {name: munshi-demo-nats}
- name: operator
  secret: {secretName: munshi-nats}   # the bootstrap job writes it; the pod waits for it
{{- end -}}

{{- define "munshi.demoPostgresContainer" -}}
env:
  - name: POSTGRES_PASSWORD
    valueFrom: {secretKeyRef: {name: munshi-database, key: superuser-password}}
  - {name: PGDATA, value: /data/postgres}
ports:
  - {name: postgres, containerPort: 5432, protocol: TCP}
readinessProbe:
  tcpSocket: {port: postgres}
  periodSeconds: 2
resources:
  requests: {cpu: 100m, memory: 192Mi}
  limits: {memory: 1Gi}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "munshi.demoEmulatorContainer" -}}
env:
  - {name: MUNSHI_EMULATOR_HOST, value: "0.0.0.0"}
  - {name: MUNSHI_EMULATOR_PORT, value: "8010"}
  - {name: MUNSHI_EMULATOR_DATA_DIR, value: /data/emulator}
ports:
  - {name: http, containerPort: 8010, protocol: TCP}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
resources:
  requests: {cpu: 50m, memory: 96Mi}
  limits: {memory: 256Mi}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* The emulator posts webhooks to the ingress pods, wherever they are, and to a Gateway of the cluster. */}}
{{- define "munshi.demoEmulatorEgress" -}}
{{ include "munshi.egressDns" . }}
- ports:
    - {port: 80, protocol: TCP}
    - {port: 443, protocol: TCP}
    - {port: 8080, protocol: TCP}
{{- end -}}
