//! Admin calls that change something.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Answer, Body, Refused, done, elsewhere};
use crate::{
    app::{App, new_version_id},
    mint,
    wire::{fault_spec::FaultSpec, holds::Release},
    world::{
        World,
        moment::Moment,
        refusal::Refusal,
        settings::SettingsPatch,
        spec::{ApplicationSpec, ClockSpec, IssuerSpec, Seed, TenantSpec, VaultSpec},
        vault::Vault,
    },
};

pub(super) type Here = State<Arc<App>>;

pub(super) async fn seed(State(app): Here, Body(seed): Body<Seed>) -> Answer {
    elsewhere(move || app.seed(seed)).await?;
    Ok(done())
}

pub(super) async fn settings(State(app): Here, Body(patch): Body<SettingsPatch>) -> Answer {
    let mut world = app.world.write();
    world.patch_settings(&patch)?;
    Ok(Json(shown_settings(&world)))
}

/// All settings as one object.
pub(super) fn shown_settings(world: &World) -> Value {
    let mut shown = json!(world.settings);
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), json!(world.manager)) {
        shown.extend(more);
    }
    shown
}

pub(super) async fn clock(State(app): Here, Body(clock): Body<ClockSpec>) -> Json<ClockSpec> {
    app.world.write().skew_seconds = clock.skew_seconds;
    app.settle_in_time();
    Json(clock)
}

pub(super) async fn issuers(State(app): Here, Body(issuers): Body<Vec<IssuerSpec>>) -> Answer {
    for issuer in &issuers {
        app.issuers.put(issuer)?;
    }
    Ok(done())
}

pub(super) async fn put_tenant(
    State(app): Here,
    Path(tenant): Path<String>,
    Body(mut spec): Body<TenantSpec>,
) -> Answer {
    same_or_absent(&mut spec.id, tenant)?;
    let mut world = app.world.write();
    world.put_tenant(spec)?;
    note_principals(&mut world);
    Ok(done())
}

/// To be called when somebody may be new.
pub(super) fn note_principals(world: &mut World) {
    let now = Moment::now(world.skew_seconds);
    world.note_principals(now);
}

pub(super) async fn delete_tenant(State(app): Here, Path(tenant): Path<String>) -> Answer {
    let removed = app
        .world
        .write()
        .tenants
        .remove(&tenant.to_ascii_lowercase());
    removed
        .map(|_| done())
        .ok_or_else(|| Refused::absent(format!("there is no tenant {tenant}")))
}

pub(super) async fn put_application(
    State(app): Here,
    Path((tenant, client)): Path<(String, String)>,
    Body(mut spec): Body<ApplicationSpec>,
) -> Answer {
    same_or_absent(&mut spec.client_id, client)?;
    let mut world = app.world.write();
    world.put_application(&tenant, spec)?;
    note_principals(&mut world);
    Ok(done())
}

pub(super) async fn delete_application(
    State(app): Here,
    Path((tenant, client)): Path<(String, String)>,
) -> Answer {
    let mut world = app.world.write();
    let removed = world
        .tenants
        .get_mut(&tenant.to_ascii_lowercase())
        .and_then(|tenant| tenant.applications.remove(&client.to_ascii_lowercase()));
    removed
        .map(|_| done())
        .ok_or_else(|| Refused::absent(format!("there is no application {client}")))
}

pub(super) async fn put_vault(
    State(app): Here,
    Path(name): Path<String>,
    Body(mut spec): Body<VaultSpec>,
) -> Answer {
    same_or_absent(&mut spec.name, name)?;
    let now = app.now();
    let made = elsewhere(move || {
        mint::vaults(std::slice::from_mut(&mut spec), now)?;
        Ok(spec)
    });
    let spec = made.await?;
    app.world.write().put_vault(spec, now, new_version_id)?;
    app.names_may_have_changed()?;
    Ok(done())
}

/// Merges fields into a vault (RFC 7396: `null` sets a field back); secrets, certificates and keys in the body are
/// planted.
pub(super) async fn patch_vault(
    State(app): Here,
    Path(name): Path<String>,
    Body(mut patch): Body<Value>,
) -> Answer {
    // Made before the world is held: that takes its time.
    let mut planted = vec![VaultSpec {
        certificates: taken(&mut patch, "certificates")?,
        keys: taken(&mut patch, "keys")?,
        ..VaultSpec::default()
    }];
    let now = app.now();
    let made = elsewhere(move || {
        mint::vaults(&mut planted, now)?;
        Ok(planted)
    });
    let planted = made.await?;
    let mut world = app.world.write();
    let key = name.to_ascii_lowercase();
    let vault = world.vault(&key).ok_or_else(|| no_vault(&name))?;
    let mut spec: VaultSpec = patched(&world.whole_spec(vault), patch)?;
    for made in planted {
        spec.certificates = made.certificates;
        spec.keys = made.keys;
    }
    let now = Moment::now(world.skew_seconds);
    world.put_vault(spec, now, new_version_id)?;
    drop(world);
    app.names_may_have_changed()?;
    Ok(done())
}

