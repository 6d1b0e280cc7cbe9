//! Who calls the resource manager: the check of the token.

use std::sync::Arc;

use http::{StatusCode, header};

use super::errors;
use crate::{
    app::App,
    entra::signing::{Verified, issuer},
    wire::{call::Call, reply::Reply},
    world::{
        failure::Failure,
        stack::{IdentityProvider, StackSpec},
    },
};

/// The verified token of a call, or the 401 that it gets.
pub(super) fn authenticate(
    app: &App,
    call: &Call,
    stack: Option<&StackSpec>,
) -> Result<Arc<Verified>, Box<Reply>> {
    let token = call
        .header(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let refuse = |code: &str, message: &str| unauthorized(app, None, code, message);
    let Some(token) = token else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(refuse("AuthenticationFailed", message));
    };
    let Some(verified) = app.signer.verify(token) else {
        return Err(refuse(
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        ));
    };
    let audiences = match stack {
        None => app.names.management_audiences(),
        Some(stack) => {
            let [management, _] = app.world.read().stack_audiences(stack, &app.names.suffix);
            vec![management]
        }
    };
    let given = verified.audience.trim_end_matches('/');
    let fits = |one: &String| one.trim_end_matches('/').eq_ignore_ascii_case(given);
    if !audiences.iter().any(fits) {
        let message = format!(
            "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one \
             of the allowed audiences '{}'.",
            verified.audience,
            audiences.join("','")
        );
        return Err(refuse("InvalidAuthenticationTokenAudience", &message));
    }
    if !(verified.not_before..verified.expires).contains(&app.now().seconds()) {
        return Err(expired(app));
    }
    Ok(verified)
}

/// The 401 of a token whose time is over.
pub(super) fn expired(app: &App) -> Box<Reply> {
    let message = "The access token expiry is in the past, or it is not valid yet.";
    unauthorized(app, None, "ExpiredAuthenticationToken", message)
}

/// The issuer whose tokens a tenant's subscriptions take.
pub(super) fn trusted_issuer(app: &App, stack: Option<&StackSpec>, tenant: &str) -> String {
    match stack {
        Some(stack) if stack.identity_provider == IdentityProvider::Adfs => {
            stack.adfs_token_issuer(&app.names.suffix)
        }
        _ => issuer(&tenant.to_ascii_lowercase()),
    }
}

/// The 401 of a token that another tenant gave.
pub(super) fn foreign(app: &App, given: &str, wanted: &str, tenant: &str) -> Box<Reply> {
    let message = format!(
        "The access token is from the wrong issuer '{given}'. It must match the tenant '{wanted}' associated with this \
         subscription. Please use the authority (URL) 'https://login.windows.net/{tenant}' to get the token. Note, if \
         the subscription is transferred to another tenant there is no impact to the services, but information about \
         new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see \
         this error message, please try back later."
    );
    unauthorized(
        app,
        Some(tenant),
        "InvalidAuthenticationTokenTenant",
        &message,
    )
}

fn unauthorized(app: &App, tenant: Option<&str>, code: &str, message: &str) -> Box<Reply> {
    let challenge = format!(
        "Bearer authorization_uri=\"{}://{}/{}\", error=\"invalid_token\", error_description=\"{message}\"",
        app.names.scheme,
        app.names.login(),
        tenant.unwrap_or_default(),
    );
    let failure = Failure::gateway(StatusCode::UNAUTHORIZED.as_u16(), code, message);
    Box::new(errors::reply(&failure).with(header::WWW_AUTHENTICATE, &challenge))
}
