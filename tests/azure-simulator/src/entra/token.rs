//! The token endpoints: which grant, and what comes back.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    Version, adfs,
    client::Client,
    device,
    errors::Denial,
    form::{Ask, Form},
    resource::Wanted,
    signing::{Grant, Proof},
    user,
};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, journal::Principal, reply::Reply},
    world::{settings::Settings, tenant::User},
};

/// Life of a token for a client that takes claims challenges: a day less the second that went by
/// (<https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation>: up to 28 h).
const LONG_LIFE_SECONDS: i64 = 86_400;

/// Answers a request to a token endpoint.
pub(crate) async fn answer(
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
    match form.need("grant_type")? {
        "client_credentials" => by_application(&ask).await,
        "password" => user::by_password(&ask).await,
        "refresh_token" => user::by_refresh_token(&ask).await,
        // The short name is v1's.
        "device_code" | "urn:ietf:params:oauth:grant-type:device_code" => {
            device::redeem(&ask).await
        }
        other => Err(Denial::unsupported_grant(other)),
    }
}

async fn by_application(ask: &Ask<'_>) -> Result<Outcome, Denial> {
    let client = Client::find(&ask.app.world.read(), ask.tenant, ask.form.client_id()?)?;
    let proof = client.prove(ask).await?;
    let wanted = Wanted::by_application(ask)?;
    issue(ask, &client, proof, &wanted, None)
}

/// A user who signed in, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedIn<'a> {
    pub(crate) user: &'a User,
    /// What goes with the access token.
    pub(crate) refresh_token: Option<&'a str>,
}

/// Makes the token, and the reply of the endpoint's generation.
pub(crate) fn issue(
    ask: &Ask<'_>,
    client: &Client,
    proof: Proof,
    wanted: &Wanted,
    signed_in: Option<SignedIn<'_>>,
) -> Result<Outcome, Denial> {
    wanted.check(ask, client)?;
    let application = &client.application;
    let requested = ask.form.claims()?;
    let lifetime_seconds = lifetime(ask.app.settings(), requested.as_ref());
    let principal = Arc::new(Principal {
        tenant_id: client.tenant_id.clone(),
        client_id: application.client_id.clone(),
        object_id: signed_in.map_or_else(
            || application.object_id.clone(),
            |signed_in| signed_in.user.object_id.clone(),
        ),
    });
    let mut more = of_stack(ask, client, proof);
    if let Some(signed_in) = signed_in {
        more.extend(of_user(signed_in.user, client, wanted));
    }
    more.extend(of_request(requested));
    let grant = Grant {
        audience: &wanted.audience,
        principal: &principal,
        proof,
        lifetime_seconds,
        more,
    };
    let failed = |error: anyhow::Error| Denial::server(&error.to_string());
    let signer = &ask.app.signer;
    let access_token = signer.issue(&grant, ask.now).map_err(failed)?;
    let mut body = times(ask, &wanted.audience, lifetime_seconds);
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("access_token", json!(access_token));
    if let Some(signed_in) = signed_in {
        let scope = match ask.version {
            Version::V1 | Version::V2 => wanted.granted(),
            Version::Adfs => "openid".to_owned(),
        };
        put("scope", json!(scope));
        if let Some(token) = signed_in.refresh_token {
            put("refresh_token", json!(token));
        }
        if wanted.openid {
            let claims = id_claims(ask, signed_in.user, client, lifetime_seconds);
            put("id_token", json!(signer.sign(&claims).map_err(failed)?));
        }
        if ask.version == Version::V2 && ask.form.get("client_info") == Some("1") {
            put(
                "client_info",
                json!(signed_in.user.client_info(&client.tenant_id)),
            );
        }
    }
    Ok(Outcome {
        reply: Reply::json(StatusCode::OK, &body),
        principal: Some(principal),
    })
}

