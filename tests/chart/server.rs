//! What is rendered is what a real API server takes, pods under the Pod Security standard `restricted` among it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::helm::{NAMESPACE, part, render, the};
use crate::{Case, World, served};

pub fn cases() -> Vec<Case> {
    served![everything_that_is_rendered_is_taken, pods_are_restricted,]
}

/// The main ways to install it.
const WAYS: &[&str] = &[
    "{}",
    "namespaces: [team-a, team-b]",
    "{replicas: 1, leaderElection: {enabled: false}, rbac: {userRoles: false}, crds: {install: false}}",
    "{serviceAccount: {create: false, name: other}, tokenRequests: {serviceAccounts: [payments]}}",
    "
workloadIdentity: {enabled: true, clientId: 22222222-2222-2222-2222-222222222222, tenantId: 11111111-1111-1111-1111-111111111111}
commonLabels: {team: platform}
podLabels: {a: b}
podAnnotations: {a: b}
",
    "
metrics:
  service: {annotations: {a: b}}
  serviceMonitor:
    enabled: true
    labels: {release: prometheus}
    relabelings: [{targetLabel: cluster, replacement: one}]
    metricRelabelings: [{sourceLabels: [vault], action: drop, regex: x}]
  prometheusRule:
    enabled: true
    labels: {release: prometheus}
    alertLabels: {team: platform}
    extraGroups: [{name: more, rules: [{record: a, expr: vector(1)}]}]
  dashboard: {enabled: true, annotations: {folder: azure}}
",
    "
networkPolicy:
  enabled: true
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  extraEgress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 8443, protocol: TCP}]}]
admissionPolicy: {enabled: true}
podDisruptionBudget: {maxUnavailable: 50%}
",
    "
image: {repository: r.example/lakevault, digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}
imagePullSecrets: [{name: registry}]
operator: {caBundle: {configMap: roots}}
extraArgs: [--hosts-file=/hosts/hosts]
extraEnv: [{name: HTTPS_PROXY, value: 'http://proxy.example:3128'}]
extraEnvFrom: [{secretRef: {name: azure}}]
extraVolumes: [{name: hosts, configMap: {name: hosts}}]
extraVolumeMounts: [{name: hosts, mountPath: /hosts, readOnly: true}]
priorityClassName: system-cluster-critical
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {}}]}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}]
hostNetwork: true
dnsConfig: {nameservers: [127.0.0.53], searches: [a.example], options: [{name: ndots, value: '1'}]}
hostAliases: [{ip: 127.0.0.1, hostnames: [kv.vault.example]}]
resources: {limits: {cpu: 1, memory: 1Gi}}
",
];

async fn make_namespaces(world: &World) -> Result<()> {
    let namespace = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    let restricted = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "lakevault", "namespace": NAMESPACE}});
    for object in [
        namespace(NAMESPACE, restricted),
        namespace("team-a", json!({})),
        namespace("team-b", json!({})),
        account,
    ] {
        let kubectl = world.control_plane.kubectl();
        kubectl.apply_yaml(&object.to_string()).await?;
    }
    Ok(())
}

async fn everything_that_is_rendered_is_taken(world: Arc<World>) -> Result<()> {
    make_namespaces(&world).await?;
    for values in WAYS {
        let objects = render(values)?;
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "--filename=-",
        ];
        let kubectl = world.control_plane.kubectl();
        let taken = kubectl.run_with_input(arguments, &list.to_string()).await;
        let taken = taken.with_context(|| values.to_string())?;
        ensure!(
            taken.lines().count() == objects.len(),
            "{} of {}: {taken}",
            taken.lines().count(),
            objects.len()
        );
    }
    Ok(())
}

async fn try_pod(world: &World, values: &str) -> Result<Result<Pod, kube::Error>> {
    let objects = render(values)?;
    let template = &the(&objects, "Deployment")?["spec"]["template"];
    let mut pod: Pod = part(template)?;
    pod.metadata.name = Some("try".to_owned());
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), NAMESPACE);
    let try_it = PostParams {
        dry_run: true,
        ..Default::default()
    };
    Ok(pods.create(&try_it, &pod).await)
}

async fn pods_are_restricted(world: Arc<World>) -> Result<()> {
    make_namespaces(&world).await?;
    try_pod(&world, "{}").await??;
    try_pod(&world, "operator: {caBundle: {configMap: roots}}").await??;
    // The standard is in force.
    for looser in [
        "securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: true}",
        "podSecurityContext: {runAsNonRoot: false}",
        "hostNetwork: true",
    ] {
        let refused = try_pod(&world, looser).await?;
        let Err(kube::Error::Api(status)) = refused else {
            anyhow::bail!("{looser} was taken");
        };
        ensure!(
            status.message.contains("violates PodSecurity"),
            "{}",
            status.message
        );
    }
    Ok(())
}
