{{/* The name of all objects of a release: the name of the release, followed by that of the chart unless it contains it. */}}
{{- define "interlock.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 30 | trimSuffix "-") .Chart.Name -}}
{{- end -}}
{{- end -}}

{{/* The labels by which an object selects pods. Takes a dict of root and component. */}}
{{- define "interlock.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* The labels of an object. Takes a dict of root and component. */}}
{{- define "interlock.labels" -}}
{{ include "interlock.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "interlock.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "interlock.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "interlock.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* The Secret that the chart creates for a trial. */}}
{{- define "interlock.trialSecret" -}}
{{- include "interlock.fullname" . }}-trial
{{- end -}}

{{/* "yes" if the chart must create the secret that signs tokens, because it is a trial. */}}
{{- define "interlock.createsJwtSecret" -}}
{{- $keys := list "INTERLOCK_OIDC_ISSUER" "INTERLOCK_JWKS" -}}
{{- $named := .Values.secrets.jwtSecret.existingSecret -}}
{{- range $keys }}{{ $named = or $named (get $.Values.settings .) }}{{ end -}}
{{- if and .Values.postgresql.enabled (not $named) }}yes{{ end -}}
{{- end -}}

{{/* Stops the installation if a value is missing without which no server can start. */}}
{{- define "interlock.check" -}}
{{- if not (or .Values.postgresql.enabled .Values.secrets.databaseUrl.existingSecret) -}}
{{- fail "Set secrets.databaseUrl.existingSecret to a Secret with the URL of a PostgreSQL database, or postgresql.enabled=true for a trial." -}}
{{- end -}}
{{- if not (or .Values.postgresql.enabled .Values.secrets.jwtSecret.existingSecret .Values.settings.INTERLOCK_OIDC_ISSUER .Values.settings.INTERLOCK_JWKS) -}}
{{- fail "Set settings.INTERLOCK_OIDC_ISSUER, settings.INTERLOCK_JWKS or secrets.jwtSecret.existingSecret: the keys that verify the tokens of users." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "Set ingress.hosts, because ingress.enabled is true." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "Set httpRoute.parentRefs, because httpRoute.enabled is true." -}}
{{- end -}}
{{- if and .Values.secrets.migrationDatabaseUrl.existingSecret (not .Values.deploy.serverRole) -}}
{{- fail "Set deploy.serverRole to the database role of the servers, because secrets.migrationDatabaseUrl is that of another role." -}}
{{- end -}}
{{- end -}}
