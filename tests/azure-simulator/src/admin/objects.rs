//! Admin calls that change secrets, certificates and keys, as an owner outside the vault's own API would.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Body, Refused,
    changes::{Here, find, refused, same_or_absent},
    done, elsewhere,
};
use crate::{
    app::{App, new_version_id},
    mint,
    world::{
        self,
        certificate::CertificateVersion,
        certificate_spec::{CertificateSeed, KeySeed},
        key::{KeyUpdate, KeyVersion},
        moment::Moment,
        object::{Changes, Tags},
        refusal::Refusal,
        secret::{NewVersion, Update, Version},
        shelf::Pace,
        spec::SecretSpec,
        vault::{Kept, Vault},
    },
};

type Named = Path<(String, String)>;

/// Changes the vault, and answers with the newest version of the object.
fn change<V: Kept>(
    app: &App,
    vault: &str,
    name: &str,
    change: impl FnOnce(&mut Vault, Moment) -> Result<(), Refusal>,
) -> Answer {
    let mut world = app.world.write();
    let now = Moment::now(world.skew_seconds);
    let vault = find(&mut world, vault)?;
    vault.settle(now);
    change(vault, now).map_err(refused)?;
    newest::<V>(vault, name, now).map_err(refused)
}

fn newest<V: Kept>(vault: &Vault, name: &str, now: Moment) -> Result<Json<Value>, Refusal> {
    let (_, version) = V::shelf(vault).version(name, None, now)?;
    Ok(Json(json!({"version": version.meta().id})))
}

/// Plants a new version.
pub(super) async fn put_secret(
    State(app): Here,
    Path((vault, secret)): Named,
    Body(mut spec): Body<SecretSpec>,
) -> Answer {
    same_or_absent(&mut spec.name, secret.clone())?;
    let new = NewVersion::of_spec(new_version_id(), spec).map_err(refused)?;
    change::<Version>(&app, &vault, &secret, |vault, now| {
        vault.plant(&secret, new, now)
    })
}

/// Changes attributes of the latest version; `managed` and `kid` come with a new version only.
pub(super) async fn patch_secret(
    State(app): Here,
    Path((vault, secret)): Named,
    Body(spec): Body<SecretSpec>,
) -> Answer {
    if spec.value.is_some() || spec.managed.is_some() || spec.kid.is_some() {
        return Err(Refused::bad(
            "value, managed and kid come with a new version: PUT it",
        ));
    }
    let update = Update {
        content_type: spec.content_type,
        changes: Changes {
            tags: spec.tags,
            enabled: spec.enabled,
            not_before: spec.not_before.map(|at| at.0),
            expires: spec.expires.map(|at| at.0),
        },
    };
    change::<Version>(&app, &vault, &secret, |vault, now| {
        vault.update(&secret, None, update, now)
    })
}

/// Makes and plants a new version; with an empty body as the version before was asked for.
pub(super) async fn put_certificate(
    State(app): Here,
    Path((vault, name)): Named,
    Body(body): Body<Value>,
) -> Answer {
    let again = body.as_object().is_some_and(serde_json::Map::is_empty);
    let mut seed = if again {
        as_before(&app, &vault, &name)?
    } else {
        let seed: CertificateSeed =
            serde_json::from_value(body).map_err(|error| Refused::bad(error.to_string()))?;
        seed
    };
    same_or_absent(&mut seed.name, name.clone())?;
    let now = app.now();
    let made = elsewhere(move || {
        mint::certificate(&mut seed, now)?;
        Ok(seed)
    });
    let seed = made.await?;
    change::<CertificateVersion>(&app, &vault, &name, |vault, now| {
        world::plant_certificate(vault, seed, now)
    })
}

/// How the newest version was asked for, or a plain certificate when there is none yet.
fn as_before(app: &App, vault: &str, name: &str) -> Answer<CertificateSeed> {
    let mut world = app.world.write();
    let now = Moment::now(world.skew_seconds);
    let present = find(&mut world, vault)?.certificates.live(name, now).ok();
    let Some(present) = present else {
        return Ok(CertificateSeed::default());
    };
    present
        .extra
        .seed
        .as_deref()
        .cloned()
        .ok_or_else(|| Refused::bad(format!("{name} was made by a client: say what to make")))
}

/// Attributes of the latest version of a certificate or key.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Patch {
    tags: Option<Tags>,
    enabled: Option<bool>,
}

impl From<Patch> for Changes {
    fn from(patch: Patch) -> Self {
        Self {
            tags: patch.tags,
            enabled: patch.enabled,
            ..Self::default()
        }
    }
}

pub(super) async fn patch_certificate(
    State(app): Here,
    Path((vault, name)): Named,
    Body(patch): Body<Patch>,
) -> Answer {
    change::<CertificateVersion>(&app, &vault, &name, |vault, now| {
        vault.update_certificate(&name, None, patch.into(), now)
    })
}

/// Makes and plants a new version.
pub(super) async fn put_key(
    State(app): Here,
    Path((vault, name)): Named,
    Body(mut seed): Body<KeySeed>,
) -> Answer {
    same_or_absent(&mut seed.name, name.clone())?;
    let made = elsewhere(move || {
        mint::key(&mut seed)?;
        Ok(seed)
    });
    let seed = made.await?;
    change::<KeyVersion>(&app, &vault, &name, |vault, now| {
        world::plant_key(vault, &seed, now)
    })
}

pub(super) async fn patch_key(
    State(app): Here,
    Path((vault, name)): Named,
    Body(patch): Body<Patch>,
) -> Answer {
    let update = KeyUpdate {
        operations: None,
        changes: patch.into(),
    };
    change::<KeyVersion>(&app, &vault, &name, |vault, now| {
        vault.update_key(&name, None, update, now)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DeleteQuery {
    purge: bool,
}

pub(super) async fn delete_secret(app: Here, path: Named, query: Query<DeleteQuery>) -> Answer {
    delete::<Version>(&app, path, &query)
}

pub(super) async fn delete_certificate(
    app: Here,
    path: Named,
    query: Query<DeleteQuery>,
) -> Answer {
    delete::<CertificateVersion>(&app, path, &query)
}

pub(super) async fn delete_key(app: Here, path: Named, query: Query<DeleteQuery>) -> Answer {
    delete::<KeyVersion>(&app, path, &query)
}

/// Deletes softly, or for good; both show at once.
fn delete<V: Kept>(app: &App, Path((vault, name)): Named, query: &DeleteQuery) -> Answer {
    let mut world = app.world.write();
    let now = Moment::now(world.skew_seconds);
    let vault = find(&mut world, &vault)?;
    vault.settle(now);
    if query.purge {
        V::remove(vault, &name).map_err(refused)?;
    } else {
        let pace = Pace { now, delay_ms: 0 };
        V::delete_any(vault, &name, pace).map_err(refused)?;
    }
    Ok(done())
}
