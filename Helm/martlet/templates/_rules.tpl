{{/*
This source file is part of the Martlet project.
SPDX-License-Identifier: Apache-2.0

What no schema can say: rules between values, each refused with a sentence that tells what to do. They fail before
anything is installed, where the node itself would refuse to start.
*/}}
{{- define "martlet.rules" -}}
{{- $config := .Values.config }}
{{- $auth := default dict $config.auth }}
{{- $api := default dict $config.api }}
{{- $redis := default dict $config.redis }}
{{- $kafka := default dict $config.kafka }}
{{- $proxy := default dict (default dict $config.proxy).connect }}
{{- $validation := default dict $config.validation }}
{{- $given := .Values.secrets }}
{{- range .Values.extraEnv }}{{ $given = set (deepCopy $given) .name "" }}{{ end }}
{{- $unknown := not (empty .Values.existingSecret) }}

{{- $known := (.Files.Get "files/variables.yaml" | fromYaml).known }}
{{- range $name, $_ := $given }}
{{- if and (hasPrefix "MARTLET_" $name) (not (has $name (append $known "MARTLET_CONFIG"))) }}
{{- fail (printf "secrets or extraEnv name %s, which no node knows: the names are in Docs/Configuration.md." $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := $given }}
{{- if has $name (list "MARTLET_CONFIG" "MARTLET_NODE_NAME" "MARTLET_NODE_ADDRESS" "POD_IP") }}
{{- fail (printf "secrets or extraEnv name %s, which the chart gives every node itself: a node is called as its pod, is at its pod's address, and reads the file that is made of config." $name) }}
{{- end }}
{{- end }}
{{- $seen := dict }}
{{- range .Values.extraEnv }}
{{- if hasKey $seen .name }}
{{- fail (printf "extraEnv names %s twice: give it once." .name) }}
{{- end }}
{{- $_ := set $seen .name "" }}
{{- end }}
{{- range $name, $_ := .Values.secrets }}
{{- if not (hasPrefix "MARTLET_" $name) }}
{{- fail (printf "secrets names %s: its keys are environment variables of Docs/Configuration.md, such as MARTLET_API_KEYS." $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := $given }}
{{- if regexMatch "^MARTLET_(LISTEN_.*|DRAIN_.*|LIMITS_CONNECTIONS_MAX|SLOW_START_DURATION)$" $name }}
{{- $key := regexReplaceAll "^(listen|drain|limits|slow_start)_" ($name | trimPrefix "MARTLET_" | lower) "${1}." }}
{{- $place := ternary "bindAddress" (printf "config.%s" $key) (has $key (list "listen.public" "listen.internal")) }}
{{- fail (printf "secrets or extraEnv name %s, which the chart must know itself: give it as %s." $name $place) }}
{{- end }}
{{- end }}
{{- if and .Values.existingSecret .Values.secrets }}
{{- fail "existingSecret and secrets: give one of them. Either the Secret is yours, or the chart makes it." }}
{{- end }}

{{- if and (not $unknown) (not (or $auth.hmac_secret $auth.public_keys $auth.jwks_url $auth.anonymous $proxy.url))
  (not (or (hasKey $given "MARTLET_AUTH_HMAC_SECRET") (hasKey $given "MARTLET_AUTH_PUBLIC_KEYS")
    (hasKey $given "MARTLET_AUTH_JWKS_URL") (hasKey $given "MARTLET_AUTH_ANONYMOUS")
    (hasKey $given "MARTLET_PROXY_CONNECT_URL"))) }}
{{- fail "No client could connect: give secrets.MARTLET_AUTH_HMAC_SECRET, config.auth.public_keys, config.auth.jwks_url or config.proxy.connect.url (or a Secret of your own as existingSecret), or say config.auth.anonymous: true." }}
{{- end }}
{{- if and (not $unknown) (ne (toString $api.enabled) "false") (not $api.keys)
  (not (or (hasKey $given "MARTLET_API_KEYS") (hasKey $given "MARTLET_API_ENABLED"))) }}
{{- fail "The API has no key: give secrets.MARTLET_API_KEYS (or a Secret of your own as existingSecret), or say config.api.enabled: false." }}
{{- end }}
{{- range list "auth.hmac_secret" "api.keys" }}
{{- $parts := splitList "." . }}
{{- if dig (index $parts 0) (index $parts 1) "" $config }}
{{- fail (printf "config.%s would stand readable in a ConfigMap: give it as secrets.MARTLET_%s instead." . (. | replace "." "_" | upper)) }}
{{- end }}
{{- end }}
{{- range $redis.urls }}
{{- if contains "@" . }}
{{- fail "config.redis.urls holds a password, which would stand readable in a ConfigMap: give secrets.MARTLET_REDIS_URLS instead." }}
{{- end }}
{{- end }}

{{- range $name, $_ := include "martlet.selector" . | fromYaml }}
{{- if hasKey $.Values.podLabels $name }}
{{- fail (printf "podLabels names %s, by which Services and the Deployment find the pods: give another label." $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.podAnnotations }}
{{- if has $name (list "checksum/config" "checksum/secrets") }}
{{- fail (printf "podAnnotations names %s: that is the chart's, which restarts the nodes by it." $name) }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "martlet.fullname" .)) }}
{{- fail (printf "No Service can be called %s: a name begins with a letter and has small letters, digits and dashes. Give one as fullnameOverride." (include "martlet.fullname" .)) }}
{{- end }}

