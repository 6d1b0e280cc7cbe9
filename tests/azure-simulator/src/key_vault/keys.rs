//! Operations on keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    bundles::{Attributes, Buried, Shaper, Shown, View},
    context::{Context, elsewhere, ok},
    operations::Act,
    requests,
};
use crate::{
    app::new_version_id,
    pki::key::{Numbers, PrivateKey},
    wire::reply::Reply,
    world::{
        key::{Key, KeyVersion, NewKey},
        object::{Kind, Tags},
        refusal::Refusal,
        vault::refuse_managed,
    },
};

pub(crate) async fn run(act: Act<'_>, context: &Context<'_>) -> Result<Reply, Refusal> {
    let (now, body) = (context.now, &context.call.body);
    match act {
        Act::Create(name) => {
            let wanted = requests::key_creation(body)?;
            let kind = wanted.kind;
            let key = elsewhere(move || PrivateKey::generate(kind).map_err(Refusal::BadParameter))
                .await?;
            let new = NewKey {
                id: new_version_id(),
                key,
                operations: wanted.operations,
                changes: wanted.changes,
            };
            put(context, name, new, "create")
        }
        Act::Import(name) => {
            let new = requests::key_import(body, new_version_id())?;
            put(context, name, new, "import")
        }
        Act::Get(name, id) => show(context, name, id),
        Act::Update(name, id) => {
            let update = requests::key_update(body)?;
            context.write(
                |vault, _| vault.update_key(name, id, update, now),
                |vault, shaper, ()| {
                    let (key, version) = vault.keys.version(name, id, now)?;
                    Ok(ok(&KeyVersion::bundle(shaper, key, version, View::WHOLE)))
                },
            )
        }
        Act::Backup(name) => context.read(|vault, _| {
            let key = vault.keys.live(name, now)?;
            refuse_managed(&vault.keys, name, now, "backup")?;
            Ok(ok(&requests::backup(Kind::Key, key)?))
        }),
        Act::Restore => {
            let key = requests::restore::<KeyVersion>(Kind::Key, body, now)?;
            let name = key.name.clone();
            context.write(
                |vault, _| vault.keys.restore(key, now),
                |vault, shaper, ()| {
                    let (key, version) = vault.keys.version(&name, None, now)?;
                    Ok(ok(&KeyVersion::bundle(shaper, key, version, View::WHOLE)))
                },
            )
        }
        Act::List
        | Act::ListVersions(_)
        | Act::Delete(_)
        | Act::GetDeleted(_)
        | Act::ListDeleted
        | Act::Recover(_)
        | Act::Purge(_)
        | Act::Set(_)
        | Act::GetPolicy(_)
        | Act::UpdatePolicy(_)
        | Act::GetPending(_)
        | Act::UpdatePending(_)
        | Act::DeletePending(_)
        | Act::Merge(_) => context.common::<KeyVersion>(act),
    }
}

fn put(
    context: &Context<'_>,
    name: &str,
    new: NewKey,
    operation: &'static str,
) -> Result<Reply, Refusal> {
    let now = context.now;
    context.write(
        |vault, _| vault.put_key(name, new, operation, now),
        |vault, shaper, ()| {
            let (key, version) = vault.keys.version(name, None, now)?;
            Ok(ok(&KeyVersion::bundle(shaper, key, version, View::WHOLE)))
        },
    )
}

fn show(context: &Context<'_>, name: &str, id: Option<&str>) -> Result<Reply, Refusal> {
    context.read(|vault, shaper| {
        let (key, version) = vault.keys.version(name, id, context.now)?;
        Ok(ok(&KeyVersion::bundle(shaper, key, version, View::WHOLE)))
    })
}

/// A public key (RFC 7517).
#[derive(Serialize)]
struct Jwk<'a> {
    kid: String,
    kty: &'static str,
    key_ops: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

impl<'a> Jwk<'a> {
    fn of(kid: String, version: &'a KeyVersion) -> Self {
        let encoded = |bytes: Vec<u8>| Some(URL_SAFE_NO_PAD.encode(bytes));
        let key_type = version.key.kind;
        let mut jwk = Jwk {
            kid,
            kty: key_type.kty(),
            key_ops: &version.operations,
            n: None,
            e: None,
            crv: key_type.curve().map(crate::pki::key::Curve::name),
            x: None,
            y: None,
        };
        match version.key.numbers() {
            Ok(Numbers::Rsa { modulus, exponent }) => {
                (jwk.n, jwk.e) = (encoded(modulus), encoded(exponent));
            }
            Ok(Numbers::Ec { x, y }) => (jwk.x, jwk.y) = (encoded(x), encoded(y)),
            // A key that was made or read can be read again.
            Err(_) => {}
        }
        jwk
    }
}

/// A key as answers and lists show it.
#[derive(Serialize)]
pub(crate) struct KeyBundle<'a> {
    #[serde(flatten)]
    buried: Option<Buried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Jwk<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
}

impl Shown for KeyVersion {
    type Bundle<'a> = KeyBundle<'a>;

    fn bundle<'a>(
        shaper: &Shaper<'_>,
        key: &'a Key,
        version: &'a Self,
        view: View,
    ) -> KeyBundle<'a> {
        let meta = &version.meta;
        let id = view.versioned.then_some(meta.id.as_str());
        let kid = shaper.id("keys", &key.name, id);
        let (jwk, kid) = if view.whole {
            (Some(Jwk::of(kid, version)), None)
        } else {
            (None, Some(kid))
        };
        KeyBundle {
            buried: shaper.buried("keys", &key.name, view.deletion),
            key: jwk,
            kid,
            attributes: shaper.attributes(meta),
            tags: meta.tags.as_ref(),
            managed: meta.managed,
        }
    }
}
