//! `SecretProviderClass` of the Secrets Store CSI driver (provider azure) as an identity and syncs. Pure.

use serde_json::{Value, json};

use super::csi_objects::{self, Object};
use super::fields::Fields;
use super::handover::{Handover, Peer};
use super::identities::{Credential, Identities, KeyOf, Namespaces, Who};
use super::input::{Document, Input};
use super::made::{Made, Reference, Remark, Sync};
use super::names::Names;
use super::notes::Note;
use super::stores::cloud_of;
use super::workloads;
use crate::names::{ClientId, ResourceName, TenantId};

/// Where its kinds are.
pub(super) const GROUP: &str = "secrets-store.csi.x-k8s.io";

/// A sync for each Secret; one where it makes none, since pods read files of the Secret then.
pub(super) fn syncs(
    document: &Document,
    input: &Input,
    suffix: Option<&str>,
    identities: &mut Identities,
    names: &mut Names,
) -> (Vec<Made>, Vec<Remark>) {
    let mut notes = Vec::new();
    let mut spec = document.spec(&mut notes);
    if spec
        .text("provider")
        .is_none_or(|provider| provider != "azure")
    {
        let note = spec.note("provider", "");
        let what = "it is not of Azure Key Vault, and stays with the CSI driver".to_owned();
        let note = Note {
            at: "spec".to_owned(),
            what,
            ..note
        };
        return (Vec::new(), Remark::all(document, vec![note]));
    }
    let mut parameters = spec.inner("parameters");
    let vault = parameters.text("keyvaultName").unwrap_or_default();
    let (who, usual) = who(&mut parameters, document, input, &mut notes);
    let objects = csi_objects::read(&mut parameters, &mut notes);
    let secrets = spec.list("secretObjects");
    parameters.end(&mut notes);
    spec.end(&mut notes);
    let own = (Some(document.namespace.as_str()), document.name.as_str());
    let reference = identities.of(&who, own, document, &notes);
    let to = Namespaces::Named(document.namespace.clone());
    identities.lend(&reference, (&vault, to), &[]);
    let uri = format!("https://{}.{}", vault.trim(), suffix.unwrap_or(usual));
    let class = Class {
        document,
        objects: &objects,
        uri: &uri,
        reference: &reference,
    };
    if secrets.is_empty() {
        return class.files(names);
    }
    let (mut made, mut left) = (Vec::new(), Vec::new());
    for secret in secrets {
        match class.secret(secret, names) {
            Ok(one) => made.push(one),
            Err(remarks) => left.extend(remarks),
        }
    }
    (made, left)
}

/// A class that is read.
struct Class<'a> {
    document: &'a Document,
    objects: &'a [Object],
    uri: &'a str,
    reference: &'a Reference,
}

impl Class<'_> {
    fn sync(&self) -> Sync {
        let mut sync = Sync::default();
        sync.reads(self.uri, self.reference);
        sync
    }

    /// A Secret with the files as its keys.
    fn files(&self, names: &mut Names) -> (Vec<Made>, Vec<Remark>) {
        let mut sync = self.sync();
        for object in self.objects {
            object.entry(&object.alias, &mut sync);
        }
        let name = &names.free(&self.document.namespace, &self.document.name, "-files");
        let what = format!(
            "pods have mounted its files, and no Secret was made: mount the Secret {name} in their place (volumes[].secret.secretName)"
        );
        sync.notes.push(Note::on("spec.secretObjects", what));
        match self.done(sync, name, None) {
            Ok(made) => (vec![made], Vec::new()),
            Err(remarks) => (Vec::new(), remarks),
        }
    }

    fn secret(&self, mut secret: Fields, names: &mut Names) -> Result<Made, Vec<Remark>> {
        let mut sync = self.sync();
        let name = secret
            .text("secretName")
            .filter(|name| name.parse::<ResourceName>().is_ok());
        let Some(name) = name else {
            let note = secret.whole("it names no Secret, and is left out");
            return Err(Remark::all(self.document, vec![note]));
        };
        let type_ = secret.text("type").filter(|said| said != "Opaque");
        let is_tls = type_.as_deref() == Some("kubernetes.io/tls");
        let mut entries = Vec::new();
        for mut one in secret.list("data") {
            let alias = one.text("objectName").map(|alias| alias.trim().to_owned());
            let object = self
                .objects
                .iter()
                .find(|object| Some(&object.alias) == alias.as_ref());
            match (one.text("key"), object) {
                (Some(key), Some(object)) => entries.push((key.trim().to_owned(), object)),
                _ => sync.notes.push(
                    one.whole("it names no file of parameters.objects or no key, and is left out"),
                ),
            }
            one.end(&mut sync.notes);
        }
        let first = entries.first().map(|(_, object)| *object);
        match first.filter(|first| {
            let halves = ["tls.crt", "tls.key"];
            is_tls
                && entries.iter().all(|(key, object)| {
                    halves.contains(&key.as_str()) && object.alias == first.alias
                })
        }) {
            Some(object) => object.certificate(&mut sync),
            None => entries
                .iter()
                .for_each(|(key, object)| object.entry(key, &mut sync)),
        }
        let has_certificate = sync.data.iter().any(|entry| entry.get("key").is_none());
        sync.dress(
            type_.filter(|_| !has_certificate),
            secret.pairs("labels"),
            secret.pairs("annotations"),
        );
        secret.end(&mut sync.notes);
        let own = names.free(&self.document.namespace, &name, "-csi");
        if own != name {
            sync.target.insert("name".to_owned(), json!(name));
        }
        let handover = Handover {
            namespace: self.document.namespace.clone(),
            secret: name.clone(),
            sync: own.clone(),
            peer: Peer::Csi(self.document.name.clone()),
        };
        self.done(sync, &own, Some(handover))
    }

    fn done(
        &self,
        sync: Sync,
        name: &str,
        handover: Option<Handover>,
    ) -> Result<Made, Vec<Remark>> {
        let (object, notes) = sync.made(self.document, name);
        let remarks = Remark::all(self.document, notes);
        let Some(object) = object else {
            return Err(remarks);
        };
        Ok(Made {
            object,
            from: vec![self.document.to_string()],
            remarks,
            handover,
        })
    }
}

