{{/* An entry of `secrets` as the source of an environment variable. Takes a dict of name and secret. */}}
{{- define "interlock.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret.existingSecret }}
      key: {{ .secret.key }}
{{- end -}}

{{/* The environment that leads to the database. Takes a dict of root and secret, the entry of `secrets` to use. */}}
{{- define "interlock.databaseEnv" -}}
{{- if .secret.existingSecret }}
{{ include "interlock.secretEnv" (dict "name" "INTERLOCK_DATABASE_URL" "secret" .secret) }}
{{- else }}
- name: POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.postgresql.existingSecret | default (include "interlock.trialSecret" .root) }}
      key: password
- name: INTERLOCK_DATABASE_URL
  value: postgresql://interlock:$(POSTGRES_PASSWORD)@{{ include "interlock.fullname" .root }}-postgresql/interlock
{{- end }}
{{- end -}}

{{/* The environment of a server, from `settings` and `secrets`. */}}
{{- define "interlock.serverEnv" -}}
{{- $secrets := .Values.secrets -}}
{{ include "interlock.databaseEnv" (dict "root" . "secret" $secrets.databaseUrl) | trim }}
- {name: INTERLOCK_DATABASE_SCHEMA, value: wait}
- {name: INTERLOCK_HOST, value: 0.0.0.0}
- {name: INTERLOCK_PORT, value: "8080"}
- {name: INTERLOCK_DATA_DIR, value: /tmp/interlock}
{{- range $variable, $name := dict "INTERLOCK_DATABASE_DIRECT_URL" "databaseDirectUrl" "INTERLOCK_API_KEYS" "apiKeys" "INTERLOCK_LICENSE_KEY" "licenseKey" "INTERLOCK_ANCHOR_URL" "anchorUrl" "INTERLOCK_TRACES_URL" "tracesUrl" }}
{{- with get $secrets $name }}{{ if .existingSecret }}
{{ include "interlock.secretEnv" (dict "name" $variable "secret" .) }}
{{- end }}{{ end }}
{{- end }}
{{- if or $secrets.jwtSecret.existingSecret (include "interlock.createsJwtSecret" .) }}
- {name: INTERLOCK_JWT_SECRET_FILE, value: /etc/interlock/jwt-secret/secrets}
{{- end }}
{{- if $secrets.oidcClientSecret.existingSecret }}
- {name: INTERLOCK_OIDC_CLIENT_SECRET_FILE, value: /etc/interlock/oidc-client/secret}
{{- end }}
{{- if $secrets.anchorKey.existingSecret }}
- {name: INTERLOCK_ANCHOR_KEY_FILE, value: /etc/interlock/anchor/key.pem}
{{- end }}
{{- if $secrets.webhookSecrets.existingSecret }}
- {name: INTERLOCK_WEBHOOK_SECRETS_DIR, value: /etc/interlock/webhooks}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  value: {{ include "interlock.settingText" $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A setting as text. Helm reads numbers as float64, and prints large ones with an exponent. */}}
{{- define "interlock.settingText" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* The mounts of a server: a folder that it can write to, and secrets that can change while it runs. */}}
{{- define "interlock.serverMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- $secrets := .Values.secrets }}
{{- if or $secrets.jwtSecret.existingSecret (include "interlock.createsJwtSecret" .) }}
- {name: jwt-secret, mountPath: /etc/interlock/jwt-secret, readOnly: true}
{{- end }}
{{- if $secrets.oidcClientSecret.existingSecret }}
- {name: oidc-client, mountPath: /etc/interlock/oidc-client, readOnly: true}
{{- end }}
{{- if $secrets.anchorKey.existingSecret }}
- {name: anchor, mountPath: /etc/interlock/anchor, readOnly: true}
{{- end }}
{{- if $secrets.webhookSecrets.existingSecret }}
- {name: webhooks, mountPath: /etc/interlock/webhooks, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A Secret of which one key is mounted. Takes a dict of name, secret, key and path. */}}
{{- define "interlock.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: {{ .path }}}]
{{- end -}}

{{- define "interlock.serverVolumes" -}}
- name: tmp
  emptyDir: {}
{{- $secrets := .Values.secrets }}
{{- if $secrets.jwtSecret.existingSecret }}
{{ include "interlock.secretVolume" (dict "name" "jwt-secret" "secret" $secrets.jwtSecret.existingSecret "key" $secrets.jwtSecret.key "path" "secrets") }}
{{- else if include "interlock.createsJwtSecret" . }}
{{ include "interlock.secretVolume" (dict "name" "jwt-secret" "secret" (include "interlock.trialSecret" .) "key" "jwt-secret" "path" "secrets") }}
{{- end }}
{{- with $secrets.oidcClientSecret }}{{ if .existingSecret }}
{{ include "interlock.secretVolume" (dict "name" "oidc-client" "secret" .existingSecret "key" .key "path" "secret") }}
{{- end }}{{ end }}
{{- with $secrets.anchorKey }}{{ if .existingSecret }}
{{ include "interlock.secretVolume" (dict "name" "anchor" "secret" .existingSecret "key" .key "path" "key.pem") }}
{{- end }}{{ end }}
{{- with $secrets.webhookSecrets.existingSecret }}
- name: webhooks
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The start of the specification of each pod with the image of Interlock. */}}
{{- define "interlock.podSpec" -}}
serviceAccountName: {{ include "interlock.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $.Values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "interlock.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}
