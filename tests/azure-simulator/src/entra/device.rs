//! The device code grant (RFC 8628, and v1's older form of it). The person's side is the admin API's.

use http::StatusCode;
use serde_json::json;

use super::{
    Version,
    client::Client,
    errors::Denial,
    form::{Ask, Form, is_any_tenant},
    resource::Wanted,
    sessions::{Device, DeviceState, new_user_code},
    user::{named_or, signed_in},
};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, reply::Reply},
    world::World,
};

/// Where a person types the user code in, at Entra.
const ENTRA_PAGE: &str = "https://microsoft.com/devicelogin";

/// Answers a request for a device code.
pub(crate) fn start(
    app: &App,
    call: &Call,
    tenant: &str,
    version: Version,
) -> Result<Outcome, Denial> {
    let form = Form::of(call);
    let ask = Ask {
        app,
        form: &form,
        tenant,
        version,
        now: app.now(),
    };
    let client_id = form.client_id()?;
    refuse_unknown(&app.world.read(), tenant, client_id)?;
    let wanted = Wanted::by_user(&ask, None)?;
    let settings = app.settings();
    let user_code = new_user_code();
    let life = settings.device_code_lifetime_seconds;
    let device_code = app.sessions.new_device(Device {
        user_code: user_code.clone(),
        tenant: tenant.to_owned(),
        client_id: client_id.to_owned(),
        wanted,
        expires: ask.now.seconds() + life,
        state: DeviceState::Pending,
    });
    let interval = settings.device_code_interval_seconds;
    let page = match version {
        Version::V1 | Version::V2 => ENTRA_PAGE.to_owned(),
        Version::Adfs => format!("{}/adfs/oauth2/deviceauth", call.route.base),
    };
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
    );
    let common = json!({"user_code": user_code, "device_code": device_code, "message": message});
    let of_version = match version {
        Version::V2 => json!({"verification_uri": page, "expires_in": life, "interval": interval}),
        // Numbers are strings there.
        Version::V1 => json!({
            "verification_url": page,
            "expires_in": life.to_string(),
            "interval": interval.to_string(),
        }),
        Version::Adfs => json!({
            "verification_uri": page,
            "verification_url": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": life,
            "interval": interval,
        }),
    };
    let mut body = super::token::object(common);
    body.extend(super::token::object(of_version));
    Ok(Reply::json(StatusCode::OK, &body).into())
}

fn refuse_unknown(world: &World, tenant: &str, client_id: &str) -> Result<(), Denial> {
    if !is_any_tenant(tenant) {
        return Client::find(world, tenant, client_id).map(|_| ());
    }
    let key = client_id.to_ascii_lowercase();
    let mut tenants = world.tenants.values();
    if tenants.any(|tenant| tenant.applications.contains_key(&key)) {
        Ok(())
    } else {
        Err(Denial::unknown_application(client_id, "Microsoft"))
    }
}

/// Answers a poll.
pub(crate) async fn redeem(ask: &Ask<'_>) -> Result<Outcome, Denial> {
    let client_id = ask.form.client_id()?;
    let field = match ask.version {
        // ADAL speaks v1's form to ADFS as well.
        Version::V1 | Version::Adfs if ask.form.get("code").is_some() => "code",
        Version::V1 => "code",
        Version::V2 | Version::Adfs => "device_code",
    };
    let code = ask.form.need(field)?;
    let sessions = &ask.app.sessions;
    let device = sessions
        .device(code)
        .filter(|device| device.client_id.eq_ignore_ascii_case(client_id))
        .ok_or_else(Denial::bad_device_code)?;
    let (tenant_id, username) = match &device.state {
        DeviceState::Redeemed => return Err(Denial::device_code_redeemed()),
        DeviceState::Expired => return Err(Denial::device_code_expired(ask.version)),
        _ if device.expires <= ask.now.seconds() => {
            return Err(Denial::device_code_expired(ask.version));
        }
        DeviceState::Pending => return Err(Denial::authorization_pending()),
        DeviceState::Declined => return Err(Denial::authorization_declined()),
        DeviceState::Approved {
            tenant_id,
            username,
        } => (tenant_id, username),
    };
    let (client, user) = {
        let world = ask.app.world.read();
        let tenant = named_or(&world, ask.tenant, tenant_id)?;
        if tenant.id != *tenant_id {
            return Err(Denial::unknown_user(tenant.shown_name()));
        }
        (Client::of(tenant, client_id)?, tenant.user(username))
    };
    let proof = client.prove_for_user(ask).await?;
    let user = user.ok_or_else(|| Denial::unknown_user(&client.tenant_name))?;
    device.wanted.check(ask, &client)?;
    if !sessions.redeem(code) {
        return Err(Denial::device_code_redeemed());
    }
    signed_in(ask, &client, proof, &device.wanted, &user)
}

/// What a person does with a user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// Signs in and agrees; second factors are taken as given.
    Approve,
    Decline,
    /// Does nothing for too long.
    Expire,
}

/// Plays the person at the device page. The error says what is wrong with the call.
pub(crate) fn decide(
    app: &App,
    user_code: &str,
    username: &str,
    action: Action,
) -> Result<(), String> {
    let device = app
        .sessions
        .device_by_user_code(user_code)
        .ok_or_else(|| format!("there is no user code {user_code}"))?;
    let state = match action {
        Action::Decline => DeviceState::Declined,
        Action::Expire => DeviceState::Expired,
        Action::Approve => {
            let world = app.world.read();
            let tenant = if is_any_tenant(&device.tenant) {
                world.home_of(username)
            } else {
                world.tenant(&device.tenant)
            };
            let user = tenant.and_then(|tenant| tenant.user(username));
            let (Some(tenant), Some(user)) = (tenant, user) else {
                return Err(format!(
                    "the tenant {} has no user {username:?}",
                    device.tenant
                ));
            };
            DeviceState::Approved {
                tenant_id: tenant.id.clone(),
                username: user.username.clone(),
            }
        }
    };
    if app.sessions.decide(user_code, state) {
        Ok(())
    } else {
        Err(format!("the user code {user_code} is decided already"))
    }
}
