//! Operations on certificates.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};

use super::{
    bundles::{Shaper, Shown as _, View},
    certificate_bundles::{Operation, PolicyBundle},
    context::{Context, elsewhere, ok, with_status},
    operations::Act,
    requests,
};
use crate::{
    mint,
    pki::import,
    wire::reply::Reply,
    world::{
        certificate::CertificateVersion, moment::Moment, policy::Policy, refusal::Refusal,
        vault::Vault,
    },
};

/// Seconds that a client is told to wait before it asks for an operation again.
const RETRY_AFTER: &str = "10";

pub(crate) async fn run(act: Act<'_>, context: &Context<'_>) -> Result<Reply, Refusal> {
    let now = context.now;
    match act {
        Act::Create(name) => create(context, name).await,
        Act::Import(name) => import(context, name).await,
        Act::Merge(name) => merge(context, name).await,
        Act::Get(name, id) => {
            context.read(|vault, shaper| show(vault, shaper, (name, id), now, StatusCode::OK))
        }
        Act::Update(name, id) => update(context, name, id),
        Act::GetPolicy(name) => context.read(|vault, shaper| {
            let certificate = vault.certificates.live(name, now)?;
            Ok(ok(&PolicyBundle::of(shaper, certificate)))
        }),
        Act::UpdatePolicy(name) => {
            let changes = requests::json(&context.call.body)?;
            context.write(
                |vault, _| patch_policy(vault, name, changes, now),
                |vault, shaper, ()| {
                    let certificate = vault.certificates.live(name, now)?;
                    Ok(ok(&PolicyBundle::of(shaper, certificate)))
                },
            )
        }
        Act::GetPending(name) => show_pending(context, name),
        Act::UpdatePending(name) => {
            let wanted = requests::cancellation(&context.call.body)?;
            context.write(
                |vault, _| {
                    check_request_id(vault, context, name)?;
                    vault.cancel(name, wanted, now)
                },
                |vault, shaper, ()| {
                    let pending = vault.pending(name, now)?;
                    Ok(ok(&Operation::of(shaper, name, pending)))
                },
            )
        }
        Act::DeletePending(name) => context.write(
            |vault, _| {
                check_request_id(vault, context, name)?;
                vault.delete_pending(name, now)
            },
            |_, shaper, pending| Ok(ok(&Operation::of(shaper, name, &pending))),
        ),
        Act::Backup(name) => {
            context.read(|vault, _| Ok(ok(&requests::certificate_backup(vault, name, now)?)))
        }
        Act::Restore => {
            let whole = requests::certificate_restore(&context.call.body, now)?;
            let name = whole.certificate.name.clone();
            context.write(
                |vault, _| vault.restore_certificate(whole, now),
                |vault, shaper, ()| show(vault, shaper, (&name, None), now, StatusCode::OK),
            )
        }
        Act::List
        | Act::ListVersions(_)
        | Act::Delete(_)
        | Act::GetDeleted(_)
        | Act::ListDeleted
        | Act::Recover(_)
        | Act::Purge(_)
        | Act::Set(_) => context.common::<CertificateVersion>(act),
    }
}

fn show(
    vault: &Vault,
    shaper: &Shaper<'_>,
    (name, id): (&str, Option<&str>),
    now: Moment,
    status: StatusCode,
) -> Result<Reply, Refusal> {
    let (certificate, version) = vault.certificates.version(name, id, now)?;
    let bundle = CertificateVersion::bundle(shaper, certificate, version, View::WHOLE);
    Ok(with_status(status, &bundle))
}

