//! What is rendered, without an API server.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, ServiceAccount};
use k8s_openapi::api::rbac::v1::PolicyRule;
use lakevault::app::RunArgs;
use serde_json::{Value, json};
use testbed::binaries;

use crate::helm::{NAMESPACE, chart, of_kind, part, render, the};
use crate::{Case, alone};

pub fn cases() -> Vec<Case> {
    alone![
        definitions_are_those_of_the_repository,
        files_for_those_without_helm_are_up_to_date,
        versions_are_the_operators,
        the_operator_knows_its_arguments,
        some_namespaces_take_no_cluster_role,
        a_role_gives_what_the_cluster_role_gives,
        no_rule_has_a_wildcard_and_tokens_are_by_name,
        workload_identity_is_labelled_and_annotated,
        a_digest_wins_over_the_tag,
        traces_are_made_on_request_and_may_leave,
        replicas_that_share_a_node_port_make_room_first,
    ]
}

fn definitions_are_those_of_the_repository() -> Result<()> {
    for keep in [true, false] {
        let objects = render(&format!("crds: {{keep: {keep}}}"))?;
        let rendered = of_kind(&objects, "CustomResourceDefinition");
        let files = fs::read_dir(binaries::repository().join("crds"))?;
        let files: Vec<_> = files.collect::<Result<_, _>>()?;
        ensure!(
            files.len() == rendered.len() && !files.is_empty(),
            "{} of {}",
            rendered.len(),
            files.len()
        );
        for file in files {
            let mut committed: Value = serde_saphyr::from_str(&fs::read_to_string(file.path())?)?;
            let name = committed["metadata"]["name"].clone();
            let found = rendered.iter().find(|crd| crd["metadata"]["name"] == name);
            let found = found.with_context(|| format!("{name} is not rendered"))?;
            committed["metadata"]["labels"] = found["metadata"]["labels"].clone();
            if keep {
                committed["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
            }
            ensure!(**found == committed, "{name} differs");
        }
    }
    let none = render("crds: {install: false}")?;
    ensure!(of_kind(&none, "CustomResourceDefinition").is_empty());
    Ok(())
}

fn files_for_those_without_helm_are_up_to_date() -> Result<()> {
    let folder = binaries::repository().join("deploy");
    let fresh = tempfile::tempdir()?;
    let script = folder.join("render.sh");
    let status = Command::new(script).arg(fresh.path()).status()?;
    ensure!(status.success(), "deploy/render.sh: {status}");
    for name in ["install.yaml", "rbac.yaml"] {
        let same =
            fs::read_to_string(folder.join(name))? == fs::read_to_string(fresh.path().join(name))?;
        ensure!(
            same,
            "deploy/{name} is not what the chart renders: run `make bless`"
        );
    }
    Ok(())
}

fn versions_are_the_operators() -> Result<()> {
    let about: Value = serde_saphyr::from_str(&fs::read_to_string(chart().join("Chart.yaml"))?)?;
    for field in ["version", "appVersion"] {
        let version = &about[field];
        ensure!(
            version == env!("CARGO_PKG_VERSION"),
            "Chart.yaml: {field} is {version}"
        );
    }
    Ok(())
}

fn container(objects: &[Value]) -> Result<Container> {
    let deployment: Deployment = part(the(objects, "Deployment")?)?;
    let pod = deployment.spec.template.spec;
    let mut containers = pod.map(|pod| pod.containers).unwrap_or_default();
    containers.pop().context("no container")
}

/// As on the command line.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    run: RunArgs,
}

fn the_operator_knows_its_arguments() -> Result<()> {
    let objects = render(
        "
namespaces: [b, a]
operator: {caBundle: {configMap: roots}}
http: {port: 9090}
",
    )?;
    let arguments = container(&objects)?.args.unwrap_or_default();
    ensure!(
        arguments.first().map(String::as_str) == Some("run"),
        "{arguments:?}"
    );
    let line = Line::try_parse_from(arguments)?;
    ensure!(line.run.http_address.port() == 9090);
    ensure!(line.run.leader_elect && line.run.lease_name == "lakevault");
    ensure!(line.run.lease_namespace.as_deref() == Some(NAMESPACE));
    ensure!(
        line.run.watch_namespaces == ["b", "a"],
        "{:?}",
        line.run.watch_namespaces
    );
    ensure!(line.run.ca_file.is_some());
    Ok(())
}

fn some_namespaces_take_no_cluster_role() -> Result<()> {
    let objects = render("{namespaces: [team-a, team-b]}")?;
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        ensure!(of_kind(&objects, kind).is_empty(), "{kind} is there");
    }
    let of = |kind| -> BTreeSet<String> {
        let all = of_kind(&objects, kind).into_iter();
        all.map(|role| role["metadata"]["namespace"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected = ["team-a", "team-b", NAMESPACE].map(str::to_owned).into();
    ensure!(of("Role") == expected, "{:?}", of("Role"));
    ensure!(of("RoleBinding") == expected, "{:?}", of("RoleBinding"));
    Ok(())
}

/// Group, resource, name and verb.
type Permission = [String; 4];

fn permissions(rules: &Value) -> Result<BTreeSet<Permission>> {
    let rules: Vec<PolicyRule> = part(rules)?;
    let mut all = BTreeSet::new();
    for rule in rules {
        let names = rule.resource_names.unwrap_or_else(|| vec![String::new()]);
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    for name in &names {
                        all.insert([group, resource, name, verb].map(Clone::clone));
                    }
                }
            }
        }
    }
    Ok(all)
}

fn role_named(objects: &[Value], kind: &str, name: &str) -> Result<BTreeSet<Permission>> {
    let roles = of_kind(objects, kind);
    let role = roles.iter().find(|role| role["metadata"]["name"] == name);
    permissions(&role.with_context(|| format!("no {kind} {name}"))?["rules"])
}

