{{/* What the release's objects are called. */}}
{{- define "beamline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- define "beamline.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 30 | trimSuffix "-" -}}
{{- else if contains (include "beamline.name" .) .Release.Name -}}
{{- .Release.Name | trunc 30 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "beamline.name" .) | trunc 30 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels. Arguments: root, component, stream (may be empty). */}}
{{- define "beamline.selectorLabels" -}}
app.kubernetes.io/name: {{ include "beamline.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .stream }}
beamline.dev/stream: {{ . }}
{{- end }}
{{- end -}}
{{- define "beamline.labels" -}}
{{ include "beamline.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: beamline
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The image of one of our services. Arguments: root, service. */}}
{{- define "beamline.image" -}}
{{- $image := .root.Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- with $image.repository }}{{ . }}/{{ end -}}
{{- .service }}:{{ default .root.Chart.AppVersion $image.tag -}}
{{- end -}}

{{/*
Maps laid over each other, the weakest first, as YAML: a later value wins, maps within maps are merged, and null takes
away what stood there.
*/}}
{{- define "beamline.overlay" -}}
{{- $result := dict -}}
{{- range $layer := . -}}
{{- range $key, $value := $layer -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $result $key -}}
{{- else if kindIs "map" $value -}}
{{- $below := get $result $key -}}
{{- $_ := set $result $key (include "beamline.overlay" (list (ternary $below dict (kindIs "map" $below)) $value) | fromYaml) -}}
{{- else -}}{{- $_ := set $result $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $result -}}
{{- end -}}

{{/*
What every pod of the chart takes from `defaults`, with the pod's own values over it, as YAML. Arguments: root, own.
*/}}
{{- define "beamline.podValues" -}}
{{- $common := pick .root.Values.defaults "extraEnv" "extraEnvFrom" "podAnnotations" "podLabels" "nodeSelector" "tolerations" "affinity" "priorityClassName" -}}
{{- include "beamline.overlay" (list $common .own) -}}
{{- end -}}
{{/* Labels and annotations of a pod. Arguments: labels (those of "beamline.labels"), values, annotations (may be absent). */}}
{{- define "beamline.podMetadata" -}}
labels:
  {{- include "beamline.labels" .labels | nindent 2 }}
  {{- with .values.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- with merge (dict) (.annotations | default dict) (.values.podAnnotations | default dict) }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{/* Where a pod runs, how urgent it is, who it is, and with what its images are pulled. Arguments: root, values, securityContext. */}}
{{- define "beamline.podSpec" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .securityContext }}
securityContext: {{ toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "nodeSelector" "affinity" "tolerations" }}
{{- with index $.values $key }}
{{ $key }}: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
{{/* Rights and resources of a container, as far as there are any. Arguments: securityContext, resources. */}}
{{- define "beamline.containerSpec" -}}
{{- with .securityContext }}
securityContext: {{ toYaml . | nindent 2 }}
{{- end }}
{{- $resources := dict -}}
{{- range $kind, $amounts := .resources }}{{ if $amounts }}{{ $_ := set $resources $kind $amounts }}{{ end }}{{ end }}
{{- with $resources }}
resources: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "beamline.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}{{ include "beamline.fullname" . }}{{- else -}}{{ default "default" .Values.serviceAccount.name }}{{- end -}}
{{- end -}}

{{/* Where things are: what the values say, or the development server. */}}
{{- define "beamline.kafka" -}}
{{- if .Values.kafka.bootstrap -}}{{ .Values.kafka.bootstrap }}
{{- else if .Values.development.kafka.enabled -}}
{{- $domain := include "beamline.domain" . -}}
{{- include "beamline.brokers" . | replace "," (printf "%s:9092," $domain) }}{{ $domain }}:9092
{{- end -}}
{{- end -}}
{{/* What follows the name of a service where it is read in any namespace, such as KEDA's. */}}
{{- define "beamline.domain" -}}.{{ .Release.Namespace }}.svc{{- end -}}
{{/* The names of the development brokers, with commas between them. */}}
{{- define "beamline.brokers" -}}
{{- $first := printf "%s-kafka" (include "beamline.fullname" .) -}}
{{- $names := list $first -}}
{{- range $number := untilStep 2 (int (add1 .Values.development.kafka.replicas)) 1 -}}{{- $names = append $names (printf "%s-%d" $first $number) -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}
{{- define "beamline.registry" -}}
{{- if .Values.registry.url -}}{{ .Values.registry.url }}{{- else if .Values.development.registry.enabled -}}http://{{ include "beamline.fullname" . }}-registry:8080{{ .Values.development.registry.path }}{{- end -}}
{{- end -}}
{{- define "beamline.cql" -}}
{{- if .Values.cql.nodes -}}{{ .Values.cql.nodes }}{{- else if .Values.development.cql.enabled -}}{{ include "beamline.fullname" . }}-cql:9042{{- end -}}
{{- end -}}
{{- define "beamline.otlp" -}}
{{- if .Values.tracing.endpoint -}}{{ .Values.tracing.endpoint }}
{{- else if .Values.development.collector.enabled -}}http://{{ include "beamline.fullname" . }}-collector:4318
{{- else if .Values.development.jaeger.enabled -}}http://{{ include "beamline.fullname" . }}-jaeger:4318
{{- end -}}
{{- end -}}

{{/* Whether any server that must be there before topics can be made comes with this release. */}}
{{- define "beamline.bringsServers" -}}
{{- with .Values.development -}}{{- if or .kafka.enabled .registry.enabled .cql.enabled -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/* Where a stream's definition stands among its files. Arguments: stream, values. */}}
{{- define "beamline.path" -}}
{{- default (printf "streams/%s.yaml" .stream) .values.path -}}
{{- end -}}
{{/* A path as the key of a ConfigMap, which must have no slash. */}}
{{- define "beamline.key" -}}
{{- . | replace "/" "__" -}}
{{- end -}}
{{- define "beamline.streamFile" -}}
/etc/beamline/streams/{{ .stream }}/{{ include "beamline.path" . }}
{{- end -}}

{{/* The files of a stream, as a ConfigMap's data. Arguments: stream, values. */}}
{{- define "beamline.streamData" -}}
{{ include "beamline.key" (include "beamline.path" .) }}: |
{{ .values.definition | trimSuffix "\n" | indent 2 }}
{{- range $path, $text := .values.files }}
{{ include "beamline.key" $path }}: |
{{ $text | trimSuffix "\n" | indent 2 }}
{{- end }}
{{- end -}}

{{/* The volume with the files of a stream. Arguments: stream, values, configMap. */}}
{{- define "beamline.streamVolume" -}}
- name: stream
  configMap:
    name: {{ .configMap }}
    items:
      - key: {{ include "beamline.key" (include "beamline.path" .) }}
        path: {{ include "beamline.path" . }}
      {{- range $path, $_ := .values.files }}
      - key: {{ include "beamline.key" $path }}
        path: {{ $path }}
      {{- end }}
{{- end -}}

{{/* Credentials as volumes. */}}
{{- define "beamline.secretVolumes" -}}
{{- range $what := list "kafka" "registry" "cql" }}
{{- with (index $.Values $what).existingSecret }}
- name: {{ $what }}-credentials
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end -}}
{{- define "beamline.secretMounts" -}}
{{- range $what := list "kafka" "registry" "cql" }}
{{- if (index $.Values $what).existingSecret }}
- name: {{ $what }}-credentials
  mountPath: /etc/beamline/credentials/{{ $what }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{/* An environment variable, unless its value is empty. Arguments: name, value. */}}
{{- define "beamline.variable" -}}
{{- if .value }}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end -}}
{{/* Where the files of a Secret are. Arguments: what, values. */}}
{{- define "beamline.fileEnv" -}}
{{- $what := .what -}}
{{- $secret := .values.existingSecret -}}
{{- range $key, $variable := dict "password" "PASSWORD_FILE" "ca" "CA_FILE" "cert" "CERT_FILE" "key" "KEY_FILE" -}}
{{- with index $.values.secretKeys $key }}
- name: BEAMLINE_{{ upper $what }}_{{ $variable }}
  value: /etc/beamline/credentials/{{ $what }}/{{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "beamline.kafkaEnv" -}}
{{- with .Values.kafka }}
- name: BEAMLINE_KAFKA_BOOTSTRAP
  value: {{ include "beamline.kafka" $ | quote }}
