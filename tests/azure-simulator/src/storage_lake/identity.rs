//! Who calls an account, and what that lets it do: a token, an account's key, or a signature.

use std::{collections::BTreeSet, sync::Arc};

use http::header;

use super::{
    delegation,
    errors::Problem,
    sas::{Sas, Scope},
    shared_key,
    tree::{
        caller::{Caller, Rights},
        node::SUPERUSER,
    },
};
use crate::{
    app::App,
    entra::signing::issuer,
    wire::{call::Call, journal::Principal},
    world::{World, moment::Moment, roles::Role, scope, storage_account::StorageAccount},
};

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

/// What is done to containers themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerVerb {
    Read,
    List,
    Write,
    Delete,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// For the journal.
    pub(super) principal: Option<Arc<Principal>>,
    /// What this one makes belongs to it.
    id: Arc<str>,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Key,
    Token,
    /// Of the whole account: what it allows, and of which kinds of resources.
    AccountSignature(Rights, String),
    /// Of a container or path.
    Signature(Rights),
    /// By somebody's delegation: what it allows at most, and whether a role of that one is needed.
    Delegated(Rights, Delegate),
}

#[derive(Clone, Debug)]
enum Delegate {
    /// Does what the delegating one may.
    Itself,
    /// Is vouched for: what the delegating one's roles allow, and no list is asked.
    Vouched(Arc<str>),
    /// Is somebody else, about whom lists decide.
    Other,
}

/// Checks who calls.
pub(super) fn identify(
    app: &App,
    call: &Call,
    account: &StorageAccount,
    now: Moment,
) -> Result<Identity, Problem> {
    if let Some(value) = call.header(header::AUTHORIZATION.as_str()) {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        return if scheme.eq_ignore_ascii_case("bearer") {
            by_token(app, rest.trim(), account, now)
        } else if scheme == "SharedKey" {
            by_key(call, rest.trim(), account)
        } else {
            Err(Problem::new(
                400,
                "InvalidAuthenticationInfo",
                "Authentication information is not given in the correct format. Check the value of Authorization header.",
            ))
        };
    }
    match Sas::of(call) {
        Some(sas) => by_signature(app, call, sas, account, now),
        None => Err(challenged(app, account, "NoAuthenticationInformation")),
    }
}

/// A 401 that tells where tokens are given.
fn challenged(app: &App, account: &StorageAccount, code: &'static str) -> Problem {
    let names = &app.names;
    let value = format!(
        "Bearer authorization_uri={}://{}/{}/oauth2/authorize resource_id={}",
        names.scheme,
        names.login(),
        account.spec.tenant_id,
        names.storage_audiences()[0],
    );
    Problem::of(code).with("www-authenticate", value)
}

/// The 401 of a token whose time is over.
pub(super) fn expired(app: &App, account: &StorageAccount) -> Problem {
    challenged(app, account, "InvalidAuthenticationInfo")
}

fn by_token(
    app: &App,
    token: &str,
    account: &StorageAccount,
    now: Moment,
) -> Result<Identity, Problem> {
    let refuse = || challenged(app, account, "InvalidAuthenticationInfo");
    let verified = app.signer.verify(token).ok_or_else(refuse)?;
    let audience = verified.audience.trim_end_matches('/');
    let fits = |one: &String| one.eq_ignore_ascii_case(audience);
    let known = app.names.storage_audiences().iter().any(fits)
        || super::own_audiences(account, &app.names).iter().any(fits);
    let timely = (verified.not_before..verified.expires).contains(&now.seconds());
    let trusted = verified.issuer == issuer(&account.spec.tenant_id.to_ascii_lowercase());
    if !(known && timely && trusted) {
        return Err(refuse());
    }
    Ok(Identity {
        id: verified.principal.object_id.to_ascii_lowercase().into(),
        principal: Some(Arc::clone(&verified.principal)),
        proof: Proof::Token,
    })
}

fn by_key(call: &Call, credential: &str, account: &StorageAccount) -> Result<Identity, Problem> {
    let failed = || Problem::of("AuthenticationFailed");
    if !account.spec.takes_keys() {
        return Err(Problem::of("KeyBasedAuthenticationNotPermitted"));
    }
    let (name, signature) = credential.split_once(':').ok_or_else(failed)?;
    let texts = shared_key::texts(call, &call.query, name);
    let keys = account.keys.iter().map(|key| key.value.0.as_str());
    if name != account.spec.name || !shared_key::is_signed(signature, &texts, keys) {
        return Err(failed());
    }
    Ok(Identity {
        principal: None,
        id: SUPERUSER.into(),
        proof: Proof::Key,
    })
}

