//! What a token is asked for: v1's `resource`, or v2's `scope`.

use super::{Version, client::Client, errors::Denial, form::Ask};
use crate::{
    app::App,
    world::stack::{IdentityProvider, StackSpec},
};

/// Words of a scope that are OpenID's and name no resource.
const OPENID_WORDS: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// What a user lets a client do, for all resources here.
const PERMISSION: &str = "user_impersonation";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// As it was written: a trailing slash stays in the token's `aud`.
    pub(crate) audience: String,
    /// Permissions of the resource, in full.
    pub(crate) scopes: Vec<String>,
    /// An id token, too.
    pub(crate) openid: bool,
    /// A refresh token, too.
    pub(crate) offline: bool,
}

impl Wanted {
    /// For an application itself: a resource, or the one scope `<resource>/.default`. OpenID's words change nothing.
    pub(crate) fn by_application(ask: &Ask<'_>) -> Result<Self, Denial> {
        let resource = ask.form.get("resource");
        let audience = match (ask.version, resource) {
            (Version::V1, None) => return Err(Denial::missing_parameter("resource")),
            (Version::V1 | Version::Adfs, Some(resource)) => resource.to_owned(),
            (Version::V2, _) | (Version::Adfs, None) => {
                let scope = ask.form.get("scope").ok_or_else(|| Denial::scope(""))?;
                let words: Vec<&str> = resource_words(scope).collect();
                let [word] = words.as_slice() else {
                    return Err(Denial::scope(scope));
                };
                word.strip_suffix("/.default")
                    .filter(|rest| !rest.is_empty())
                    .ok_or_else(|| Denial::scope(word))?
                    .to_owned()
            }
        };
        Ok(Self {
            audience,
            scopes: Vec::new(),
            openid: false,
            offline: false,
        })
    }

    /// For a user. What is left out is as `before`, the grant that is renewed, or else Graph, as in Entra.
    pub(crate) fn by_user(ask: &Ask<'_>, before: Option<&Self>) -> Result<Self, Denial> {
        let scope = ask.form.get("scope").unwrap_or_default();
        let named = |word: &str| scope.split_whitespace().any(|one| one == word);
        let resource = ask.form.get("resource");
        match (ask.version, resource, before) {
            (Version::V1 | Version::Adfs, Some(resource), _) => Ok(Self {
                audience: resource.to_owned(),
                scopes: vec![PERMISSION.to_owned()],
                openid: named("openid"),
                offline: true,
            }),
            (Version::V1, None, Some(before)) => Ok(Self {
                openid: before.openid || named("openid"),
                ..before.clone()
            }),
            (_, _, Some(before)) if scope.is_empty() => Ok(before.clone()),
            (version, _, _) => {
                let (audience, scopes) = parse_scopes(ask.app, scope)?;
                Ok(Self {
                    audience,
                    scopes,
                    openid: named("openid"),
                    offline: named("offline_access") || version != Version::V2,
                })
            }
        }
    }

    /// The reply's `scope`.
    pub(crate) fn granted(&self) -> String {
        self.scopes.join(" ")
    }

    /// Refuses an audience that is nobody's in the tenant.
    pub(crate) fn check(&self, ask: &Ask<'_>, client: &Client) -> Result<(), Denial> {
        let bare = self.audience.trim_end_matches('/');
        let names = &ask.app.names;
        let world = ask.app.world.read();
        let provider = match ask.version {
            Version::V1 | Version::V2 => IdentityProvider::Aad,
            Version::Adfs => IdentityProvider::Adfs,
        };
        let is_of_tenant = |stack: &&StackSpec| {
            stack.identity_provider == provider
                && stack.tenant_id.eq_ignore_ascii_case(&client.tenant_id)
        };
        let of_stack = world
            .stacks
            .values()
            .filter(is_of_tenant)
            .flat_map(|stack| world.stack_audiences(stack, &names.suffix))
            .any(|audience| audience.eq_ignore_ascii_case(bare));
        let application = bare
            .strip_prefix("api://")
            .unwrap_or(bare)
            .to_ascii_lowercase();
        let of_application = world
            .tenant(&client.tenant_id)
            .is_some_and(|tenant| tenant.applications.contains_key(&application));
        if of_stack
            || of_application
            || (provider == IdentityProvider::Aad && names.is_resource(bare))
        {
            Ok(())
        } else {
            Err(Denial::unknown_resource(
                &self.audience,
                &client.tenant_name,
            ))
        }
    }
}

fn resource_words(scope: &str) -> impl Iterator<Item = &str> {
    scope
        .split_whitespace()
        .filter(|word| !OPENID_WORDS.contains(word))
}

/// The one resource that the words name, and its permissions in full.
fn parse_scopes(app: &App, scope: &str) -> Result<(String, Vec<String>), Denial> {
    let mut audience: Option<String> = None;
    let mut scopes = Vec::new();
    for word in resource_words(scope) {
        // A bare word is one of Graph's.
        let (resource, permission) = match word.rsplit_once('/') {
            Some((resource, permission)) if !resource.is_empty() && !permission.is_empty() => {
                (resource.to_owned(), permission)
            }
            Some(_) => return Err(Denial::scope(word)),
            None => (app.names.graph(), word),
        };
        let first = audience.get_or_insert_with(|| resource.clone());
        if *first != resource {
            return Err(Denial::several_resources(scope));
        }
        if permission == ".default" {
            scopes.push(format!("{resource}/{PERMISSION}"));
        }
        scopes.push(format!("{resource}/{permission}"));
    }
    Ok((audience.unwrap_or_else(|| app.names.graph()), scopes))
}
