//! Operations on secrets.

use super::{
    bundles::{Shown as _, View},
    context::{Context, ok},
    operations::Act,
    requests,
};
use crate::{
    app::new_version_id,
    wire::{call::Call, reply::Reply},
    world::{object::Kind, refusal::Refusal, secret::Version, vault::refuse_managed},
};

/// From this version on, a certificate's secret names the version before it.
const PREVIOUS_VERSION_SINCE: &str = "2025-07-01";

pub(crate) fn run(act: Act<'_>, context: &Context<'_>) -> Result<Reply, Refusal> {
    let now = context.now;
    match act {
        Act::Get(name, id) => context.read(|vault, shaper| {
            let (secret, version) = vault.readable(name, id, now)?;
            check_out_content_type(context.call, version.content_type.as_deref())?;
            let with_previous = context
                .call
                .query("api-version")
                .is_some_and(|given| given >= PREVIOUS_VERSION_SINCE && given.starts_with("20"));
            Ok(ok(&shaper.value(secret, version, with_previous)))
        }),
        Act::Set(name) => {
            let new = requests::new_secret(&context.call.body, new_version_id())?;
            context.write(
                |vault, _| vault.set(name, new, now),
                |vault, shaper, ()| {
                    let (secret, version) = vault.secrets.version(name, None, now)?;
                    Ok(ok(&shaper.value(secret, version, false)))
                },
            )
        }
        Act::Update(name, id) => {
            let update = requests::secret_update(&context.call.body)?;
            context.write(
                |vault, _| {
                    refuse_managed(&vault.secrets, name, now, "update")?;
                    vault.update(name, id, update, now)
                },
                |vault, shaper, ()| {
                    let (secret, version) = vault.secrets.version(name, id, now)?;
                    Ok(ok(&Version::bundle(shaper, secret, version, View::WHOLE)))
                },
            )
        }
        Act::Backup(name) => context.read(|vault, _| {
            let secret = vault.secrets.live(name, now)?;
            refuse_managed(&vault.secrets, name, now, "backup")?;
            Ok(ok(&requests::backup(Kind::Secret, secret)?))
        }),
        Act::Restore => {
            let secret = requests::restore::<Version>(Kind::Secret, &context.call.body, now)?;
            let name = secret.name.clone();
            context.write(
                |vault, _| vault.secrets.restore(secret, now),
                |vault, shaper, ()| {
                    let (secret, version) = vault.secrets.version(&name, None, now)?;
                    Ok(ok(&Version::bundle(shaper, secret, version, View::WHOLE)))
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
        | Act::Create(_)
        | Act::Import(_)
        | Act::GetPolicy(_)
        | Act::UpdatePolicy(_)
        | Act::GetPending(_)
        | Act::UpdatePending(_)
        | Act::DeletePending(_)
        | Act::Merge(_) => context.common::<Version>(act),
    }
}

/// A client may ask for a certificate's secret in another form; the simulator keeps what was seeded and converts none.
fn check_out_content_type(call: &Call, content_type: Option<&str>) -> Result<(), Refusal> {
    match call.query("outContentType") {
        Some(wanted) if !wanted.is_empty() && Some(wanted) != content_type => {
            Err(Refusal::BadParameter(format!(
                "Property outContentType has invalid value {wanted}: this secret is kept as {}.",
                content_type.unwrap_or("none")
            )))
        }
        _ => Ok(()),
    }
}
