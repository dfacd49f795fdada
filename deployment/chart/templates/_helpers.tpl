{{/* The labels of what belongs to `name`; call with (dict "root" $ "name" "trades"). */}}
{{- define "realtime.labels" -}}
{{ include "realtime.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
{{- end }}

{{/* The labels by which its pods are found. */}}
{{- define "realtime.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: realtime
{{- end }}

{{/* The image `name` of our own. */}}
{{- define "realtime.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end -}}
{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* The autoscaling of a service as JSON, null where it has none; call with "service" too. */}}
{{- define "realtime.autoscaling" -}}
{{- $wanted := .service.autoscaling | default .root.Values.autoscaling -}}
{{- if .service.singleton }}null{{ else }}{{ toJson $wanted }}{{ end -}}
{{- end }}

{{/* How many Deployments a service has: one, or one for each share of the markets. */}}
{{- define "realtime.instances" -}}
{{- $wanted := int (.service.replicas | default 1) -}}
{{- if .service.sharded }}{{ $wanted }}
{{- else if and .service.singleton (gt $wanted 1) }}
{{- fail (printf "%s: replicas %d: two of it would do everything twice; 1 is all there can be" .name $wanted) }}
{{- else }}1{{ end -}}
{{- end }}

{{/* The name of a Deployment: the service's, with a number where the markets are shared out. */}}
{{- define "realtime.deployed" -}}
{{ .name }}{{ if and .service.sharded (gt (int .service.replicas) 1) }}-{{ .instance }}{{ end }}
{{- end }}

{{/* The label that tells pods of one share from those of others; none where there is one. */}}
{{- define "realtime.instance" -}}
{{ if ne .name .deployed }}app.kubernetes.io/instance: {{ .deployed }}{{ end }}
{{- end }}

{{/* What no pod may do; `user` is who it runs as. */}}
{{- define "realtime.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false  # or a Service named postgres would set POSTGRES_PORT
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* What no container may do. */}}
{{- define "realtime.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Service and NetworkPolicy of what only our own pods may reach. */}}
{{- define "realtime.inside" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "realtime.selector" . | nindent 4 }}
spec:
  selector:
    {{- include "realtime.selector" . | nindent 4 }}
  ports:
    - {port: {{ .port }}, targetPort: {{ .port }}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "realtime.selector" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "realtime.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/part-of: realtime}}}]
      ports: [{port: {{ .port }}, protocol: TCP}]
  egress:  # to itself, as a broker does by its advertised name
    - to:
        - podSelector:
            matchLabels:
              {{- include "realtime.selector" . | nindent 14 }}
      ports: [{port: {{ .port }}, protocol: TCP}]
{{- end }}
