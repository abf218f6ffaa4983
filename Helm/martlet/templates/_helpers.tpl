{{/*
This source file is part of the Martlet project.
SPDX-License-Identifier: Apache-2.0
*/}}

{{- define "martlet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for what is appended to it, the hash of a pod among that. */}}
{{- define "martlet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "martlet.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "martlet.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "martlet.selector" -}}
app.kubernetes.io/name: {{ include "martlet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: node
{{- end }}

{{- define "martlet.labels" -}}
{{ include "martlet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "martlet.testLabels" -}}
app.kubernetes.io/name: {{ include "martlet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "martlet.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "martlet.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "martlet.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "martlet.secret" -}}
{{- if .Values.existingSecret }}
{{- .Values.existingSecret }}
{{- else if .Values.secrets }}
{{- include "martlet.fullname" . }}
{{- end }}
{{- end }}

{{/* Whole seconds, rounded up, of a duration as the node reads it: 250ms, 10s, 1h30m. */}}
{{- define "martlet.seconds" -}}
{{- $milliseconds := 0 }}
{{- $units := dict "d" 86400000 "h" 3600000 "m" 60000 "s" 1000 "ms" 1 }}
{{- range regexFindAll "[0-9]+(ms|[dhms])" (toString .) -1 }}
{{- $unit := regexFind "[a-z]+" . }}
{{- $milliseconds = add $milliseconds (mul (regexFind "[0-9]+" . | int64) (get $units $unit)) }}
{{- end }}
{{- div (add $milliseconds 999) 1000 }}
{{- end }}

{{/* How long a node needs from SIGTERM until its last connection was told to go. */}}
{{- define "martlet.drainSeconds" -}}
{{- $drain := default dict .Values.config.drain }}
{{- add (include "martlet.seconds" (default "5s" $drain.delay)) (include "martlet.seconds" (default "20s" $drain.window)) }}
{{- end }}

{{/* Until the old node's drain is over, and until the new one admits at its full rate: the next drain's clients come to
it, which is the emptiest. */}}
{{- define "martlet.minReadySeconds" -}}
{{- if kindIs "invalid" .Values.rollout.minReadySeconds }}
{{- $slowStart := default "30s" (default dict .Values.config.slow_start).duration }}
{{- max (include "martlet.drainSeconds" .) (include "martlet.seconds" $slowStart) }}
{{- else }}
{{- .Values.rollout.minReadySeconds | int }}
{{- end }}
{{- end }}

{{/* The open connections of a node at which the cluster neither grows nor shrinks. */}}
{{- define "martlet.targetConnections" -}}
{{- $most := int64 (default 0 (default dict .Values.config.limits).connections_max) }}
{{- max 1 (div (mul $most (int64 .Values.autoscaling.utilization)) 100) }}
{{- end }}

{{/* martlet.yaml, as the nodes read it. */}}
{{- define "martlet.configuration" -}}
{{- /* Of IPv6, without the brackets that a port needs. */}}
{{- $address := .Values.bindAddress }}
{{- if and (contains ":" $address) (not (hasPrefix "[" $address)) }}{{ $address = printf "[%s]" $address }}{{ end }}
{{- $listen := dict "public" (printf "%s:8000" $address) "internal" (printf "%s:9000" $address) }}
{{- $config := deepCopy .Values.config }}
{{- toYaml (set $config "listen" (mergeOverwrite (default dict $config.listen) $listen)) }}
{{- end }}
