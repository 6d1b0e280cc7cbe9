//! Who calls a vault: the challenge, and the check of the token.

use std::sync::Arc;

use http::header;

use super::{claims, errors};
use crate::{
    app::App,
    entra::signing::Verified,
    stack::VaultFace,
    wire::{call::Call, reply::Reply},
    world::{moment::Moment, spec::VaultSpec},
};

/// Key Vault's own application id, which also stands for the audience.
const KEY_VAULT_APPLICATION: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";

/// The verified token of a call, or the 401 that it gets.
pub(crate) fn authenticate(
    app: &App,
    call: &Call,
    vault: &VaultSpec,
    now: Moment,
) -> Result<Arc<Verified>, Box<Reply>> {
    let face = VaultFace::of(app, call, vault);
    let refuse = |message: &str| Box::new(challenge(&face, message, None));
    let Some(token) = call.header(header::AUTHORIZATION.as_str()).and_then(bearer) else {
        return Err(refuse(
            "AKV10000: Request is missing a Bearer or PoP token.",
        ));
    };
    let Some(verified) = app.signer.verify(token) else {
        return Err(refuse(
            "AKV10046: Unable to resolve the key used for signature validation.",
        ));
    };
    let audience = &face.audience;
    let given = verified.audience.trim_end_matches('/');
    let by_application = vault.stack.is_none() && given == KEY_VAULT_APPLICATION;
    if !given.eq_ignore_ascii_case(audience) && !by_application {
        return Err(refuse(&format!(
            "AKV10022: Invalid audience. Expected {audience}, found: {}.",
            verified.audience
        )));
    }
    let issuer = &face.issuer;
    if verified.issuer != *issuer {
        return Err(refuse(&format!(
            "AKV10032: Invalid issuer. Expected one of {issuer}, found {}.",
            verified.issuer
        )));
    }
    if verified.expires <= now.seconds() {
        return Err(Box::new(expired(&face)));
    }
    if verified.not_before > now.seconds() {
        return Err(refuse(
            "[TokenNotYetValid] Error validating token: 'S2S12087'.",
        ));
    }
    Ok(verified)
}

/// The 401 of a token whose time is over.
pub(crate) fn expired(face: &VaultFace) -> Reply {
    let message = "[TokenExpired] Error validating token: 'S2S12086'.";
    challenge(
        face,
        message,
        Some("error=\"invalid_token\", error_description=\"The token expired\""),
    )
}

/// The 401 of a token that was not made for the wanted claims. The text is as the service's own clients have it.
pub(crate) fn insufficient_claims(face: &VaultFace, wanted: &str) -> Reply {
    let message = "AKV10163: Continuous access evaluation resulted in claims challenge with result: \
                   InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp.";
    challenge(face, message, Some(&claims::parameters(wanted)))
}

/// A 401 that points to the given places.
pub(crate) fn challenge_to(
    authorization: &str,
    resource: &str,
    message: &str,
    more: Option<&str>,
) -> Reply {
    let more = more.map(|more| format!(", {more}")).unwrap_or_default();
    let value = format!("Bearer authorization=\"{authorization}\", resource=\"{resource}\"{more}");
    errors::unauthorized(message).with(header::WWW_AUTHENTICATE, &value)
}

fn challenge(face: &VaultFace, message: &str, more: Option<&str>) -> Reply {
    challenge_to(&face.authority, &face.audience, message, more)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
