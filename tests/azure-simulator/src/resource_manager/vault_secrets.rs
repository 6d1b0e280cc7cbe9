//! Secrets of a vault by the resource manager, which writes values and never shows them
//! (<https://learn.microsoft.com/rest/api/keyvault/keyvault/secrets>).

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{context::Context, lists, vaults::find};
use crate::{
    app::new_version_id,
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        object::{Changes, Tags, Versioned as _},
        refusal::Refusal,
        secret::{NewVersion, Secret, Update, Version},
        spec::SecretText,
        vault::Vault,
    },
};

const KIND: &str = "Microsoft.KeyVault/vaults/secrets";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    tags: Option<Tags>,
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    value: Option<SecretText>,
    content_type: Option<String>,
    attributes: Attributes,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

fn document(
    context: &Context<'_>,
    world: &World,
    vault: &Vault,
    secret: &Secret,
    version: &Version,
) -> Value {
    let meta = version.meta();
    let host = world.host_of_vault(&vault.spec, &context.app.names);
    let uri = format!(
        "{}://{host}/secrets/{}",
        context.app.names.scheme, secret.name
    );
    let mut attributes = json!({
        "enabled": meta.enabled, "created": meta.created, "updated": meta.updated,
    });
    if let Some(fields) = attributes.as_object_mut() {
        for (name, time) in [("nbf", meta.not_before), ("exp", meta.expires)] {
            if let Some(time) = time {
                fields.insert(name.to_owned(), json!(time));
            }
        }
    }
    let mut properties = json!({
        "attributes": attributes, "secretUri": uri, "secretUriWithVersion": format!("{uri}/{}", meta.id),
    });
    if let (Some(kind), Some(fields)) = (&version.content_type, properties.as_object_mut()) {
        fields.insert("contentType".to_owned(), json!(kind));
    }
    json!({
        "id": format!("{}/secrets/{}", vault.spec.id(), secret.name),
        "name": secret.name,
        "type": KIND,
        "location": vault.spec.location,
        "tags": meta.tags.clone().unwrap_or_default(),
        "properties": properties,
    })
}

fn failure(refusal: &Refusal) -> Failure {
    let message = refusal.to_string();
    if matches!(refusal, Refusal::BadParameter(_)) {
        Failure::bad_request(message)
    } else if matches!(refusal, Refusal::NotFound(_)) {
        Failure::new(404, "SecretNotFound", message)
    } else {
        Failure::new(409, "Conflict", message)
    }
}

pub(super) fn list(context: &Context<'_>, group: &str, vault: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let vault = find(context, &world, group, vault)?;
    let rows = vault.secrets.live_after(None, context.now);
    let rows = rows.filter_map(|(key, secret)| {
        let version = secret.latest().ok()?;
        let row = document(context, &world, vault, secret, version);
        Some((key.as_str(), row))
    });
    lists::page(context, rows)
}

pub(super) fn one(
    context: &Context<'_>,
    group: &str,
    vault: &str,
    name: &str,
) -> Result<Reply, Failure> {
    let mut status = StatusCode::OK;
    if !context.is(&Method::GET) {
        let body: Body = context.body()?;
        let mut world = context.app.world.write();
        find(context, &world, group, vault)?;
        if let Some(vault) = world.vault_at_mut(context.subscription, group, vault) {
            if vault.secrets.live(name, context.now).is_err() {
                status = StatusCode::CREATED;
            }
            write(context, vault, name, body)?;
        }
    }
    let world = context.app.world.read();
    let vault = find(context, &world, group, vault)?;
    let (secret, version) = vault
        .secrets
        .version(name, None, context.now)
        .map_err(|_| Failure::no_resource(KIND, &format!("{}/{name}", vault.spec.name), group))?;
    let document = document(context, &world, vault, secret, version);
    Ok(Reply::json(status, &document))
}

/// A PUT writes a version; a PATCH without a value changes the latest.
fn write(context: &Context<'_>, vault: &mut Vault, name: &str, body: Body) -> Result<(), Failure> {
    let Properties {
        value,
        content_type,
        attributes,
    } = body.properties;
    let Some(value) = value else {
        if context.is(&Method::PUT) {
            return Err(Failure::bad_request("The parameter value is required."));
        }
        let changes = Changes {
            tags: body.tags,
            enabled: attributes.enabled,
            not_before: attributes.nbf,
            expires: attributes.exp,
        };
        let update = Update {
            content_type,
            changes,
        };
        return vault
            .update(name, None, update, context.now)
            .map_err(|refusal| failure(&refusal));
    };
    let version = NewVersion {
        id: new_version_id(),
        value,
        content_type,
        tags: body.tags,
        enabled: attributes.enabled,
        not_before: attributes.nbf,
        expires: attributes.exp,
        ..NewVersion::default()
    };
    vault
        .set(name, version, context.now)
        .map_err(|refusal| failure(&refusal))
}
