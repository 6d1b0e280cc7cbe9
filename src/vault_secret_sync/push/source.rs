//! Reads the Secret that is pushed, where it consents.

use super::ALLOW_PUSH;
use super::api::PushedFrom;
use super::content::{Data, Material, material};
use super::round::Errand;
use super::valid::Push;
use crate::azure_resource::owner::Owner;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::target::names;

/// The Secret, and what is made of it.
pub(super) type Source = (PushedFrom, Material);

impl Errand<'_> {
    /// Whether the Secret is as it was when the recorded version was made of it, for this spec.
    pub(super) fn knows_source(&self, push: &Push) -> bool {
        let record = self.job.record.as_ref();
        let Some(from) = record.and_then(|record| record.source.as_ref()) else {
            return false;
        };
        let named = (self.party.owner.namespace.clone(), push.secret.to_string());
        from.generation == self.party.generation
            && from.secret == named.1
            && self.office.seen_version(&named).as_ref() == Some(&from.resource_version)
    }

    /// The Secret with its value, where it consents.
    pub(super) async fn source(&self, push: &Push) -> Result<Source, Problem> {
        let Owner {
            namespace,
            name,
            uid,
            ..
        } = &self.party.owner;
        let secret = push.secret.as_str();
        let read = self.office.kube.secret(namespace, secret).await?;
        let read = read.ok_or_else(|| {
            Problem::new(
                Reason::PushSourceNotFound,
                Retry::OnChange,
                format!(
                    "there is no Secret {namespace}/{secret}, which is to be pushed to {}. What the vault has stays",
                    push.object
                ),
            )
        })?;
        let data = Data::new(read.data.unwrap_or_default());
        let meta = read.metadata;
        let owned = meta
            .owner_references
            .iter()
            .flatten()
            .any(|owner| owner.controller == Some(true) && owner.uid == *uid);
        let allow = meta
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(ALLOW_PUSH));
        if !owned && !names(allow).contains(name) {
            return Err(Problem::new(
                Reason::PushNotAllowed,
                Retry::OnChange,
                format!(
                    "Secret {namespace}/{secret} does not consent to be pushed by VaultSecretSync {name}. Mend: kubectl -n {namespace} annotate secret {secret} {ALLOW_PUSH}={name} (several names are separated by commas)"
                ),
            ));
        }
        let from = PushedFrom {
            secret: secret.to_owned(),
            uid: meta.uid.unwrap_or_default(),
            resource_version: meta.resource_version.unwrap_or_default(),
            generation: self.party.generation,
        };
        let named = (namespace.clone(), secret.to_owned());
        self.office.learn(&named, &from.resource_version);
        Ok((from, material(push, namespace, &data)?))
    }
}