/// Who signs in, and what follows a vault's name in the cloud.
fn who(
    parameters: &mut Fields,
    document: &Document,
    input: &Input,
    notes: &mut Vec<Note>,
) -> (Who, &'static str) {
    let (upper, lower) = (parameters.text("tenantID"), parameters.text("tenantId"));
    let mut tenant = upper.or(lower).filter(|id| id.parse::<TenantId>().is_ok());
    let (cloud, suffix) = cloud(parameters, notes);
    let client = parameters.text("clientID");
    let node = parameters.text("userAssignedIdentityID");
    let told = parameters.clone();
    let is_vm = parameters.flag("useVMManagedIdentity");
    if parameters.flag("usePodIdentity") {
        notes.push(told.note("usePodIdentity", "pod identities are retired: let a federated credential trust a ServiceAccount, and name it in spec.workloadIdentity"));
    }
    if parameters.flag("useAzureTokenProxy") {
        notes.push(told.note(
            "useAzureTokenProxy",
            "identity bindings have no equal: let a federated credential trust the ServiceAccount",
        ));
    }
    if is_vm {
        notes.push(told.note("useVMManagedIdentity", "the identity of the node on which the operator runs is an administrator's to lend: a ClusterAzureIdentity is made"));
        let id = node.filter(|id| id.parse::<ClientId>().is_ok());
        let who = Who {
            tenant: None,
            client: None,
            cloud,
            credential: Credential::Managed(id),
        };
        return (who, suffix);
    }
    if node.is_some() {
        notes.push(told.note(
            "userAssignedIdentityID",
            "it says something with useVMManagedIdentity alone, and is left out",
        ));
    }
    let used = workloads::using(input, document);
    let mut client = client.filter(|id| id.parse::<ClientId>().is_ok());
    if let (None, Some(secret)) = (&client, &used.secret) {
        // The driver gives the provider a client with a secret.
        client = input.id_in(&document.namespace, secret, "clientid");
        let key = KeyOf {
            secret: secret.clone(),
            key: "clientsecret".to_owned(),
        };
        let who = Who {
            tenant,
            client,
            cloud,
            credential: Credential::Secret(key),
        };
        return (who, suffix);
    }
    let account = used.account.unwrap_or_else(|| {
        let what = "there the pod's own ServiceAccount signs in, and no workload of these files uses the class: write which in the identity's spec.workloadIdentity.serviceAccountName";
        notes.push(told.note("clientID", what));
        "default".to_owned()
    });
    let mut annotations = input.annotations(&document.namespace, &account);
    tenant = tenant.or_else(|| annotations.remove("azure.workload.identity/tenant-id"));
    let who = Who {
        tenant,
        client,
        cloud,
        credential: Credential::Workload(Some(account)),
    };
    (who, suffix)
}

fn cloud(parameters: &mut Fields, notes: &mut Vec<Note>) -> (Option<Value>, &'static str) {
    let name = parameters.text("cloudName").unwrap_or_default();
    let cloud = cloud_of(&name);
    if cloud.is_err() {
        notes.push(parameters.note("cloudName", "this cloud says where it is by its Resource Manager: write the identity's spec.cloud.resourceManagerEndpoint, and give --vault-suffix"));
    }
    if parameters.text("cloudEnvFileName").is_some() {
        notes.push(parameters.note(
            "cloudEnvFileName",
            "a file on the node is not read: write the identity's spec.cloud",
        ));
    }
    let cloud = cloud.ok().flatten();
    let suffix = match cloud.as_ref().and_then(|cloud| cloud.get("name")?.as_str()) {
        Some("USGovernment") => "vault.usgovcloudapi.net",
        Some("China") => "vault.azure.cn",
        _ => "vault.azure.net",
    };
    (cloud, suffix)
}
