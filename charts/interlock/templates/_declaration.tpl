{{/*
The files of the declaration, as a JSON list of texts. A ConfigMap has at most 1 MiB, so the lists of a
larger declaration are split into several files, which Interlock joins. `characters` is the longest text.
*/}}
{{- define "interlock.declarationTexts" -}}
{{- $characters := 900000 -}}
{{- $whole := toYaml (dict "ticketing" .Values.ticketing) -}}
{{- $texts := list -}}
{{- if le (len $whole) $characters -}}
{{- $texts = append $texts $whole -}}
{{- else -}}
{{- $rest := deepCopy .Values.ticketing -}}
{{- $lists := list -}}
{{- range $key, $value := .Values.ticketing -}}
{{- if kindIs "slice" $value -}}
{{- $lists = append $lists (dict "path" (list $key) "items" $value) -}}
{{- $_ := unset $rest $key -}}
{{- else if kindIs "map" $value -}}
{{- range $inner, $list := $value -}}
{{- if kindIs "slice" $list -}}
{{- $lists = append $lists (dict "path" (list $key $inner) "items" $list) -}}
{{- $_ := unset (get $rest $key) $inner -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $texts = append $texts (toYaml (dict "ticketing" $rest)) -}}
{{- range $lists -}}
{{- $path := .path -}}
{{- $items := .items -}}
{{- $bounds := list 0 -}}
{{- $size := 0 -}}
{{- range $index, $item := $items -}}
{{- $text := toYaml $item -}}
{{- $indented := add (len $text) (mul 6 (len (splitList "\n" $text))) -}}
{{- if and (gt (add $size $indented | int) $characters) (gt $index (last $bounds | int)) -}}
{{- $bounds = append $bounds $index -}}
{{- $size = 0 -}}
{{- end -}}
{{- $size = add $size $indented -}}
{{- end -}}
{{- $bounds = append $bounds (len $items) -}}
{{- range $number := until (sub (len $bounds) 1 | int) -}}
{{- $start := index $bounds $number | int -}}
{{- $end := index $bounds (add1 $number | int) | int -}}
{{- if gt $end $start -}}
{{- $part := dict (last $path) (slice $items $start $end) -}}
{{- if gt (len $path) 1 -}}{{- $part = dict (first $path) $part -}}{{- end -}}
{{- $texts = append $texts (toYaml (dict "ticketing" $part)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{/* The names of the ConfigMaps of other teams as a JSON list: those that are named, and those that are labelled. */}}
{{- define "interlock.teamConfigMaps" -}}
{{- $names := .Values.declaration.configMaps -}}
{{- with .Values.declaration.label -}}
{{- $parts := splitn "=" 2 . -}}
{{- $found := (lookup "v1" "ConfigMap" $.Release.Namespace "") -}}
{{- range (get $found "items") -}}
{{- if eq (get (.metadata.labels | default dict) $parts._0 | toString) ($parts._1 | default "true") -}}
{{- $names = append $names .metadata.name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- define "interlock.deployHook" -}}
{{- if .Values.deploy.hook -}}
helm.sh/hook: post-install,pre-upgrade,pre-rollback
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
{{- end -}}
