//! How a vault presents itself: its host, the audience and issuer of its tokens, and where its challenge points. A
//! vault of a stack differs from Azure's in all of these.

use http::StatusCode;

use crate::{
    app::App,
    entra::signing,
    key_vault::errors,
    wire::{call::Call, reply::Reply},
    world::{
        spec::VaultSpec,
        stack::{IdentityProvider, StackSpec},
    },
};

/// The one version of the data plane on Azure Stack Hub.
const STACK_API_VERSION: &str = "2016-10-01";

/// What is particular to a vault's cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultFace {
    /// Audience of its tokens, without a slash at the end.
    pub(crate) audience: String,
    /// Issuer of its tokens.
    pub(crate) issuer: String,
    /// Where its challenge points.
    pub(crate) authority: String,
}

impl VaultFace {
    pub(crate) fn of(app: &App, call: &Call, vault: &VaultSpec) -> Self {
        let names = &app.names;
        let tenant = vault.tenant_id.to_ascii_lowercase();
        let stack = vault
            .stack
            .as_deref()
            .and_then(|region| app.world.read().stack(region).cloned());
        match stack {
            None => Self {
                audience: names.vault_audience(),
                issuer: signing::issuer(&tenant),
                authority: format!("{}://{}/{}", names.scheme, names.login(), vault.tenant_id),
            },
            Some(stack) => Self::on_stack(app, call, &stack, &tenant),
        }
    }

    fn on_stack(app: &App, call: &Call, stack: &StackSpec, tenant: &str) -> Self {
        let names = &app.names;
        let suffix = &names.suffix;
        let [_, audience] = app.world.read().stack_audiences(stack, suffix);
        let beside = |host: &str| call.route.beside(names.scheme, host);
        match stack.identity_provider {
            IdentityProvider::Aad => Self {
                audience,
                issuer: signing::issuer(tenant),
                authority: format!("{}/{tenant}", beside(&names.login())),
            },
            IdentityProvider::Adfs => Self {
                audience,
                issuer: stack.adfs_token_issuer(suffix),
                authority: format!("{}/adfs", beside(&stack.adfs_host(suffix))),
            },
        }
    }
}

/// The answer of a stack's vault to another api-version than its own. Code and text are the resource manager's: what
/// the data plane says is not known.
pub(crate) fn refused_api_version(call: &Call, region: &str) -> Option<Reply> {
    let given = call.query("api-version").unwrap_or_default();
    if given == STACK_API_VERSION {
        return None;
    }
    let message = format!(
        "No registered resource provider found for location '{region}' and API version '{given}' for type 'vaults'. The \
         supported api-versions are '{STACK_API_VERSION}'."
    );
    Some(errors::reply(
        StatusCode::BAD_REQUEST,
        "NoRegisteredProviderFound",
        &message,
        None,
    ))
}
