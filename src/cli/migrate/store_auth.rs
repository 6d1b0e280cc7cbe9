//! How a store of the External Secrets Operator signs in. Pure.

use serde_json::{Value, json};

use super::fields::Fields;
use super::identities::{Credential, KeyOf, Who};
use super::input::{Document, Input};
use super::notes::Note;
use super::stores::cloud_of;
use crate::names::{ClientId, IdentityResourceId, ResourceName, SecretKey, TenantId};

/// The login of China that the kind's documentation advises, and that Lakevault takes in any case.
const CHINA: &str = "https://login.partner.microsoftonline.cn";

/// How a store signs in.
pub(super) struct Auth {
    /// Who.
    pub(super) who: Who,
    /// Whether its credentials lie in the namespace of whoever uses it.
    pub(super) follows_users: bool,
}

/// A key of a Secret, and the Secret's namespace.
type Placed = (Option<String>, KeyOf);

/// Reads it.
pub(super) fn read(
    input: &Input,
    (document, namespace): (&Document, Option<&str>),
    azure: &mut Fields,
    notes: &mut Vec<Note>,
) -> Auth {
    let cloud = cloud(azure, notes);
    let tenant = azure.text("tenantId");
    let kind = azure.text("authType");
    let mut secrets = azure.inner("authSecretRef");
    let mut account = azure.inner("serviceAccountRef");
    let ids = ["clientId", "tenantId"].map(|name| key_of(&mut secrets, name, namespace, notes));
    let place = |placed: &Placed| {
        placed
            .0
            .clone()
            .unwrap_or_else(|| document.namespace.clone())
    };
    let mut found = ids.clone().map(|id| {
        let (at, KeyOf { secret, key }) = (place(id.as_ref()?), id.as_ref()?.1.clone());
        input.id_in(&at, &secret, &key)
    });
    let mut follows_users = false;
    let credential = match kind.as_deref().unwrap_or("ServicePrincipal") {
        "ManagedIdentity" => managed(azure, notes),
        "WorkloadIdentity" => {
            let name = account.text("name");
            let own = account.text("namespace");
            follows_users = name.is_some() && namespace.is_none() && own.is_none();
            if let Some(name) = &name {
                let at = namespace.or(own.as_deref()).unwrap_or(&document.namespace);
                let mut annotations = input.annotations(at, name);
                let id = |what: &str| format!("azure.workload.identity/{what}");
                let told = ["client-id", "tenant-id"].map(|what| annotations.remove(&id(what)));
                found = [0, 1].map(|at| {
                    found
                        .get(at)
                        .cloned()
                        .flatten()
                        .or_else(|| told.get(at).cloned().flatten())
                });
                if namespace.is_none() && !follows_users {
                    notes.push(account.note("namespace", format!("a ClusterAzureIdentity has its ServiceAccount in the operator's namespace: make {name} there, and let the federated credential name it there")));
                }
            } else {
                let what = "no ServiceAccount is named, so that it is the operator's own: let the federated credential name that of Lakevault";
                notes.push(azure.note("serviceAccountRef", what));
            }
            account.forget(&["audiences"]);
            Credential::Workload(name)
        }
        "ServicePrincipal" => {
            let (credential, at) = principal(&mut secrets, namespace, notes);
            if namespace.is_none() {
                match at {
                    Some(at) => notes.push(secrets.whole(format!("a ClusterAzureIdentity has its Secret in the operator's namespace: copy it there from namespace {at}"))),
                    None => follows_users = true,
                }
            }
            credential
        }
        _ => {
            notes.push(azure.note(
                "authType",
                "this is no way to sign in that is known: write the credential by hand",
            ));
            principal(&mut secrets, namespace, notes).0
        }
    };
    account.end(notes);
    secrets.end(notes);
    let [client, from_secret] = found;
    let who = Who {
        tenant: tenant.or(from_secret),
        client,
        cloud,
        credential,
    };
    Auth {
        who: checked(who, ids.as_slice(), namespace, azure, notes),
        follows_users,
    }
}

/// Ids that are none are left out and told, and so is where those are found that no file tells.
fn checked(
    mut who: Who,
    ids: &[Option<Placed>],
    namespace: Option<&str>,
    azure: &Fields,
    notes: &mut Vec<Note>,
) -> Who {
    if who
        .tenant
        .as_ref()
        .is_some_and(|id| id.parse::<TenantId>().is_err())
    {
        notes.push(azure.note(
            "tenantId",
            "this is neither an id nor a domain: put the tenant in the place of the zeros",
        ));
        who.tenant = None;
    }
    if who
        .client
        .as_ref()
        .is_some_and(|id| id.parse::<ClientId>().is_err())
    {
        notes.push(Note::on(
            azure.at("clientId"),
            "this is no id: put the client id in the place of the zeros",
        ));
        who.client = None;
    }
    if who.is_lent() {
        // They bring their own.
        return Who {
            tenant: None,
            client: None,
            ..who
        };
    }
    let unknown = [who.client.is_none(), who.tenant.is_none()];
    for (id, _) in ids.iter().zip(unknown).filter(|(_, unknown)| *unknown) {
        if let Some((at, KeyOf { secret, key })) = id {
            let at = at.as_deref().or(namespace).unwrap_or("NAMESPACE");
            let key = key.replace('.', "\\.");
            notes.push(Note::on(azure.at("authSecretRef"), format!("an id stands in a Secret: add that to the files, or look: kubectl -n {at} get secret {secret} -o jsonpath='{{.data.{key}}}' | base64 -d")));
        }
    }
    who
}