fn a_role_gives_what_the_cluster_role_gives() -> Result<()> {
    let wide = render("{}")?;
    let mut expected = role_named(&wide, "ClusterRole", "lakevault")?;
    expected.extend(role_named(
        &wide,
        "ClusterRole",
        "lakevault-token-requests",
    )?);
    // They are in no namespace.
    expected.retain(|[_, what, ..]| {
        what != "namespaces" && !what.starts_with("clusterazureidentities")
    });
    let narrow = render("{namespaces: [team-a]}")?;
    let given = role_named(&narrow, "Role", "lakevault")?;
    ensure!(given == expected, "{given:?}");
    let without = "{namespaces: [team-a], rbac: {workloads: false, argoRollouts: false}}";
    let given = role_named(&render(without)?, "Role", "lakevault")?;
    expected.retain(|[group, ..]| group != "apps" && group != "argoproj.io");
    ensure!(given == expected, "{given:?}");
    Ok(())
}

fn no_rule_has_a_wildcard_and_tokens_are_by_name() -> Result<()> {
    let names = "tokenRequests: {serviceAccounts: [payments]}";
    for values in [
        format!("{{{names}}}"),
        format!("{{namespaces: [team-a], {names}}}"),
    ] {
        let objects = render(&values)?;
        let mut tokens = BTreeSet::new();
        for kind in ["ClusterRole", "Role"] {
            for role in of_kind(&objects, kind) {
                for [group, resource, name, verb] in permissions(&role["rules"])? {
                    ensure!(
                        ![&group, &resource, &name, &verb].contains(&&"*".to_owned()),
                        "{role}"
                    );
                    if resource == "serviceaccounts/token" {
                        tokens.insert(name);
                    }
                }
            }
        }
        ensure!(
            tokens == ["lakevault", "payments"].map(str::to_owned).into(),
            "{tokens:?}"
        );
    }
    Ok(())
}

fn workload_identity_is_labelled_and_annotated() -> Result<()> {
    let client = "22222222-2222-2222-2222-222222222222";
    let label = |objects: &[Value]| -> Result<Option<String>> {
        let template: PodTemplateSpec = part(&the(objects, "Deployment")?["spec"]["template"])?;
        let labels = template.metadata.and_then(|meta| meta.labels);
        Ok(labels.and_then(|labels| labels.get("azure.workload.identity/use").cloned()))
    };
    let without = render("{}")?;
    ensure!(label(&without)?.is_none());
    let with = format!(
        "workloadIdentity: {{enabled: true, clientId: {client}, tokenExpirationSeconds: 86400}}"
    );
    let with = render(&with)?;
    ensure!(label(&with)?.as_deref() == Some("true"));
    let account: ServiceAccount = part(the(&with, "ServiceAccount")?)?;
    let annotations = account.metadata.annotations.unwrap_or_default();
    let expected = [
        ("azure.workload.identity/client-id", client),
        (
            "azure.workload.identity/service-account-token-expiration",
            "86400",
        ),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ensure!(annotations == expected.into(), "{annotations:?}");
    Ok(())
}

fn a_digest_wins_over_the_tag() -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let digest = format!("sha256:{}", "a".repeat(64));
    for (values, expected) in [
        ("{}".to_owned(), format!("localhost/lakevault:{version}")),
        (
            "image: {repository: r.example/l, tag: x}".to_owned(),
            "r.example/l:x".to_owned(),
        ),
        (
            format!("image: {{repository: r.example/l, tag: x, digest: '{digest}'}}"),
            format!("r.example/l@{digest}"),
        ),
    ] {
        let image = container(&render(&values)?)?.image;
        ensure!(
            image.as_deref() == Some(expected.as_str()),
            "{values}: {image:?}"
        );
    }
    Ok(())
}

fn traces_are_made_on_request_and_may_leave() -> Result<()> {
    let without = container(&render("{}")?)?.args.unwrap_or_default();
    let asked = |arguments: &[String]| {
        let mut found = arguments.iter();
        found.any(|argument| argument.starts_with("--otlp-endpoint"))
    };
    ensure!(!asked(&without), "{without:?}");
    for (endpoint, port) in [
        ("http://collector.observability:4318", 4318),
        ("http://collector", 80),
        ("https://collector/otlp", 443),
    ] {
        let values = format!(
            "{{tracing: {{otlpEndpoint: '{endpoint}'}}, networkPolicy: {{enabled: true}}}}"
        );
        let objects = render(&values)?;
        let line = Line::try_parse_from(container(&objects)?.args.unwrap_or_default())?;
        ensure!(line.run.otlp_endpoint.as_deref() == Some(endpoint));
        let rules = the(&objects, "NetworkPolicy")?["spec"]["egress"].clone();
        let open = |rule: &Value| rule["ports"] == json!([{"port": port, "protocol": "TCP"}]);
        let rules = rules.as_array().cloned().unwrap_or_default();
        ensure!(rules.iter().any(open), "{endpoint}: {rules:?}");
    }
    Ok(())
}

fn replicas_that_share_a_node_port_make_room_first() -> Result<()> {
    for (values, surge, dns) in [
        ("{}", 1, Value::Null),
        ("hostNetwork: true", 0, json!("ClusterFirstWithHostNet")),
        (
            "{hostNetwork: true, dnsPolicy: Default}",
            0,
            json!("Default"),
        ),
    ] {
        let objects = render(values)?;
        let spec = &the(&objects, "Deployment")?["spec"];
        ensure!(
            spec["strategy"]["rollingUpdate"]["maxSurge"] == surge,
            "{values}"
        );
        ensure!(spec["template"]["spec"]["dnsPolicy"] == dns, "{values}");
    }
    Ok(())
}
