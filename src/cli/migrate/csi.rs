//! `SecretProviderClass` of the Secrets Store CSI driver (provider azure) as an identity and syncs. Pure.

use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::input::{Document, Input};
use super::made::{Credential, Made, Sync, Who};

/// Where its kinds are.
pub(super) const GROUP: &str = "secrets-store.csi.x-k8s.io";

/// One object of the vault.
#[derive(Debug, Clone)]
struct Object {
    name: String,
    /// The name of its file, which `secretObjects` use.
    alias: String,
    type_: String,
    version: Option<String>,
    base64: bool,
}

/// An identity, and a sync for each Secret; one where it makes none, since pods read files of the Secret then.
pub(super) fn all(document: &Document, input: &Input, suffix: &str) -> Vec<Made> {
    let mut notes = Vec::new();
    let mut spec = Fields::of("spec", document.part("spec"));
    if spec
        .text("provider")
        .is_some_and(|provider| provider != "azure")
    {
        return Vec::new();
    }
    let mut parameters = spec.inner("parameters");
    let vault = parameters.text("keyvaultName").unwrap_or_default();
    let who = who(&mut parameters, document, input, &mut notes);
    let objects = objects(&mut parameters, &mut notes);
    parameters.forget(&["useAzureTokenProxy"]);
    let named = (Some(document.namespace.as_str()), document.name.as_str());
    let may = (&[vault.clone()][..], &[document.namespace.clone()][..]);
    let (reference, identity) = who.identity(named, may, &mut notes);
    let mut made = Vec::new();
    let secrets = spec.list("secretObjects");
    let files_only = secrets.is_empty();
    let begin = |sync: &mut Sync| {
        sync.say("vaultUri", json!(format!("https://{vault}.{suffix}")));
        sync.say("identityRef", reference.written());
    };
    for secret in secrets {
        let mut sync = Sync::default();
        begin(&mut sync);
        if let Some(name) = of_secret(secret, &objects, document, &mut sync) {
            made.push(sync.made(&document.namespace, &name));
        }
    }
    if files_only {
        let mut sync = Sync::default();
        begin(&mut sync);
        for object in &objects {
            entry(object, &object.alias, &mut sync);
        }
        sync.notes.push(format!(
            "it made files and no Secret: mount the Secret {} in their place",
            document.name
        ));
        made.push(sync.made(&document.namespace, &document.name));
    }
    parameters.end(&mut notes);
    spec.end(&mut notes);
    made.insert(
        0,
        Made {
            object: identity,
            notes,
            steps: Vec::new(),
        },
    );
    made
}

fn who(
    parameters: &mut Fields,
    document: &Document,
    input: &Input,
    notes: &mut Vec<String>,
) -> Who {
    let tenant = parameters
        .text("tenantId")
        .or_else(|| parameters.text("tenantID"));
    let cloud = match parameters.text("cloudName").as_deref() {
        Some("AzureUSGovernmentCloud") => Some(json!({"name": "USGovernment"})),
        Some("AzureChinaCloud") => Some(json!({"name": "China"})),
        Some("AzureStackCloud") => {
            notes.push("parameters.cloudName: say the Stack's Resource Manager in spec.cloud.resourceManagerEndpoint".to_owned());
            None
        }
        _ => None,
    };
    let client = parameters
        .text("clientID")
        .or_else(|| parameters.text("clientId"));
    let node = parameters.text("userAssignedIdentityID");
    if parameters.flag("useVMManagedIdentity") {
        return Who {
            tenant,
            client: None,
            cloud,
            credential: Credential::Managed(node),
        };
    }
    if parameters.flag("usePodIdentity") {
        notes.push(
            "parameters.usePodIdentity: pod identities are retired: use workload identity"
                .to_owned(),
        );
    }
    let mut accounts = input.of("", "ServiceAccount").filter(|account| {
        let annotations = input.annotations(&account.namespace, &account.name);
        account.namespace == document.namespace
            && client.is_some()
            && annotations.get("azure.workload.identity/client-id") == client.as_ref()
    });
    let account = accounts.next().map_or_else(
        || {
            notes.push("spec.workloadIdentity.serviceAccountName: there the pod's own ServiceAccount signs in; name it".to_owned());
            "default".to_owned()
        },
        |account| account.name.clone(),
    );
    Who {
        tenant,
        client,
        cloud,
        credential: Credential::Workload(Some(account)),
    }
}

