//! The token endpoints: the client-credentials grant by secret, certificate or federated credential.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::json;

use super::{
    Version,
    assertion::Assertion,
    errors::Denial,
    federation,
    signing::{Grant, Proof},
};
use crate::{
    app::App,
    wire::{
        call::{Call, pairs},
        exchange::Outcome,
        journal::Principal,
        reply::Reply,
    },
    world::{World, moment::Moment, stack::IdentityProvider, tenant::Application},
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the form says; HTTP Basic may give id and secret in its place.
#[derive(Debug)]
struct Form {
    fields: Vec<(String, String)>,
    basic: Option<(String, String)>,
}

impl Form {
    fn of(call: &Call) -> Self {
        Self {
            fields: pairs(&call.body),
            basic: call.header("authorization").and_then(basic),
        }
    }

    /// A field that is there and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, Denial> {
        self.get(name)
            .ok_or_else(|| Denial::missing_parameter(name))
    }

    fn client_id(&self) -> Result<&str, Denial> {
        match &self.basic {
            Some((id, _)) => Ok(id),
            None => self.need("client_id"),
        }
    }

    fn secret(&self) -> Option<&str> {
        self.get("client_secret")
            .or_else(|| self.basic.as_ref().map(|(_, secret)| secret.as_str()))
    }
}

/// Id and secret of an HTTP Basic header; each part is form-encoded before it is joined (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        pairs(format!("x={part}").as_bytes())
            .into_iter()
            .next()
            .map(|(_, value)| value)
    };
    Some((decoded(id)?, decoded(secret)?))
}

/// Who asks, found in the world.
struct Client {
    tenant_id: String,
    /// Domain name or id, for error texts.
    tenant_name: String,
    application: Arc<Application>,
}

/// Answers a request to a token endpoint.
pub(crate) async fn answer(
    app: &App,
    call: &Call,
    tenant: &str,
    version: Version,
) -> Result<Outcome, Denial> {
    let form = Form::of(call);
    let grant_type = form.need("grant_type")?;
    if grant_type != "client_credentials" {
        return Err(Denial::unsupported_grant(grant_type));
    }
    let now = app.now();
    let client_id = form.client_id()?;
    let client = find_client(&app.world.read(), tenant, client_id)?;
    let proof = prove(app, &form, &client, tenant, now).await?;
    let audience = audience(app, &form, version, &client)?;
    let lifetime_seconds = app.settings().token_lifetime_seconds;
    let principal = Arc::new(Principal {
        tenant_id: client.tenant_id,
        client_id: client.application.client_id.clone(),
        object_id: client.application.object_id.clone(),
    });
    let grant = Grant {
        audience: &audience,
        principal: &principal,
        proof,
        lifetime_seconds,
        managed_identity: None,
    };
    let token = app
        .signer
        .issue(&grant, now)
        .map_err(|error| Denial::server(&error.to_string()))?;
    let reply = success(version, &audience, &token, lifetime_seconds, now);
    Ok(Outcome {
        reply,
        principal: Some(principal),
    })
}

fn find_client(world: &World, tenant: &str, client_id: &str) -> Result<Client, Denial> {
    if ["common", "organizations", "consumers"].contains(&tenant) {
        return Err(Denial::no_tenant());
    }
    let found = world
        .tenant(tenant)
        .ok_or_else(|| Denial::unknown_tenant(tenant, false))?;
    let tenant_name = found.name.clone().unwrap_or_else(|| found.id.clone());
    let application = found
        .applications
        .get(&client_id.to_ascii_lowercase())
        .ok_or_else(|| Denial::unknown_application(client_id, &tenant_name))?;
    Ok(Client {
        tenant_id: found.id.clone(),
        tenant_name,
        application: Arc::clone(application),
    })
}

/// Checks whichever credential was given.
async fn prove(
    app: &App,
    form: &Form,
    client: &Client,
    tenant: &str,
    now: Moment,
) -> Result<Proof, Denial> {
    if let Some(text) = form.get("client_assertion") {
        let kind = form.need("client_assertion_type")?;
        if kind != ASSERTION_TYPE {
            return Err(Denial::wrong_assertion_type(kind));
        }
        let assertion = Assertion::parse(text)?;
        let application = &client.application;
        if assertion
            .claims
            .iss
            .eq_ignore_ascii_case(&application.client_id)
        {
            let accepts = |audience: &str| is_token_endpoint(audience, tenant, client);
            assertion.check_certificate(application, accepts, now)?;
        } else {
            federation::check_match(&application.federated, &assertion)?;
            app.issuers.check_signature(&assertion, now).await?;
        }
        return Ok(Proof::Assertion);
    }
    let secret = form.secret().ok_or_else(Denial::no_credential)?;
    check_secret(&client.application, secret, now)?;
    Ok(Proof::Secret)
}