{{- $several := or (gt (int .Values.replicas) 1) (ne .Values.autoscaling.kind "none") }}
{{- if and $several (not $unknown) (not $redis.urls) (not (hasKey $given "MARTLET_REDIS_URLS")) }}
{{- fail "Several nodes hear each other through Redis only: give config.redis.urls, secrets.MARTLET_REDIS_URLS or existingSecret, or say replicas: 1." }}
{{- end }}
{{- if and $kafka.topics (not $unknown) (not $kafka.brokers) (not (hasKey $given "MARTLET_KAFKA_BROKERS")) }}
{{- fail "config.kafka.topics is given and no broker: give config.kafka.brokers." }}
{{- end }}
{{- if and (eq (toString $validation.kind) "http") (not $validation.url) (not (hasKey $given "MARTLET_VALIDATION_URL")) }}
{{- fail "config.validation.kind is http and nobody to ask is named: give config.validation.url." }}
{{- end }}

{{- if ne .Values.autoscaling.kind "none" }}
{{- if gt (int .Values.autoscaling.min) (int .Values.autoscaling.max) }}
{{- fail (printf "autoscaling.min (%d) is more than autoscaling.max (%d)." (int .Values.autoscaling.min) (int .Values.autoscaling.max)) }}
{{- end }}
{{- if not (default dict $config.limits).connections_max }}
{{- fail "Scaling needs to know what a node holds: give config.limits.connections_max." }}
{{- end }}
{{- end }}
{{- if and (eq .Values.autoscaling.kind "keda") (not .Values.autoscaling.keda.serverAddress) }}
{{- fail "autoscaling.kind is keda: give autoscaling.keda.serverAddress, where it asks Prometheus." }}
{{- end }}
{{- if and .Values.deletionCost.enabled (not .Values.deletionCost.image) }}
{{- fail "deletionCost.enabled: name an image that holds kubectl and bash in deletionCost.image." }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled: name the hosts that clients use in ingress.hosts." }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled: name the Gateway in httpRoute.parentRefs." }}
{{- end }}
{{- if and (eq (toString (default dict $config.listen).proxy_protocol) "required") (or .Values.ingress.enabled .Values.httpRoute.enabled) }}
{{- fail "config.listen.proxy_protocol: required refuses what Ingress and HTTPRoute send; it is for a balancer of connections before the Service. Say off: they name the client in X-Forwarded-For." }}
{{- end }}
{{- end }}
