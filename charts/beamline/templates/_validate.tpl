{{/* What belongs together, checked; each mistake is a sentence, and all are said at once. */}}
{{- define "beamline.validate" -}}
{{- $wrong := list -}}
{{- if not (include "beamline.kafka" .) -}}
{{- $wrong = append $wrong "kafka.bootstrap is empty: name the brokers, or set development.kafka.enabled=true" -}}
{{- end -}}
{{- if not (include "beamline.registry" .) -}}
{{- $wrong = append $wrong "registry.url is empty: name the schema registry, or set development.registry.enabled=true" -}}
{{- end -}}
{{- if and (hasPrefix "sasl" .Values.kafka.security) (or (not .Values.kafka.username) (not .Values.kafka.secretKeys.password)) -}}
{{- $wrong = append $wrong (printf "kafka.security=%s needs kafka.username, kafka.existingSecret and kafka.secretKeys.password" .Values.kafka.security) -}}
{{- end -}}
{{- if and (not (hasPrefix "sasl" .Values.kafka.security)) (or .Values.kafka.username .Values.kafka.mechanism) -}}
{{- $wrong = append $wrong (printf "kafka.username and kafka.mechanism do nothing with kafka.security=%s: set that to sasl-tls, or leave them empty" .Values.kafka.security) -}}
{{- end -}}
{{- range $what := list "kafka" "registry" "cql" -}}
{{- $values := index $.Values $what -}}
{{- range $key, $name := $values.secretKeys -}}
{{- if and $name (not $values.existingSecret) -}}
{{- $wrong = append $wrong (printf "%s.secretKeys.%s=%s needs %s.existingSecret" $what $key $name $what) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $stream := .Values.streams -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$" $name) -}}
{{- $wrong = append $wrong (printf "streams: the name `%s` must be up to 30 lower-case letters, digits and hyphens" $name) -}}
{{- end -}}
{{- $definition := $stream.definition | fromYaml -}}
{{- if hasKey $definition "Error" -}}
{{- $wrong = append $wrong (printf "streams.%s.definition is not YAML: %s" $name $definition.Error) -}}
{{- else -}}
{{- $given := dig "metadata" "name" "" $definition -}}
{{- if ne $given $name -}}
{{- $wrong = append $wrong (printf "streams.%s.definition says metadata.name `%s`: both must be the same" $name $given) -}}
{{- end -}}
{{- $spec := $definition.spec | default dict -}}
{{- if not $spec.partitions -}}
{{- $wrong = append $wrong (printf "streams.%s.definition: spec.partitions is missing" $name) -}}
{{- end -}}
{{- if and (dig "store" "cql" false $spec) (not (include "beamline.cql" $)) -}}
{{- $wrong = append $wrong (printf "streams.%s.definition has spec.store.cql, but cql.nodes is empty: name the nodes, or set development.cql.enabled=true" $name) -}}
{{- end -}}
{{- end -}}
{{- range $service, $_ := $stream.services -}}
{{- if not (hasKey $.Values.services $service) -}}
{{- $wrong = append $wrong (printf "streams.%s.services.%s: there is no such service; there are %s" $name $service (keys $.Values.services | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.dashboard -}}
{{- if and .ingress.enabled (not .ingress.host) -}}
{{- $wrong = append $wrong "dashboard.ingress.enabled=true needs dashboard.ingress.host, the name that browsers use" -}}
{{- end -}}
{{- if and .ingress.enabled (gt (len $.Values.streams) 1) (not (contains "STREAM" .ingress.host)) -}}
{{- $wrong = append $wrong (printf "dashboard.ingress.host=%s: with several streams it must have STREAM in it, such as STREAM.example.org" .ingress.host) -}}
{{- end -}}
{{- if and $.Values.services.dashboard.enabled (not .existingSecret) (not $.Values.setup.enabled) -}}
{{- $wrong = append $wrong "services.dashboard needs tokens: name a Secret with dashboard.existingSecret, or set setup.enabled=true" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.test.stream (not (hasKey .Values.streams .Values.test.stream)) -}}
{{- $wrong = append $wrong (printf "test.stream=%s is none of streams" .Values.test.stream) -}}
{{- end -}}
{{- if not $wrong -}}
{{- range $component := (include "beamline.components" . | fromYaml).components -}}
{{- $where := printf "%s of stream %s" $component.service $component.stream -}}
{{- $replicas := int $component.values.replicas -}}
{{- $partitions := int $component.partitions -}}
{{- if and (has $component.service (list "enricher" "anomaly-detector" "aggregator" "writer")) (gt $replicas $partitions) -}}
{{- $wrong = append $wrong (printf "%s: %d replicas, but only %d partitions: what is beyond them would be idle" $where $replicas $partitions) -}}
{{- end -}}
{{- if and $component.scaled (gt (int $.Values.scaling.minReplicas) (int (include "beamline.maxReplicas" (dict "root" $ "component" $component)))) -}}
{{- $wrong = append $wrong (printf "%s: scaling.minReplicas=%d is more than the %s that it can have" $where (int $.Values.scaling.minReplicas) (include "beamline.maxReplicas" (dict "root" $ "component" $component))) -}}
{{- end -}}
{{- if and $component.scaled (eq $component.service "generator") -}}
{{- $wrong = append $wrong "scaling.services: the generator has no lag to be scaled by" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nbeamline: these values cannot work:\n  - %s\n" (join "\n  - " $wrong)) -}}
{{- end -}}
{{- end -}}
