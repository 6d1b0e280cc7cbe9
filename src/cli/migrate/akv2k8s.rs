//! `AzureKeyVaultSecret` of akv2k8s as a sync. Pure.

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::input::Document;
use super::made::{Made, Reference, Sync};

/// Where its kinds are.
pub(super) const GROUP: &str = "spv.no";

/// The sync for one. akv2k8s has one identity for all, so who asks says which.
pub(super) fn sync(document: &Document, suffix: &str, identity: Option<&Reference>) -> Made {
    let mut sync = Sync::default();
    let mut spec = Fields::of("spec", document.part("spec"));
    let mut vault = spec.inner("vault");
    let name = vault.text("name").unwrap_or_default();
    sync.say("vaultUri", json!(format!("https://{name}.{suffix}")));
    match identity {
        Some(identity) => sync.say("identityRef", identity.written()),
        None => sync.notes.push("it names no identity, so that the ClusterAzureIdentity named default is used: say another with --identity".to_owned()),
    }
    let mut object = vault.inner("object");
    let mut output = spec.inner("output");
    let mut secret = output.inner("secret");
    if !output.has("configMap") && !secret.has("name") {
        sync.notes.push("spec.output.secret: without one it is for akv2k8s' injector alone, which has no equal: pods read the Secret".to_owned());
    }
    let target = secret.text("name").unwrap_or_else(|| document.name.clone());
    if target != document.name {
        sync.target.insert("name".to_owned(), json!(target));
    }
    let decode = decode(&mut output, &mut sync);
    let type_ = secret.text("type").filter(|said| said != "Opaque");
    source(
        &mut object,
        (secret.text("dataKey"), type_.as_deref(), decode),
        &mut sync,
    );
    // Chains are put into the order of servers in any case.
    secret.forget(&["chainOrder"]);
    let is_tls = type_.as_deref() == Some("kubernetes.io/tls");
    sync.dress(
        type_.filter(|_| !is_tls),
        secret.pairs("labels"),
        secret.pairs("annotations"),
    );
    for part in [secret, object, vault, output, spec] {
        part.end(&mut sync.notes);
    }
    let Document {
        namespace, name, ..
    } = document;
    sync.steps = vec![
        format!("kubectl -n {namespace} annotate secret {target} lakevault.dev/allow-sync={name}"),
        format!("kubectl -n {namespace} delete azurekeyvaultsecret {name} --cascade=orphan"),
    ];
    sync.made(namespace, name)
}

fn decode(output: &mut Fields, sync: &mut Sync) -> bool {
    let at = output.at("transform");
    let mut decodes = false;
    for word in output.texts("transform") {
        match word.as_str() {
            "base64decode" => decodes = true,
            other => sync.notes.push(format!(
                "{at}: {other} has no equal as a field: write it as a template (docs/templates.md)"
            )),
        }
    }
    decodes
}

fn source(
    object: &mut Fields,
    (key, type_, decodes): (Option<String>, Option<&str>, bool),
    sync: &mut Sync,
) {
    let Some(name) = object.text("name") else {
        sync.notes
            .push("spec.vault.object.name is not there".to_owned());
        return;
    };
    let mut source = Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(version) = object.text("version") {
        source.insert("version".to_owned(), json!(version));
    }
    let kind = object.text("type").unwrap_or_default();
    let content = object.text("contentType");
    match kind.as_str() {
        "certificate" => {
            let mut entry = Map::from_iter([("certificate".to_owned(), Value::Object(source))]);
            if let Some(key) = key {
                sync.notes.push(format!(
                    "spec.output.secret.dataKey: of a certificate, {key}.crt and {key}.key are made"
                ));
                entry.insert("key".to_owned(), json!(key));
            }
            sync.data.push(Value::Object(entry));
        }
        "key" => sync
            .data
            .push(json!({"key": key.unwrap_or(name), "publicKey": source})),
        "multi-key-value-secret" => {
            let format = match content.as_deref() {
                Some("application/x-json") => "Json",
                Some("application/x-yaml") => "Yaml",
                _ => "Auto",
            };
            sync.data_from
                .push(json!({"expand": {"secret": source, "format": format}}));
        }
        _ => {
            if decodes {
                source.insert("decode".to_owned(), json!("Base64"));
            }
            if matches!(type_, Some("kubernetes.io/basic-auth")) {
                sync.notes.push("spec.output.secret.type: akv2k8s takes user:password apart; write two templates: {{ value | … }} (docs/templates.md)".to_owned());
            }
            let usual = match type_ {
                Some("kubernetes.io/dockerconfigjson") => Some(".dockerconfigjson"),
                Some("kubernetes.io/dockercfg") => Some(".dockercfg"),
                Some("kubernetes.io/ssh-auth") => Some("ssh-privatekey"),
                _ => None,
            };
            let key = usual.map(str::to_owned).or(key).unwrap_or(name);
            sync.data.push(json!({"key": key, "secret": source}));
        }
    }
}