fn check_secret(application: &Application, given: &str, now: Moment) -> Result<(), Denial> {
    let same = |value: &str| {
        aws_lc_rs::constant_time::verify_slices_are_equal(value.as_bytes(), given.as_bytes())
            .is_ok()
    };
    let mut matching = application
        .secrets
        .iter()
        .filter(|secret| same(&secret.value.0))
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

/// Whether an assertion's audience is a form of this tenant's token endpoint, whatever name the server goes by.
fn is_token_endpoint(audience: &str, tenant: &str, client: &Client) -> bool {
    let Ok(url) = url::Url::parse(audience) else {
        return false;
    };
    let path = url.path().trim_end_matches('/');
    let tenants = [
        tenant,
        client.tenant_id.as_str(),
        client.tenant_name.as_str(),
    ];
    ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", ""]
        .iter()
        .any(|ending| {
            path.strip_suffix(ending)
                .and_then(|rest| rest.rsplit('/').next())
                .is_some_and(|last| tenants.iter().any(|name| name.eq_ignore_ascii_case(last)))
        })
}

/// The resource that the token is for: of v1's `resource`, or v2's `scope` without its `/.default`.
fn audience(app: &App, form: &Form, version: Version, client: &Client) -> Result<String, Denial> {
    let resource = match version {
        Version::V1 => form.need("resource")?.to_owned(),
        Version::V2 => {
            let scope = form.get("scope").ok_or_else(|| Denial::scope(""))?;
            let words: Vec<&str> = scope.split_whitespace().collect();
            let [word] = words.as_slice() else {
                return Err(Denial::scope(scope));
            };
            word.strip_suffix("/.default")
                .filter(|rest| !rest.is_empty())
                .ok_or_else(|| Denial::scope(word))?
                .to_owned()
        }
    };
    let bare = resource.trim_end_matches('/');
    let suffix = &app.names.suffix;
    let known = [
        app.names.vault_audience(),
        format!("https://{}", app.names.management()),
        format!("https://storage.{suffix}"),
        format!("https://graph.{suffix}"),
    ];
    // A stack behind Entra is an application of its tenant's.
    let of_stack = |name: &str| {
        let world = app.world.read();
        world
            .stacks
            .values()
            .filter(|stack| {
                stack.identity_provider == IdentityProvider::Aad
                    && stack.tenant_id.eq_ignore_ascii_case(&client.tenant_id)
            })
            .flat_map(|stack| world.stack_audiences(stack, suffix))
            .any(|audience| audience.eq_ignore_ascii_case(name))
    };
    let of_application = |name: &str| {
        let id = name
            .strip_prefix("api://")
            .unwrap_or(name)
            .to_ascii_lowercase();
        app.world
            .read()
            .tenant(&client.tenant_id)
            .is_some_and(|tenant| tenant.applications.contains_key(&id))
    };
    if known.iter().any(|name| name.eq_ignore_ascii_case(bare))
        || of_stack(bare)
        || of_application(bare)
    {
        Ok(resource)
    } else {
        Err(Denial::unknown_resource(&resource, &client.tenant_name))
    }
}

/// v1 writes its numbers as strings.
fn success(
    version: Version,
    audience: &str,
    token: &str,
    lifetime_seconds: i64,
    now: Moment,
) -> Reply {
    let left = lifetime_seconds - 1;
    let body = match version {
        Version::V2 => {
            json!({"token_type": "Bearer", "expires_in": left, "ext_expires_in": left, "access_token": token})
        }
        Version::V1 => json!({
            "token_type": "Bearer",
            "expires_in": left.to_string(),
            "ext_expires_in": left.to_string(),
            "expires_on": (now.seconds() + lifetime_seconds).to_string(),
            "not_before": now.seconds().to_string(),
            "resource": audience,
            "access_token": token,
        }),
    };
    Reply::json(StatusCode::OK, &body)
}
