{{/*
A development server: a Deployment of one pod, a Service, and a volume where one is asked for. Arguments: root, name,
values, ports (name to number), probe, and optionally command, args, env, mounts, volumes, dataPath, checksum,
publishesUnready.
*/}}
{{- define "beamline.server" -}}
{{- $name := printf "%s-%s" (include "beamline.fullname" .root) .name -}}
{{- $labels := dict "root" .root "component" .name -}}
{{- $development := .root.Values.development -}}
{{- $pod := include "beamline.podValues" (dict "root" .root "own" .values) | fromYaml -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "beamline.labels" $labels | nindent 4 }}
spec:
  replicas: 1
  revisionHistoryLimit: 1
  strategy: { type: Recreate }
  selector:
    matchLabels:
      {{- include "beamline.selectorLabels" $labels | nindent 6 }}
  template:
    metadata:
      {{- $annotations := dict }}
      {{- with .checksum }}{{ $_ := set $annotations "checksum/config" . }}{{ end }}
      {{- include "beamline.podMetadata" (dict "labels" $labels "values" $pod "annotations" $annotations) | nindent 6 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      {{- include "beamline.podSpec" (dict "root" .root "values" $pod "securityContext" (default $development.podSecurityContext .values.podSecurityContext)) | trim | nindent 6 }}
      containers:
        - name: {{ .name }}
          image: {{ .values.image }}
          imagePullPolicy: {{ .values.pullPolicy }}
          {{- with (default .command .values.command) }}
          command: {{ toYaml . | nindent 12 }}
          {{- end }}
          {{- with (default .args .values.args) }}
          args: {{ toYaml . | nindent 12 }}
          {{- end }}
          {{- include "beamline.containerSpec" (dict "securityContext" (default $development.securityContext .values.securityContext) "resources" .values.resources) | nindent 10 }}
          ports:
            {{- range $port, $number := .ports }}
            - { name: {{ $port }}, containerPort: {{ $number }} }
            {{- end }}
          {{- with concat (default list .env) (default list .values.env) }}
          env: {{ toYaml . | nindent 12 }}
          {{- end }}
          startupProbe:
            {{- toYaml .probe | nindent 12 }}
            periodSeconds: 2
            failureThreshold: 150
          readinessProbe:
            {{- toYaml .probe | nindent 12 }}
            periodSeconds: 5
            failureThreshold: 6
            timeoutSeconds: 5
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- with .dataPath }}
            - { name: data, mountPath: {{ . }} }
            {{- end }}
            {{- with .mounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if .dataPath }}
        - name: data
          {{- if .values.storage }}
          persistentVolumeClaim: { claimName: {{ $name }} }
          {{- else }}
          emptyDir: {}
          {{- end }}
        {{- end }}
        {{- with .volumes }}{{ toYaml . | nindent 8 }}{{ end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "beamline.labels" $labels | nindent 4 }}
spec:
  {{- if .publishesUnready }}
  # Those that are ready together have to find each other before.
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "beamline.selectorLabels" $labels | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    - { name: {{ $port }}, port: {{ $number }}, targetPort: {{ $port }} }
    {{- end }}
{{- if and .dataPath .values.storage }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "beamline.labels" $labels | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: {{ .values.storage }} } }
{{- end }}
{{- end -}}