fn by_signature(
    app: &App,
    call: &Call,
    sas: Sas<'_>,
    account: &StorageAccount,
    now: Moment,
) -> Result<Identity, Problem> {
    let failed = || Problem::of("AuthenticationFailed");
    let scope = sas.scope();
    if scope != Scope::Delegated && !account.spec.takes_keys() {
        return Err(Problem::of("KeyBasedAuthenticationNotPermitted"));
    }
    let path = shared_key::decoded(&call.route.path);
    let text = sas.text(&account.spec.name, &path).ok_or_else(failed)?;
    let delegated;
    let keys: Vec<&str> = if scope == Scope::Delegated {
        delegated =
            delegation::key_of_signature(&app.delegation, account, sas, now).ok_or_else(failed)?;
        vec![&delegated]
    } else {
        account
            .keys
            .iter()
            .map(|key| key.value.0.as_str())
            .collect()
    };
    let signed = shared_key::is_signed(sas.get("sig"), &[text], keys.into_iter());
    if !signed || !sas.in_force(now.seconds()) {
        return Err(failed());
    }
    if sas.get("spr") == "https" && app.names.scheme != "https" {
        return Err(Problem::of("AuthorizationProtocolMismatch"));
    }
    let address = app.world.read().manager.client_address.unwrap_or(call.peer);
    if !super::within(sas.get("sip"), address) {
        return Err(Problem::of("AuthorizationSourceIPMismatch"));
    }
    let rights = sas.rights();
    let lower = |name: &str| Some(sas.get(name).to_ascii_lowercase()).filter(|id| !id.is_empty());
    let delegator = || Arc::<str>::from(lower("skoid").unwrap_or_default());
    let (id, proof) = match scope {
        Scope::Account if !sas.get("ss").contains('b') => {
            return Err(Problem::of("AuthorizationServiceMismatch"));
        }
        Scope::Account => (
            SUPERUSER.into(),
            Proof::AccountSignature(rights, sas.get("srt").to_owned()),
        ),
        Scope::Service => (SUPERUSER.into(), Proof::Signature(rights)),
        Scope::Delegated => match (lower("saoid"), lower("suoid")) {
            (Some(vouched), _) => (
                vouched.into(),
                Proof::Delegated(rights, Delegate::Vouched(delegator())),
            ),
            (None, Some(other)) => (other.into(), Proof::Delegated(rights, Delegate::Other)),
            (None, None) => (delegator(), Proof::Delegated(rights, Delegate::Itself)),
        },
    };
    Ok(Identity {
        principal: None,
        id,
        proof,
    })
}

impl Identity {
    /// Who asks the tree of a filesystem. `resource` is the kind of resource: `o` of a path, `c` of a container.
    pub(super) fn caller(
        &self,
        app: &App,
        account: &StorageAccount,
        filesystem: &str,
        resource: char,
        now: Moment,
    ) -> Result<Caller, Problem> {
        let world = app.world.read();
        let groups = world.groups_of(&self.id);
        let by_roles = |id: &str| role_rights(&world, account, filesystem, id, now);
        let (granted, by_lists) = match &self.proof {
            Proof::Key => (Rights::ALL, Rights::NONE),
            Proof::Token => (by_roles(&self.id), Rights::ALL),
            Proof::AccountSignature(_, kinds) if !kinds.contains(resource) => {
                return Err(Problem::of("AuthorizationResourceTypeMismatch"));
            }
            Proof::AccountSignature(rights, _) | Proof::Signature(rights) => {
                (*rights, Rights::NONE)
            }
            Proof::Delegated(rights, Delegate::Itself) => (*rights & by_roles(&self.id), *rights),
            Proof::Delegated(rights, Delegate::Vouched(by)) => {
                (*rights & by_roles(by), Rights::NONE)
            }
            Proof::Delegated(rights, Delegate::Other) => (Rights::NONE, *rights),
        };
        Ok(Caller {
            id: Arc::clone(&self.id),
            groups,
            granted,
            by_lists,
        })
    }