/// The objects: YAML within a text, each of them a text of YAML again.
fn objects(parameters: &mut Fields, notes: &mut Vec<String>) -> Vec<Object> {
    let at = parameters.at("objects");
    let text = parameters.text("objects").unwrap_or_default();
    let read: Option<Value> = serde_saphyr::from_str(&text).ok();
    let array = read
        .as_ref()
        .and_then(|read| read.get("array")?.as_array().cloned());
    let mut objects = Vec::new();
    for (number, one) in array.unwrap_or_default().into_iter().enumerate() {
        let value = match one {
            Value::String(text) => serde_saphyr::from_str(&text).unwrap_or_default(),
            value => value,
        };
        let mut fields = Fields::of(&format!("{at}.array[{number}]"), value);
        let Some(name) = fields.text("objectName") else {
            notes.push(format!("{}: it names no object", fields.path()));
            continue;
        };
        let encoding = fields.text("objectEncoding").unwrap_or_default();
        if encoding == "hex" {
            notes.push(format!("{}: hex has no equal", fields.at("objectEncoding")));
        }
        let alias = fields.text("objectAlias").unwrap_or_else(|| name.clone());
        // A file's mode is the volume's here, and PEM is what there is.
        fields.forget(&["filePermission", "objectFormat"]);
        objects.push(Object {
            type_: fields.text("objectType").unwrap_or_default(),
            version: fields.text("objectVersion"),
            base64: encoding == "base64",
            name,
            alias,
        });
        fields.end(notes);
    }
    objects
}

/// One Secret. Gives its name.
fn of_secret(
    mut secret: Fields,
    objects: &[Object],
    document: &Document,
    sync: &mut Sync,
) -> Option<String> {
    let name = secret.text("secretName")?;
    let type_ = secret.text("type").filter(|said| said != "Opaque");
    let entries: Vec<(Option<String>, Option<String>)> = secret
        .list("data")
        .into_iter()
        .map(|mut one| {
            let said = (one.text("key"), one.text("objectName"));
            one.end(&mut sync.notes);
            said
        })
        .collect();
    let of = |alias: &Option<String>| {
        objects
            .iter()
            .find(|object| Some(&object.alias) == alias.as_ref())
    };
    let first = entries.first().and_then(|(_, alias)| of(alias));
    let is_tls = type_.as_deref() == Some("kubernetes.io/tls");
    let one_file = first.filter(|first| {
        entries
            .iter()
            .all(|(_, alias)| alias.as_ref() == Some(&first.alias))
    });
    if let Some(object) = one_file.filter(|_| is_tls) {
        // The secret behind a certificate, taken apart into both keys.
        sync.data.push(json!({"certificate": source(object)}));
    } else {
        for (key, alias) in &entries {
            match (key, of(alias)) {
                (Some(key), Some(object)) => entry(object, key, sync),
                _ => sync.notes.push(format!(
                    "secretObjects.data: {:?} is none of parameters.objects",
                    alias.as_deref().unwrap_or_default()
                )),
            }
        }
    }
    let is_certificate = sync.data.iter().any(|entry| entry.get("key").is_none());
    sync.dress(
        type_.filter(|_| !is_certificate),
        secret.pairs("labels"),
        secret.pairs("annotations"),
    );
    secret.end(&mut sync.notes);
    let namespace = &document.namespace;
    sync.steps = vec![
        format!("kubectl -n {namespace} annotate secret {name} lakevault.dev/allow-sync={name}"),
        format!(
            "remove its part of secretObjects from SecretProviderClass {}, and its volume from the pods",
            document.name
        ),
        format!(
            "kubectl -n {namespace} patch secret {name} --type=json -p '[{{\"op\": \"remove\", \"path\": \"/metadata/ownerReferences\"}}]'"
        ),
    ];
    Some(name)
}

fn source(object: &Object) -> Map<String, Value> {
    let mut source = Map::from_iter([("name".to_owned(), json!(object.name))]);
    if let Some(version) = &object.version {
        source.insert("version".to_owned(), json!(version));
    }
    source
}

fn entry(object: &Object, key: &str, sync: &mut Sync) {
    let mut source = source(object);
    match object.type_.as_str() {
        "key" => sync.data.push(json!({"key": key, "publicKey": source})),
        "cert" => {
            sync.notes.push(format!("{key}: the bare certificate has no key of its own; {key}.crt, {key}.key and {key}.ca.crt are made"));
            sync.data.push(json!({"key": key, "certificate": source}));
        }
        _ => {
            if object.base64 {
                source.insert("decode".to_owned(), json!("Base64"));
            }
            sync.data.push(json!({"key": key, "secret": source}));
        }
    }
}
