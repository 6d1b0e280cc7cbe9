//! Grants in a user's name: username and password (ROPC), and the refresh token.

use std::sync::Arc;

use super::{
    client::Client,
    errors::Denial,
    form::{Ask, is_any_tenant},
    resource::Wanted,
    sessions::{REFRESH_LIFE_SECONDS, Session},
    signing::Proof,
    token::{SignedIn, issue},
};
use crate::{
    wire::exchange::Outcome,
    world::{
        World,
        tenant::{Tenant, User},
    },
};

/// The grant `password`.
pub(crate) async fn by_password(ask: &Ask<'_>) -> Result<Outcome, Denial> {
    let client_id = ask.form.client_id()?;
    let username = ask.form.need("username")?;
    let password = ask.form.need("password")?;
    let (client, user) = {
        let world = ask.app.world.read();
        let tenant = tenant_of_user(&world, ask.tenant, username)?;
        // The application is looked for first: its absence is told whoever signs in.
        (Client::of(tenant, client_id)?, tenant.user(username))
    };
    let proof = client.prove_for_user(ask).await?;
    let wanted = Wanted::by_user(ask, None)?;
    let user = user.ok_or_else(|| Denial::unknown_user(&client.tenant_name))?;
    if !user.password.is(password) {
        return Err(Denial::wrong_password());
    }
    if !client.application.password_grant {
        return Err(Denial::blocked_by_policy());
    }
    if user.mfa {
        return Err(Denial::more_factors(&wanted.audience));
    }
    signed_in(ask, &client, proof, &wanted, &user)
}

/// The grant `refresh_token`.
pub(crate) async fn by_refresh_token(ask: &Ask<'_>) -> Result<Outcome, Denial> {
    let client_id = ask.form.client_id()?;
    let token = ask.form.need("refresh_token")?;
    let session = ask
        .app
        .sessions
        .session(token)
        .ok_or_else(Denial::unknown_refresh_token)?;
    let (client, user) = {
        let world = ask.app.world.read();
        let tenant = named_or(&world, ask.tenant, &session.tenant_id)?;
        if tenant.id != session.tenant_id {
            return Err(Denial::unknown_user(tenant.shown_name()));
        }
        (
            Client::of(tenant, client_id)?,
            tenant.user(&session.username),
        )
    };
    let proof = client.prove_for_user(ask).await?;
    if !session.client_id.eq_ignore_ascii_case(client_id) {
        return Err(Denial::malformed_grant());
    }
    let user = user.ok_or_else(|| Denial::unknown_user(&client.tenant_name))?;
    if ask.now.seconds() - session.issued.seconds() >= REFRESH_LIFE_SECONDS {
        return Err(Denial::expired_refresh_token(session.issued));
    }
    if user.password != session.password {
        return Err(Denial::revoked_refresh_token());
    }
    let mut wanted = Wanted::by_user(ask, Some(&session.wanted))?;
    // A refresh token is followed by the next, whether its scope is said again or not.
    wanted.offline = true;
    signed_in(ask, &client, proof, &wanted, &user)
}

/// Ends a sign-in: the tokens, with a refresh token when one was asked for.
pub(crate) fn signed_in(
    ask: &Ask<'_>,
    client: &Client,
    proof: Proof,
    wanted: &Wanted,
    user: &Arc<User>,
) -> Result<Outcome, Denial> {
    wanted.check(ask, client)?;
    let refresh_token = wanted.offline.then(|| {
        ask.app.sessions.new_refresh_token(Session {
            tenant_id: client.tenant_id.clone(),
            client_id: client.application.client_id.clone(),
            username: user.username.clone(),
            password: user.password.clone(),
            wanted: wanted.clone(),
            issued: ask.now,
        })
    });
    let signed_in = SignedIn {
        user,
        refresh_token: refresh_token.as_deref(),
    };
    issue(ask, client, proof, wanted, Some(signed_in))
}

/// The tenant that the path names, or the user's own when the path leaves it open.
fn tenant_of_user<'a>(
    world: &'a World,
    tenant: &str,
    username: &str,
) -> Result<&'a Tenant, Denial> {
    if is_any_tenant(tenant) {
        return world.home_of(username).ok_or_else(|| {
            let domain = username
                .rsplit_once('@')
                .map_or(tenant, |(_, domain)| domain);
            Denial::unknown_user(domain)
        });
    }
    world
        .tenant(tenant)
        .ok_or_else(|| Denial::unknown_tenant(tenant, false))
}

/// The tenant that the path names, or the given one when the path leaves it open.
pub(crate) fn named_or<'a>(
    world: &'a World,
    tenant: &str,
    own: &str,
) -> Result<&'a Tenant, Denial> {
    let name = if is_any_tenant(tenant) { own } else { tenant };
    world
        .tenant(name)
        .ok_or_else(|| Denial::unknown_tenant(name, false))
}