- name: BEAMLINE_KAFKA_SECURITY
  value: {{ .security }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_KAFKA_MECHANISM" "value" .mechanism) }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_KAFKA_USERNAME" "value" .username) }}
{{- include "beamline.fileEnv" (dict "what" "kafka" "values" .) }}
{{- end }}
{{- end -}}
{{- define "beamline.registryEnv" -}}
{{- with .Values.registry }}
- name: BEAMLINE_REGISTRY_URL
  value: {{ include "beamline.registry" $ | quote }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_REGISTRY_USERNAME" "value" .username) }}
{{- include "beamline.fileEnv" (dict "what" "registry" "values" .) }}
{{- end }}
{{- end -}}
{{- define "beamline.cqlEnv" -}}
{{- with .Values.cql }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_CQL" "value" (include "beamline.cql" $)) }}
- name: BEAMLINE_CQL_KEYSPACE
  value: {{ .keyspace }}
- name: BEAMLINE_CQL_REPLICATION
  value: {{ .replication | quote }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_CQL_DATACENTER" "value" .datacenter) }}
{{- include "beamline.variable" (dict "name" "BEAMLINE_CQL_USERNAME" "value" .username) }}
{{- include "beamline.fileEnv" (dict "what" "cql" "values" .) }}
{{- end }}
{{- end -}}
{{/* What every long-running process has. Arguments: root, shutdownLimit. */}}
{{- define "beamline.processEnv" -}}
- name: BEAMLINE_LISTEN
  value: 0.0.0.0:9464
- name: BEAMLINE_INSTANCE
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: BEAMLINE_SHUTDOWN_LIMIT
  value: {{ .shutdownLimit }}s
- name: BEAMLINE_LOG_FORMAT
  value: {{ .root.Values.log.format }}
{{- with include "beamline.otlp" .root }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: BEAMLINE_TRACE_RATIO
  value: {{ $.root.Values.tracing.ratio | quote }}
{{- end }}
{{- end -}}
{{/* The Secret with the tokens of the live pages. */}}
{{- define "beamline.tokens" -}}
{{- default (printf "%s-dashboard" (include "beamline.fullname" .)) .Values.dashboard.existingSecret -}}
{{- end -}}
{{/* The name that browsers know a stream's page by; empty without an ingress. Arguments: root, stream. */}}
{{- define "beamline.pageHost" -}}
{{- if .root.Values.dashboard.ingress.enabled -}}{{ .root.Values.dashboard.ingress.host | replace "STREAM" .stream }}{{- end -}}
{{- end -}}
{{/* Where a page is served, to whom, and what it asks. Arguments: root, component, streamValues. */}}
{{- define "beamline.pageEnv" -}}
{{- $values := .root.Values.dashboard -}}
{{- $name := .component.name -}}
{{- $space := .root.Release.Namespace -}}
{{- $hosts := list $name (printf "%s.%s" $name $space) (printf "%s.%s.svc" $name $space) -}}
{{- with include "beamline.pageHost" (dict "root" .root "stream" .component.stream) -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{- $hosts = concat $hosts $values.hosts -}}
{{- $hasTables := dig "spec" "store" "cql" false (.streamValues.definition | fromYaml) -}}
- name: BEAMLINE_PAGE
  value: 0.0.0.0:8080
- name: BEAMLINE_PAGE_TOKENS
  value: /etc/beamline/tokens
- name: BEAMLINE_PAGE_HOST
  value: {{ join "," $hosts }}
{{- with $values.proxy.trusted }}
- name: BEAMLINE_PAGE_PROXY
  value: {{ join "," . }}
{{- end }}
{{- with $values.proxy.operators }}
- name: BEAMLINE_PAGE_OPERATORS
  value: {{ join "," . | quote }}
{{- end }}
{{- with $values.jaegerUrl }}
- name: BEAMLINE_PAGE_JAEGER
  value: {{ . | quote }}
{{- end }}
- name: BEAMLINE_HISTORY
  value: {{ default (ternary "cql" "topics" (not (not $hasTables))) $values.history }}
{{- end -}}
{{/* Settings by their long flags. */}}
{{- define "beamline.settingsEnv" -}}
{{- range $flag, $value := . }}
- name: BEAMLINE_{{ $flag | upper | replace "-" "_" }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "beamline.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: metrics }
  {{- with .Values.probes.startup }}{{ toYaml . | nindent 2 }}{{ end }}
livenessProbe:
  httpGet: { path: /livez, port: metrics }
  {{- with .Values.probes.liveness }}{{ toYaml . | nindent 2 }}{{ end }}
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  {{- with .Values.probes.readiness }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end -}}

{{/*
The components there are, as YAML: a list of { stream, service, name, partitions, values }. Values are those of
`defaults`, then of `services`, then of the stream.
*/}}
{{- define "beamline.components" -}}
{{- $components := list -}}
{{- range $stream, $values := .Values.streams -}}
{{- $spec := ($values.definition | fromYaml).spec | default dict -}}
{{- range $service, $own := $.Values.services -}}
{{- $special := dig $service dict ($values.services | default dict) -}}
{{- $merged := include "beamline.overlay" (list $.Values.defaults $own $special) | fromYaml -}}
{{- $wanted := $merged.enabled -}}
{{- if and (eq $service "enricher") (dig "anomaly-detector" "settings" "fused" (dig "anomaly-detector" "settings" "fused" false $.Values.services) ($values.services | default dict)) -}}{{- $wanted = false -}}{{- end -}}
{{- if and (eq $service "aggregator") (not $spec.aggregate) -}}{{- $wanted = false -}}{{- end -}}
{{- if and (eq $service "writer") (not (dig "store" "cql" false $spec)) (not (dig "settings" "lake" "" $merged)) -}}{{- $wanted = false -}}{{- end -}}
{{- if $wanted -}}
{{- $name := printf "%s-%s-%s" (include "beamline.fullname" $) $stream $service | trunc 63 | trimSuffix "-" -}}
{{- $scaled := and (ne $.Values.scaling.mode "fixed") (has $service $.Values.scaling.services) -}}
{{- $components = append $components (dict "stream" $stream "service" $service "name" $name "partitions" ($spec.partitions | default 0) "scaled" $scaled "values" $merged) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "components" $components | toYaml -}}
{{- end -}}

{{/* The topic that a service reads. Arguments: stream, service, values. */}}
{{- define "beamline.inputTopic" -}}
{{- if or (eq .service "enricher") (dig "settings" "fused" false .values) -}}{{ .stream }}
{{- else if eq .service "anomaly-detector" -}}{{ .stream }}.enriched
{{- else -}}{{ .stream }}.scored
{{- end -}}
{{- end -}}
{{/* Its consumer group. */}}
{{- define "beamline.group" -}}
beamline.{{ .stream }}.{{ .service }}{{- if eq .service "writer" -}}-{{ dig "settings" "backend" "cql" .values }}{{- end -}}
{{- end -}}
{{/* The most replicas that make sense. Arguments: root, component. */}}
{{- define "beamline.maxReplicas" -}}
{{- $partitions := int .component.partitions -}}
{{- $max := int .root.Values.scaling.maxReplicas -}}
{{- if and (gt $max 0) (lt $max $partitions) -}}{{ $max }}{{- else -}}{{ $partitions }}{{- end -}}
{{- end -}}
