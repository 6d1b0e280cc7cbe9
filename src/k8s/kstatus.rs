//! What tools read that wait for objects (Flux, helm, `kubectl` plugins): the conditions `Reconciling` and `Stalled`, as kstatus
//! defines them. Each is there only while it is True, and never both. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::{Says, find, is_true};
use crate::problem::Reason;

/// The spec as it is has not been carried out as a whole yet.
pub const RECONCILING: &str = "Reconciling";
/// It will not be before somebody mends something.
pub const STALLED: &str = "Stalled";

/// Conditions that tell whether a spec was carried out, the most telling first.
const TELLING: [&str; 3] = ["Synced", "Pushed", "Ready"];

/// Words of an object that rests, since its spec says so.
const RESTS: [&str; 3] = ["Suspended", "WaitingForWindow", "OnlyPlanned"];

/// What waiting does not mend, nor another object that comes with the same change: somebody must correct a spec, a
/// credential or a consent. What may still arrive (an identity, a Secret, a role that is not known everywhere yet) is not among
/// them, since objects are applied in any order.
pub const STALLS: &[Reason] = &[
    Reason::InvalidSpec,
    Reason::VaultNotInCloud,
    Reason::LakeNotInCloud,
    Reason::IdentityNotAllowed,
    Reason::ResourceManagerUnknown,
    Reason::StorageUnknown,
    Reason::CertificateUnreadable,
    Reason::CertificatePasswordWrong,
    Reason::CertificateKeyMismatch,
    Reason::CertificateExpired,
    Reason::PrivateKeyMissing,
    Reason::CertificateChainBroken,
    Reason::KeystorePasswordUnusable,
    Reason::KeyTypeUnsupported,
    Reason::InvalidUserPassword,
    Reason::MultiFactorRequired,
    Reason::ResourceNotFound,
    Reason::LoginRefused,
    Reason::InvalidClientSecret,
    Reason::ClientSecretExpired,
    Reason::TenantNotFound,
    Reason::ApplicationNotFound,
    Reason::HierarchyMissing,
    Reason::FilesystemNotEmpty,
    Reason::AccountDisabled,
    Reason::FileNotAllowed,
    Reason::SubscriptionDisabled,
    Reason::DisallowedByPolicy,
    Reason::ScopeLocked,
    Reason::QuotaExceeded,
    Reason::ApiVersionUnsupported,
    Reason::LocationUnavailable,
    Reason::NameTaken,
    Reason::NameHeldByDeleted,
    Reason::NameInvalid,
    Reason::NothingToRecover,
    Reason::ObjectDisabled,
    Reason::Expired,
    Reason::EmptyValue,
    Reason::NotJson,
    Reason::PropertyNotFound,
    Reason::DecodeFailed,
    Reason::NotExpandable,
    Reason::KeyCollision,
    Reason::InvalidTemplate,
    Reason::TemplateFailed,
    Reason::TooLarge,
    Reason::TargetNotOurs,
    Reason::TargetTypeImmutable,
    Reason::TargetImmutable,
    Reason::TargetRefused,
    Reason::PushNotAllowed,
    Reason::PushTargetExists,
    Reason::PushTargetNotOurs,
    Reason::PushTargetChanged,
    Reason::ValueNotText,
    Reason::ResourceIdChanged,
    Reason::TenantMismatch,
    Reason::LocationMismatch,
    Reason::ResourceNotOurs,
    Reason::CannotChange,
    Reason::RoleNotFound,
];

/// How far the object is, by its conditions before and after a look; nothing where it is as its spec says, where it rests, and
/// where something passing has come over what was carried out once: `Ready` tells whether that can still be used.
pub fn pace(old: &[Condition], new: &[Condition], generation: Option<i64>) -> Option<Says> {
    let told = |type_: &&str| find(new, type_);
    if told(&TELLING[0]).is_some_and(|synced| RESTS.contains(&synced.reason.as_str())) {
        return None;
    }
    let open = || {
        let told = TELLING.iter().filter_map(told);
        told.filter(|condition| condition.status != "True")
    };
    let stalled = open()
        .filter(|condition| condition.status == "False")
        .find(|condition| STALLS.iter().any(|one| one.as_str() == condition.reason));
    if let Some(condition) = stalled {
        return Some(says(STALLED, condition));
    }
    let under_way = is_true(old, RECONCILING) || is_true(old, STALLED);
    let is_new = |condition: &&Condition| {
        let before = find(old, &condition.type_);
        before.is_none_or(|before| before.observed_generation != generation)
    };
    open()
        .find(|condition| under_way || is_new(condition))
        .map(|condition| says(RECONCILING, condition))
}

fn says(type_: &'static str, why: &Condition) -> Says {
    let known = Reason::ALL.iter().find(|one| one.as_str() == why.reason);
    Says {
        type_,
        status: Some(true),
        reason: known.map_or("Pending", |reason| reason.as_str()),
        message: why.message.clone(),
    }
}

#[cfg(test)]
#[path = "kstatus_tests.rs"]
mod tests;
