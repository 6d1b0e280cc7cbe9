//! Which application asks, and its proof: secret, certificate, federated credential, or none for a public client.

use std::sync::Arc;

use super::{
    assertion::{Accepted, Assertion},
    errors::Denial,
    federation,
    form::{Ask, is_any_tenant},
    signing::Proof,
};
use crate::{
    entra::Version,
    world::{
        World,
        moment::Moment,
        tenant::{Application, Tenant},
    },
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who asks, found in the world.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) tenant_id: String,
    /// Domain name or id, for error texts.
    pub(crate) tenant_name: String,
    pub(crate) application: Arc<Application>,
}

impl Client {
    /// An application of the tenant that a path names.
    pub(crate) fn find(world: &World, tenant: &str, client_id: &str) -> Result<Self, Denial> {
        if is_any_tenant(tenant) {
            return Err(Denial::no_tenant());
        }
        let found = world
            .tenant(tenant)
            .ok_or_else(|| Denial::unknown_tenant(tenant, false))?;
        Self::of(found, client_id)
    }

    pub(crate) fn of(tenant: &Tenant, client_id: &str) -> Result<Self, Denial> {
        let tenant_name = tenant.shown_name().to_owned();
        let application = tenant
            .applications
            .get(&client_id.to_ascii_lowercase())
            .ok_or_else(|| Denial::unknown_application(client_id, &tenant_name))?;
        Ok(Self {
            tenant_id: tenant.id.clone(),
            tenant_name,
            application: Arc::clone(application),
        })
    }

    /// Checks the credential that was given; a request in the application's own name needs one.
    pub(crate) async fn prove(&self, ask: &Ask<'_>) -> Result<Proof, Denial> {
        self.check_given(ask)
            .await?
            .ok_or_else(Denial::no_credential)
    }

    /// The same for a request in a user's name, where a public client has none.
    pub(crate) async fn prove_for_user(&self, ask: &Ask<'_>) -> Result<Proof, Denial> {
        let application = &self.application;
        let given = ask.form.secret().is_some() || ask.form.get("client_assertion").is_some();
        if given && application.public_client && !application.has_credentials() {
            return Err(Denial::public_client_with_credential());
        }
        match self.check_given(ask).await? {
            Some(proof) => Ok(proof),
            None if application.public_client => Ok(Proof::Public),
            None => Err(Denial::confidential_client()),
        }
    }

    /// Checks whichever credential was given.
    async fn check_given(&self, ask: &Ask<'_>) -> Result<Option<Proof>, Denial> {
        let form = ask.form;
        if let Some(text) = form.get("client_assertion") {
            let kind = form.need("client_assertion_type")?;
            if kind != ASSERTION_TYPE {
                return Err(Denial::wrong_assertion_type(kind));
            }
            self.check_assertion(ask, &Assertion::parse(text)?).await?;
            return Ok(Some(Proof::Assertion));
        }
        let Some(secret) = form.secret() else {
            return Ok(None);
        };
        check_secret(&self.application, secret, ask.now)?;
        Ok(Some(Proof::Secret))
    }

    async fn check_assertion(
        &self,
        ask: &Ask<'_>,
        assertion: &Assertion<'_>,
    ) -> Result<(), Denial> {
        let application = &self.application;
        let issuer = &assertion.claims.iss;
        if issuer.eq_ignore_ascii_case(&application.client_id) {
            let endpoint = |audience: &str| self.is_token_endpoint(audience, ask);
            let accepted = match ask.version {
                Version::V1 | Version::V2 => Accepted::Entra,
                Version::Adfs => Accepted::Adfs,
            };
            return assertion.check_certificate(application, accepted, endpoint, ask.now);
        }
        federation::check_match(&application.federated, assertion)?;
        ask.app.issuers.check_signature(assertion, ask.now).await
    }

    /// Whether an assertion's audience is a form of this tenant's token endpoint, whatever name the server goes by.
    fn is_token_endpoint(&self, audience: &str, ask: &Ask<'_>) -> bool {
        let Ok(url) = url::Url::parse(audience) else {
            return false;
        };
        let path = url.path().trim_end_matches('/');
        let own = [self.tenant_id.as_str(), &self.tenant_name, ask.tenant];
        let tenants = match ask.version {
            Version::V1 | Version::V2 => own.as_slice(),
            Version::Adfs => &["adfs"],
        };
        ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", ""]
            .iter()
            .any(|ending| {
                path.strip_suffix(ending)
                    .and_then(|rest| rest.rsplit('/').next())
                    .is_some_and(|last| tenants.iter().any(|name| name.eq_ignore_ascii_case(last)))
            })
    }
}

fn check_secret(application: &Application, given: &str, now: Moment) -> Result<(), Denial> {
    let mut matching = application
        .secrets
        .iter()
        .filter(|secret| secret.value.is(given))
        .peekable();
    if matching.peek().is_none() {
        return Err(Denial::wrong_secret(&application.client_id));
    }
    if matching.any(|secret| secret.expires.is_none_or(|at| at.0 > now.seconds())) {
        Ok(())
    } else {
        Err(Denial::expired_secret(&application.client_id))
    }
}