    /// Whether containers themselves may be seen or changed: access lists say nothing of them.
    pub(super) fn check_containers(
        &self,
        app: &App,
        account: &StorageAccount,
        container: Option<&str>,
        verb: ContainerVerb,
        now: Moment,
    ) -> Result<(), Problem> {
        let refused = || Err(Problem::of("AuthorizationPermissionMismatch"));
        match &self.proof {
            Proof::Key => Ok(()),
            Proof::AccountSignature(rights, kinds) => {
                let kind = if container.is_some() { 'c' } else { 's' };
                if !kinds.contains(kind) {
                    return Err(Problem::of("AuthorizationResourceTypeMismatch"));
                }
                let needed = match verb {
                    ContainerVerb::Read => Rights::READ,
                    ContainerVerb::List => Rights::LIST,
                    ContainerVerb::Write => Rights::WRITE | Rights::CREATE,
                    ContainerVerb::Delete => Rights::DELETE,
                };
                if rights.any(needed) {
                    Ok(())
                } else {
                    refused()
                }
            }
            Proof::Signature(_) | Proof::Delegated(..) => refused(),
            Proof::Token => {
                let verb = match verb {
                    ContainerVerb::Read | ContainerVerb::List => "read",
                    ContainerVerb::Write => "write",
                    ContainerVerb::Delete => "delete",
                };
                let action =
                    format!("Microsoft.Storage/storageAccounts/blobServices/containers/{verb}");
                // The roles of the resource manager alone do not reach the data.
                let fits = |role: &Role| role.allows(&action) && !role.data_actions.is_empty();
                let world = app.world.read();
                let key = container_key(account, container);
                if has_role(&world, &key, &self.id, now, fits) {
                    Ok(())
                } else {
                    refused()
                }
            }
        }
    }

    /// Whether this one may delegate: it needs a token, and a role for it on the account.
    pub(super) fn may_delegate(
        &self,
        app: &App,
        account: &StorageAccount,
        now: Moment,
    ) -> Result<&Arc<Principal>, Problem> {
        let refused = || Problem::of("AuthorizationPermissionMismatch");
        let action =
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";
        let principal = self.principal.as_ref().ok_or_else(refused)?;
        let world = app.world.read();
        let key = scope::key(&account.spec.id());
        if has_role(&world, &key, &self.id, now, |role| role.allows(action)) {
            Ok(principal)
        } else {
            Err(refused())
        }
    }

    /// Who owns what is made of nothing.
    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }
}

/// The scope of a container, or of all.
fn container_key(account: &StorageAccount, container: Option<&str>) -> String {
    let id = account.spec.id();
    match container {
        Some(name) => scope::key(&format!("{id}/blobServices/default/containers/{name}")),
        None => scope::key(&id),
    }
}

fn has_role(world: &World, key: &str, id: &str, now: Moment, fits: impl Fn(&Role) -> bool) -> bool {
    let groups = world.groups_of(id);
    std::iter::once(id)
        .chain(groups.iter().map(String::as_str))
        .any(|id| world.assignments.deciding(key, id, now, &fits).is_some())
}

/// What somebody's roles allow in a filesystem.
fn role_rights(
    world: &World,
    account: &StorageAccount,
    filesystem: &str,
    id: &str,
    now: Moment,
) -> Rights {
    let key = container_key(account, Some(filesystem));
    let groups: BTreeSet<String> = world.groups_of(id);
    let ids = || std::iter::once(id).chain(groups.iter().map(String::as_str));
    let table = [
        ("read", Rights::READ | Rights::LIST),
        ("write", Rights::WRITE | Rights::CREATE | Rights::ADD),
        ("add/action", Rights::ADD | Rights::CREATE),
        ("delete", Rights::DELETE),
        ("move/action", Rights::MOVE),
        ("manageOwnership/action", Rights::OWNERSHIP),
        ("modifyPermissions/action", Rights::PERMISSIONS),
        ("runAsSuperUser/action", Rights::EXECUTE),
    ];
    let allowed = |word: &str| {
        let action = format!("{BLOBS}/{word}");
        let fits = |role: &Role| role.allows_data(&action);
        ids().any(|id| world.assignments.deciding(&key, id, now, fits).is_some())
    };
    table
        .into_iter()
        .filter(|(word, _)| allowed(word))
        .fold(Rights::NONE, |all, (_, rights)| all | rights)
}
