{{/* The name of what is made. The default release name gives plain `lakevault`. */}}
{{- define "lakevault.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lakevault.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lakevault.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "lakevault.leaseName" -}}
{{- default (include "lakevault.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{/* What selects the pods; it must never change, since a Deployment's selector cannot. */}}
{{- define "lakevault.selectorLabels" -}}
app.kubernetes.io/name: lakevault
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lakevault.labels" -}}
{{ include "lakevault.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lakevault.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "lakevault.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "lakevault.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Names of ServiceAccounts whose tokens may be created, its own first. */}}
{{- define "lakevault.tokenNames" -}}
{{- concat (list (include "lakevault.serviceAccountName" .)) .Values.tokenRequests.serviceAccounts | uniq | toJson -}}
{{- end -}}

{{/* What the operator may do with things of namespaces, line by line. Tests compare it with what the operator asks for. */}}
{{- define "lakevault.rules" -}}
# The kinds that it serves.
- apiGroups: [lakevault.dev]
  resources: [vaultsecretsyncs, azureidentities, keyvaults, datalakeaccounts]
  verbs: [list, watch]
# Their status, written with the version that was read.
- apiGroups: [lakevault.dev]
  resources: [vaultsecretsyncs/status, azureidentities/status, keyvaults/status, datalakeaccounts/status]
  verbs: [update]
# Finalizers, only where keys were merged into somebody else's Secret, or objects pushed to a vault are to go with the sync.
- apiGroups: [lakevault.dev]
  resources: [vaultsecretsyncs]
  verbs: [patch]
# A finalizer on what may be ours in Azure; get, since an object is read once more before its resource is deleted or purged.
- apiGroups: [lakevault.dev]
  resources: [keyvaults, datalakeaccounts]
  verbs: [get, patch]
# Targets, credentials and what is pushed. Lists and watches ask for metadata only; get reads a credential, a value that is to be
# pushed, or last good values that stay.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
# Root certificates of private clouds (spec.cloud.caBundle of an identity), files of a DataLakeAccount, and its connection facts
# (spec.outputs.configMap). Lists and watches ask for metadata only; get reads what a file is made of.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.rbac.workloads }}
# Restarts of workloads (spec.rollout of a sync). A patch sets an annotation of the pod template. Leave this out
# (rbac.workloads of the chart) where nobody uses it; a sync that does says then what is missing.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, patch]
{{- end }}
{{- if .Values.rbac.argoRollouts }}
# The same for Argo Rollouts (rbac.argoRollouts of the chart).
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [get, list, patch]
{{- end }}
# Events for trouble and recovery.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* What concerns the whole cluster. */}}
{{- define "lakevault.clusterRules" -}}
# Identities that administrators lend.
- apiGroups: [lakevault.dev]
  resources: [clusterazureidentities]
  verbs: [list, watch]
- apiGroups: [lakevault.dev]
  resources: [clusterazureidentities/status]
  verbs: [update]
# Labels of namespaces, for ClusterAzureIdentity.spec.allow.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end -}}

{{/* One line of the rights on tokens. */}}
{{- define "lakevault.tokenRules" -}}
- apiGroups: [""]
  resources: [serviceaccounts/token]
  resourceNames: {{ include "lakevault.tokenNames" . }}
  verbs: [create]
{{- end -}}