/// Type and times. v1 writes its numbers as strings, and ADFS its type in small letters.
fn times(ask: &Ask<'_>, audience: &str, lifetime_seconds: i64) -> Map<String, Value> {
    let (left, now) = (lifetime_seconds - 1, ask.now.seconds());
    let body = match ask.version {
        Version::V2 => json!({"token_type": "Bearer", "expires_in": left, "ext_expires_in": left}),
        Version::V1 => json!({
            "token_type": "Bearer",
            "expires_in": left.to_string(),
            "ext_expires_in": left.to_string(),
            "expires_on": (now + lifetime_seconds).to_string(),
            "not_before": now.to_string(),
            "resource": audience,
        }),
        Version::Adfs => {
            json!({"token_type": "bearer", "expires_in": lifetime_seconds, "resource": audience})
        }
    };
    object(body)
}

/// A client that takes claims challenges gets a token of a day, unless a test has set another life than Azure's.
fn lifetime(settings: Settings, requested: Option<&Value>) -> i64 {
    let usual = Settings::default().token_lifetime_seconds;
    if settings.token_lifetime_seconds == usual && requested.is_some_and(takes_challenges) {
        LONG_LIFE_SECONDS
    } else {
        settings.token_lifetime_seconds
    }
}

/// Whether the claims request has the capability CP1
/// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
fn takes_challenges(requested: &Value) -> bool {
    let values = requested.pointer("/access_token/xms_cc/values");
    values.and_then(Value::as_array).is_some_and(|values| {
        values
            .iter()
            .filter_map(Value::as_str)
            .any(|value| value.eq_ignore_ascii_case("CP1"))
    })
}

/// What a claims request leaves in the token: the capability, as in Entra, and the request itself, which is the
/// simulator's own mark of a challenge that was met.
fn of_request(requested: Option<Value>) -> Map<String, Value> {
    let Some(requested) = requested else {
        return Map::new();
    };
    let mut claims = Map::new();
    if takes_challenges(&requested) {
        claims.insert("xms_cc".to_owned(), json!(["CP1"]));
    }
    claims.insert("xms_sim_claims".to_owned(), requested);
    claims
}

/// What a stack's own federation service says otherwise.
fn of_stack(ask: &Ask<'_>, client: &Client, proof: Proof) -> Map<String, Value> {
    match ask.version {
        Version::V1 | Version::V2 => Map::new(),
        Version::Adfs => {
            let issuer = adfs::token_issuer(ask.app, &client.tenant_id);
            let kind = match proof {
                Proof::Public => "Public",
                Proof::Secret | Proof::Assertion => "Confidential",
            };
            object(json!({"iss": issuer, "idp": issuer, "apptype": kind}))
        }
    }
}

fn of_user(user: &User, client: &Client, wanted: &Wanted) -> Map<String, Value> {
    let permissions: Vec<&str> = wanted
        .scopes
        .iter()
        .map(|scope| {
            scope
                .rsplit_once('/')
                .map_or(scope.as_str(), |(_, last)| last)
        })
        .filter(|permission| *permission != ".default")
        .collect();
    object(json!({
        "acr": "1",
        "amr": ["pwd"],
        "name": user.name(),
        "scp": permissions.join(" "),
        "sub": user.pairwise_id(&client.application.client_id),
        "unique_name": user.username,
        "upn": user.username,
    }))
}

/// The id token's claims.
fn id_claims(ask: &Ask<'_>, user: &User, client: &Client, lifetime_seconds: i64) -> Value {
    let now = ask.now.seconds();
    let names = &ask.app.names;
    let mut claims = object(json!({
        "aud": client.application.client_id,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_seconds,
        "name": user.name(),
        "oid": user.object_id,
        "sub": user.pairwise_id(&client.application.client_id),
        "tid": client.tenant_id,
    }));
    let of_version = match ask.version {
        Version::V2 => json!({
            "iss": format!("{}://{}/{}/v2.0", names.scheme, names.login(), client.tenant_id),
            "preferred_username": user.username,
            "ver": "2.0",
        }),
        Version::V1 => json!({
            "iss": super::signing::issuer(&client.tenant_id),
            "unique_name": user.username,
            "upn": user.username,
            "ver": "1.0",
        }),
        Version::Adfs => json!({
            "iss": adfs::issuer(ask.app, &client.tenant_id),
            "unique_name": user.username,
            "upn": user.username,
        }),
    };
    claims.extend(object(of_version));
    Value::Object(claims)
}

/// The members of an object that was just written.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
