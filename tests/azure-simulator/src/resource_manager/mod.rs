//! Azure Resource Manager, of the simulator's own cloud and of Azure Stack Hub regions: subscriptions, resource groups,
//! providers, roles, vaults, storage accounts and Data Lake Stores. Each call needs a token of the manager's audience and of the subscription's tenant, and a
//! role that allows its action (<https://learn.microsoft.com/azure/azure-resource-manager/management/overview>).

mod access_policies;
mod authenticate;
mod context;
mod data_lake_store;
mod deeds;
mod deleted_vaults;
mod errors;
mod gates;
mod groups;
mod headers;
mod lists;
mod locations;
mod operations;
mod policy_body;
mod providers;
mod role_assignments;
mod role_definitions;
mod route;
mod storage;
mod subscriptions;
mod tags;
mod throttle;
mod vault_body;
mod vault_document;
mod vault_names;
mod vault_secrets;
mod vaults;
mod versions;

use std::sync::Arc;

use http::Method;

use self::{
    context::Context,
    gates::Passed,
    route::{Ask, What},
};
pub(crate) use self::{errors::fault, throttle::Throttle};
use crate::{
    app::App,
    stack,
    wire::{call::Call, exchange::Outcome, fault_spec::Effect, journal::Principal, reply::Reply},
    world::{failure::Failure, stack::StackSpec},
};

/// The journal's word for a request.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Ask::of(path).and_then(|ask| ask.deed(method)) {
        Some((word, _)) => word,
        None => stack::operation(method, path),
    }
}

/// Answers a request.
pub(crate) fn answer(
    app: &App,
    call: &Call,
    stack: Option<&StackSpec>,
    effect: Option<&Effect>,
) -> Outcome {
    let Some(ask) = Ask::of(&call.route.path) else {
        return stack::answer(app, call, stack).into();
    };
    let verified = match effect {
        Some(Effect::ExpiredToken) => Err(authenticate::expired(app)),
        _ => authenticate::authenticate(app, call, stack),
    };
    let mut outcome = match verified {
        Err(reply) => (*reply).into(),
        Ok(verified) => {
            let caller = Arc::clone(&verified.principal);
            let reply = match gates::pass(app, call, &ask, stack, &verified, effect) {
                Ok(passed) => {
                    let done = run(app, call, &ask, stack, &caller, &passed);
                    passed.stamp(done.unwrap_or_else(|failure| errors::reply(&failure)))
                }
                Err(refused) => refused.into_reply(),
            };
            Outcome {
                reply,
                principal: Some(caller),
            }
        }
    };
    headers::add(&mut outcome.reply, app, call, &ask);
    outcome
}

/// Why a request gets no further.
enum Refused {
    Whole(Box<Reply>),
    By(Failure),
}

impl Refused {
    fn into_reply(self) -> Reply {
        match self {
            Self::Whole(reply) => *reply,
            Self::By(failure) => errors::reply(&failure),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::By(failure)
    }
}

/// Does what is allowed.
fn run(
    app: &App,
    call: &Call,
    ask: &Ask,
    stack: Option<&StackSpec>,
    caller: &Principal,
    passed: &Passed,
) -> Result<Reply, Failure> {
    let context = Context {
        app,
        call,
        ask,
        stack,
        caller,
        now: app.now(),
        version: call.query("api-version").unwrap_or_default(),
        subscription: &passed.subscription,
        tenant: &passed.tenant,
        filtered: passed.filtered,
    };
    let done = match &ask.what {
        What::Tenants => subscriptions::tenants(&context),
        What::Subscriptions => subscriptions::list(&context),
        What::Subscription => subscriptions::get(&context),
        What::Locations => locations::list(&context),
        What::Resources => lists::resources(&context),
        What::Providers => providers::list(&context),
        What::Provider(namespace) => providers::get(&context, namespace),
        What::Register(namespace) => providers::register(&context, namespace),
        What::Groups => groups::list(&context),
        What::Group(name) => groups::one(&context, name),
        What::Vaults(group) => vaults::list(&context, group.as_deref()),
        What::Vault(group, name) => vaults::one(&context, group, name),
        What::AccessPolicies(group, name, kind) => {
            access_policies::update(&context, group, name, kind)
        }
        What::VaultSecrets(group, name) => vault_secrets::list(&context, group, name),
        What::VaultSecret(group, vault, name) => vault_secrets::one(&context, group, vault, name),
        What::DeletedVaults => deleted_vaults::list(&context),
        What::DeletedVault(location, name) => deleted_vaults::get(&context, location, name),
        What::Purge(location, name) => deleted_vaults::purge(&context, location, name),
        What::CheckName => vault_names::check(&context),
        What::Operation(id) => operations::poll(&context, id),
        What::RoleDefinitions => role_definitions::list(&context),
        What::RoleDefinition(id) => role_definitions::get(&context, id),
        What::RoleAssignments => role_assignments::list(&context),
        What::RoleAssignment(name) => role_assignments::one(&context, name),
        What::Storage(part) => storage::run(&context, part),
        What::LakeStore(part) => data_lake_store::run(&context, part),
    };
    if !matches!(context.call.method, Method::GET | Method::HEAD) {
        app.settle_in_time();
    }
    Ok(headers::identify(done?, &context))
}
