//! One call of a session to its vault.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::want::Call;
use crate::azure::auth::{Token, Want};
use crate::azure::http::{Answer, Http, Request};
use crate::azure::key_vault::{self, Bundle, Kind, Object, Page, Remedy};
use crate::azure::resource::Resource;
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::Usable;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::secret::SecretValue;
use crate::telemetry::spans;

/// What a call brought.
pub(super) enum Brought {
    /// An object.
    Object(Result<Bundle, Problem>),
    /// A page of a list.
    Page(Result<Page, Problem>),
}

/// Asks one vault with one identity.
pub struct Reader {
    identities: Arc<Identities>,
    http: Http,
    identity: Usable,
    vault: VaultUri,
    /// What its tokens are asked for, where the vault said so itself.
    audience: Mutex<Option<Resource>>,
}

impl Reader {
    /// A reader of a vault for an identity that may be used for it.
    pub fn new(identities: Arc<Identities>, http: Http, identity: Usable, vault: VaultUri) -> Self {
        Self {
            identities,
            http,
            identity,
            vault,
            audience: Mutex::default(),
        }
    }

    /// The span of a call.
    pub(super) fn span(&self, call: &Call) -> tracing::Span {
        let (vault, identity) = (self.vault.authority(), &self.identity.valid.key);
        match call {
            Call::Get(object) => spans::hub("read", vault, identity, Some(object.name.as_str())),
            Call::List(..) => spans::hub("list", vault, identity, None),
        }
    }

    /// Makes a call.
    pub(super) async fn call(&self, call: &Call) -> Brought {
        match call {
            Call::Get(object) => Brought::Object(self.get(object).await),
            Call::List(kind, next) => {
                let request = |token: &SecretValue| {
                    let profile = &self.identity.profile;
                    key_vault::list(profile, &self.vault, *kind, next.as_ref(), token)
                };
                let read = |answer: &Answer| {
                    let profile = &self.identity.profile;
                    key_vault::read_page(profile, &self.vault, *kind, answer, Timestamp::now())
                };
                Brought::Page(self.ask(listing(*kind), request, read).await)
            }
        }
    }

    /// Reads an object.
    pub async fn get(&self, object: &Object) -> Result<Bundle, Problem> {
        let profile = &self.identity.profile;
        let request = |token: &SecretValue| key_vault::request(profile, &self.vault, object, token);
        let read = |answer: &Answer| {
            key_vault::read(profile, &self.vault, object, answer, Timestamp::now())
        };
        self.ask(reading(object.kind), request, read).await
    }

    /// One request with a token of the identity. A token may have been revoked, outlived its key, or be for another audience:
    /// another one is asked for once.
    pub async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Fn(&SecretValue) -> Result<Request, Problem>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let want = self.want();
        let token = self.identities.token(&self.identity, &want).await?;
        let (outcome, remedy) = self
            .exchange(operation, request(&token.value)?, &read)
            .await;
        let Err(problem) = outcome else {
            return outcome;
        };
        if problem.reason == Reason::Unauthorized {
            let Some(renewed) = self.renewed(&want, &token, remedy).await? else {
                return Err(problem);
            };
            return self
                .exchange(operation, request(&renewed.value)?, &read)
                .await
                .0;
        }
        // The roots of a private cloud may have been replaced: the next look uses what is there now.
        if problem.reason == Reason::CertificateNotTrusted {
            self.identities.distrusted(&self.identity);
        }
        Err(problem)
    }

    /// A token in place of one that was refused; none where there is no other.
    async fn renewed(
        &self,
        want: &Want,
        token: &Token,
        remedy: Remedy,
    ) -> Result<Option<Arc<Token>>, Problem> {
        let identity = &self.identity;
        if let Some(audience) = remedy.audience {
            *self.audience.lock().unwrap_or_else(PoisonError::into_inner) = Some(audience);
        }
        if self.want() == *want {
            self.identities
                .refused(identity, want, &token.value, remedy.claims);
        }
        let renewed = self.identities.token(identity, &self.want()).await?;
        Ok((renewed.value != token.value).then_some(renewed))
    }

    /// The token that requests carry.
    fn want(&self) -> Want {
        let learned = self.audience.lock().unwrap_or_else(PoisonError::into_inner);
        let derived = || self.identity.profile.cloud.vault_audience.clone();
        Want::ours(learned.clone().unwrap_or_else(derived))
    }

    async fn exchange<T>(
        &self,
        operation: &'static str,
        request: Request,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> (Result<T, Problem>, Remedy) {
        match self
            .http
            .send(operation, self.vault.origin(), request)
            .await
        {
            Ok(answer) => {
                let remedy = key_vault::remedy(&self.identity.profile, &answer);
                (read(&answer), remedy)
            }
            Err(problem) => (Err(problem), Remedy::default()),
        }
    }
}

/// The names of operations, in metrics.
fn reading(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret => "GetSecret",
        Kind::Certificate => "GetCertificate",
        Kind::Key => "GetKey",
    }
}

fn listing(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret => "ListSecrets",
        Kind::Certificate => "ListCertificates",
        Kind::Key => "ListKeys",
    }
}