/// A spec with the fields of a patch; `null` sets a field back.
pub(super) fn patched<T: Serialize + DeserializeOwned>(
    present: &T,
    patch: Value,
) -> Result<T, Refused> {
    let mut merged =
        serde_json::to_value(present).map_err(|error| Refused::bad(error.to_string()))?;
    let Value::Object(fields) = patch else {
        return Err(Refused::bad("an object is needed"));
    };
    if fields.contains_key("name") {
        return Err(Refused::bad("a name cannot change"));
    }
    if let Value::Object(target) = &mut merged {
        for (key, value) in fields {
            if value.is_null() {
                target.remove(&key);
            } else {
                target.insert(key, value);
            }
        }
    }
    serde_json::from_value(merged).map_err(|error| Refused::bad(error.to_string()))
}

/// Takes a list out of a patch.
fn taken<T: DeserializeOwned>(patch: &mut Value, field: &str) -> Result<Vec<T>, Refused> {
    match patch.as_object_mut().and_then(|patch| patch.remove(field)) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => {
            serde_json::from_value(list).map_err(|error| Refused::bad(format!("{field}: {error}")))
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HowDeleted {
    /// As a client of the resource manager does; otherwise it is as if it had never been.
    soft: bool,
}

pub(super) async fn delete_vault(
    State(app): Here,
    Path(name): Path<String>,
    Query(how): Query<HowDeleted>,
) -> Answer {
    let now = app.now();
    let dropped = {
        let mut world = app.world.write();
        let dropped = world.drop_vault(&name, now);
        if dropped && !how.soft {
            world.deleted_vaults.remove(&name.to_ascii_lowercase());
        }
        dropped
    };
    if !dropped {
        return Err(no_vault(&name));
    }
    app.settle_in_time();
    app.names_may_have_changed()?;
    Ok(done())
}

pub(super) async fn add_fault(State(app): Here, Body(spec): Body<FaultSpec>) -> Answer {
    let id = app.faults.add(spec)?;
    app.names_may_have_changed()?;
    Ok(Json(json!({"id": id})))
}

pub(super) async fn clear_faults(State(app): Here) -> Answer {
    app.faults.clear();
    app.holds.release(|_| true, Release::GoOn);
    app.names_may_have_changed()?;
    Ok(done())
}

pub(super) async fn delete_fault(State(app): Here, Path(id): Path<u64>) -> Answer {
    if !app.faults.remove(id) {
        return Err(Refused::absent(format!("there is no fault {id}")));
    }
    app.holds.release(|held| held.fault == id, Release::GoOn);
    app.names_may_have_changed()?;
    Ok(done())
}

/// A name in the body may be left out, but not differ from the path's.
pub(super) fn same_or_absent(in_body: &mut String, in_path: String) -> Result<(), Refused> {
    if !in_body.is_empty() && !in_body.eq_ignore_ascii_case(&in_path) {
        return Err(Refused::bad(format!(
            "the body names {in_body}, the path {in_path}"
        )));
    }
    *in_body = in_path;
    Ok(())
}

pub(super) fn find<'a>(world: &'a mut World, vault: &str) -> Result<&'a mut Vault, Refused> {
    world
        .vaults
        .get_mut(&vault.to_ascii_lowercase())
        .ok_or_else(|| no_vault(vault))
}

fn no_vault(name: &str) -> Refused {
    Refused::absent(format!("there is no vault {name}"))
}

#[allow(clippy::needless_pass_by_value, reason = "goes to map_err as it is")]
pub(super) fn refused(refusal: Refusal) -> Refused {
    let status = match refusal {
        Refusal::NotFound(_) | Refusal::DeletedNotFound(_) | Refusal::PendingNotFound(_) => {
            StatusCode::NOT_FOUND
        }
        Refusal::InProgress
        | Refusal::DeletedButRecoverable(_)
        | Refusal::BeingDeleted(_)
        | Refusal::BeingRecovered(_)
        | Refusal::Exists(_) => StatusCode::CONFLICT,
        Refusal::Disabled
        | Refusal::PurgeProtected
        | Refusal::Managed(_)
        | Refusal::NotInProgress
        | Refusal::MergeForbidden(_)
        | Refusal::NotEnabled(_)
        | Refusal::BadParameter(_) => StatusCode::BAD_REQUEST,
    };
    Refused(status, refusal.to_string())
}