async fn create(context: &Context<'_>, name: &str) -> Result<Reply, Refusal> {
    let now = context.now;
    let wanted = requests::certificate_creation(&context.call.body)?;
    // Refused before a key is made; asked again when it is there.
    let (known, reused) = context.read(|vault, _| {
        vault.refuse_unless_certifiable(name, now)?;
        let present = vault.certificates.live(name, now).ok();
        let key = vault.keys.live(name, now).ok();
        Ok((
            present.map(|present| present.extra.policy.clone()),
            key.and_then(|key| Some(key.latest().ok()?.key.clone())),
        ))
    })?;
    // Without a policy, the one that the certificate has counts.
    let policy = match (wanted.policy, known) {
        (Some(given), _) => Policy::complete(given, now)?,
        (None, Some(known)) => known,
        (None, None) => {
            let message = "Property policy has invalid value".to_owned();
            return Err(Refusal::BadParameter(message));
        }
    };
    let reused = reused.filter(|key| {
        policy.key_props.reuse_key && policy.key_type().is_ok_and(|kind| kind == key.kind)
    });
    let delay = context.app.settings().issuance_delay_ms;
    let changes = wanted.changes;
    let pending = elsewhere(move || mint::pending(policy, changes, reused, now, delay)).await?;
    let version = context.call.query("api-version").unwrap_or_default();
    context.write(
        |vault, _| vault.begin_certificate(name, pending, now),
        |vault, shaper, ()| {
            let pending = vault.pending(name, now)?;
            let body = Operation::of(shaper, name, pending);
            let location = format!(
                "{}?api-version={version}&request_id={}",
                body.id, pending.request_id
            );
            Ok(with_status(StatusCode::ACCEPTED, &body)
                .with(header::LOCATION, &location)
                .with(header::RETRY_AFTER, RETRY_AFTER))
        },
    )
}

async fn import(context: &Context<'_>, name: &str) -> Result<Reply, Refusal> {
    let now = context.now;
    let wanted = requests::certificate_import(&context.call.body)?;
    context.read(|vault, _| vault.refuse_unless_certifiable(name, now))?;
    let made = elsewhere(move || {
        let password = wanted.password.as_ref().map(|password| password.0.as_str());
        let file = import::read(&wanted.value.0, password, wanted.preserve_order)
            .map_err(Refusal::BadParameter)?;
        mint::imported(file, wanted.policy, wanted.changes, now)
    })
    .await?;
    context.write(
        |vault, _| vault.put_certificate(name, made, None, now),
        |vault, shaper, ()| show(vault, shaper, (name, None), now, StatusCode::OK),
    )
}

async fn merge(context: &Context<'_>, name: &str) -> Result<Reply, Refusal> {
    let now = context.now;
    let wanted = requests::merging(&context.call.body)?;
    let unsigned = context.read(|vault, _| vault.unsigned(name, now).cloned())?;
    let chain: Vec<Arc<[u8]>> = wanted
        .x5c
        .iter()
        .map(|text| STANDARD.decode(text).map(Into::into))
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::BadParameter("Property x5c has invalid value".to_owned()))?;
    let made = elsewhere(move || mint::merged(unsigned, chain, wanted.changes, now)).await?;
    context.write(
        |vault, _| vault.merge(name, made, now),
        |vault, shaper, ()| show(vault, shaper, (name, None), now, StatusCode::CREATED),
    )
}

fn update(context: &Context<'_>, name: &str, id: Option<&str>) -> Result<Reply, Refusal> {
    let now = context.now;
    let wanted = requests::certificate_update(&context.call.body)?;
    context.write(
        |vault, _| {
            vault.update_certificate(name, id, wanted.changes, now)?;
            match wanted.policy {
                Some(changes) => patch_policy(vault, name, changes, now),
                None => Ok(()),
            }
        },
        |vault, shaper, ()| show(vault, shaper, (name, id), now, StatusCode::OK),
    )
}

fn patch_policy(
    vault: &mut Vault,
    name: &str,
    changes: serde_json::Value,
    now: Moment,
) -> Result<(), Refusal> {
    let policy = &vault.certificates.live(name, now)?.extra.policy;
    let policy = policy.patched(changes, now)?;
    vault.set_policy(name, policy, now)
}

fn show_pending(context: &Context<'_>, name: &str) -> Result<Reply, Refusal> {
    context.read(|vault, shaper| {
        check_request_id(vault, context, name)?;
        let pending = vault.pending(name, context.now)?;
        let reply = ok(&Operation::of(shaper, name, pending));
        Ok(if pending.is_in_progress() {
            reply.with(header::RETRY_AFTER, RETRY_AFTER)
        } else {
            reply
        })
    })
}

/// A request id in the query is a filter: <https://learn.microsoft.com/azure/key-vault/certificates/create-certificate-scenarios>.
fn check_request_id(vault: &Vault, context: &Context<'_>, name: &str) -> Result<(), Refusal> {
    let pending = vault.pending(name, context.now)?;
    match context.call.query("request_id") {
        Some(wanted) if wanted != pending.request_id => {
            Err(Refusal::PendingNotFound(name.to_owned()))
        }
        _ => Ok(()),
    }
}