/// The node's identity.
fn managed(azure: &mut Fields, notes: &mut Vec<Note>) -> Credential {
    notes.push(azure.note("authType", "the identity of the node on which the operator runs is an administrator's to lend: a ClusterAzureIdentity is made"));
    let id = azure.text("identityId");
    let is_id =
        |id: &String| id.parse::<ClientId>().is_ok() || id.parse::<IdentityResourceId>().is_ok();
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        notes.push(azure.note("identityId", "this is neither a client id nor a resource id: write which identity in spec.managedIdentity"));
    }
    Credential::Managed(id.filter(is_id))
}

/// A client with a secret or a certificate, and the namespace of the Secret where it is told.
fn principal(
    secrets: &mut Fields,
    namespace: Option<&str>,
    notes: &mut Vec<Note>,
) -> (Credential, Option<String>) {
    let secret = key_of(secrets, "clientSecret", namespace, notes);
    let certificate = key_of(secrets, "clientCertificate", namespace, notes);
    match (secret, certificate) {
        (_, Some((at, key))) => (Credential::Certificate(key), at),
        (Some((at, key)), None) => (Credential::Secret(key), at),
        (None, None) => {
            notes.push(secrets.whole("no client secret and no certificate is named: put the Secret's name in the place of unknown in spec.clientSecret"));
            let key = KeyOf {
                secret: "unknown".to_owned(),
                key: "clientSecret".to_owned(),
            };
            (Credential::Secret(key), Some("unknown".to_owned()))
        }
    }
}

/// A key of a Secret, and the Secret's namespace where that is told.
fn key_of(
    secrets: &mut Fields,
    name: &str,
    namespace: Option<&str>,
    notes: &mut Vec<Note>,
) -> Option<Placed> {
    if !secrets.has(name) {
        return None;
    }
    let mut at = secrets.inner(name);
    let secret = at.text("name");
    let key = at.text("key").unwrap_or_else(|| name.to_owned());
    let place = at.text("namespace");
    let is_name = |text: &String| text.parse::<ResourceName>().is_ok();
    let is_key = key.parse::<SecretKey>().is_ok();
    let secret = secret.filter(|secret| is_name(secret) && is_key);
    if secret.is_none() {
        notes.push(at.whole("this is no key of a Secret: write it by hand"));
    }
    at.end(notes);
    let place = namespace
        .map(str::to_owned)
        .or_else(|| place.filter(is_name));
    Some((
        place,
        KeyOf {
            secret: secret?,
            key,
        },
    ))
}

fn cloud(azure: &mut Fields, notes: &mut Vec<Note>) -> Option<Value> {
    let kind = azure.text("environmentType").unwrap_or_default();
    let mut custom = azure.inner("customCloudConfig");
    let manager = custom.text("resourceManagerEndpoint");
    let login = custom.text("activeDirectoryEndpoint");
    // The vault's own URL says where it is, and a Stack's Resource Manager tells the rest.
    custom.forget(&["keyVaultEndpoint", "keyVaultDNSSuffix"]);
    let cloud = match (cloud_of(&kind), manager) {
        (Ok(cloud), _) => {
            let usual = login.as_ref().is_none_or(|login| {
                let is_china = cloud == cloud_of("China").ok().flatten();
                is_china && login.trim_end_matches('/') == CHINA
            });
            if !usual {
                notes.push(custom.note("activeDirectoryEndpoint", "the cloud is taken with its own login: where that is another, write spec.cloud.custom"));
            }
            cloud
        }
        (Err(_), Some(endpoint)) if kind == "AzureStackCloud" => {
            let endpoint = endpoint.trim_end_matches('/');
            Some(json!({"resourceManagerEndpoint": endpoint}))
        }
        (Err(_), _) if kind == "AzureStackCloud" => {
            notes.push(azure.note("customCloudConfig", "an Azure Stack Hub is found by its Resource Manager: write spec.cloud.resourceManagerEndpoint"));
            None
        }
        (Err(_), _) => {
            notes.push(azure.note(
                "environmentType",
                "this cloud is not known: write spec.cloud",
            ));
            None
        }
    };
    custom.end(notes);
    cloud
}
