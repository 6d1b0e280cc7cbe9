//! The file system of a Data Lake Store (Gen1), which speaks `WebHDFS`:
//! `https://<store>.azuredatalakestore.<suffix>/webhdfs/v1/<path>?OP=…`.

mod access;
mod errors;
mod files;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use parking_lot::RwLock;
use uuid::Uuid;

use self::errors::Exception;
pub(crate) use self::errors::fault;
use super::{
    requests, shared_key,
    tree::{
        Tree,
        caller::{Caller, Rights},
        path,
        refusal::Refusal,
    },
};
use crate::{
    app::App,
    entra::signing::issuer,
    wire::{
        call::{Call, pairs},
        exchange::Outcome,
        fault_spec::Effect,
        journal::Principal,
        reply::Reply,
    },
    world::{lake_store::LakeStore, moment::Moment, scope},
};

const START: &str = "/webhdfs/v1";

/// Operations, with their methods and the journal's words.
const OPERATIONS: [(&str, &str, &str); 21] = [
    ("MKDIRS", "PUT", "WebHdfsMkdirs"),
    ("CREATE", "PUT", "WebHdfsCreate"),
    ("APPEND", "POST", "WebHdfsAppend"),
    ("OPEN", "GET", "WebHdfsOpen"),
    ("CONCAT", "POST", "WebHdfsConcat"),
    ("MSCONCAT", "POST", "WebHdfsConcat"),
    ("RENAME", "PUT", "WebHdfsRename"),
    ("DELETE", "DELETE", "WebHdfsDelete"),
    ("GETFILESTATUS", "GET", "WebHdfsGetFileStatus"),
    ("LISTSTATUS", "GET", "WebHdfsListStatus"),
    ("GETCONTENTSUMMARY", "GET", "WebHdfsGetContentSummary"),
    ("CHECKACCESS", "GET", "WebHdfsCheckAccess"),
    ("SETOWNER", "PUT", "WebHdfsSetOwner"),
    ("SETPERMISSION", "PUT", "WebHdfsSetPermission"),
    ("SETACL", "PUT", "WebHdfsSetAcl"),
    ("MODIFYACLENTRIES", "PUT", "WebHdfsModifyAclEntries"),
    ("REMOVEACLENTRIES", "PUT", "WebHdfsRemoveAclEntries"),
    ("REMOVEACL", "PUT", "WebHdfsRemoveAcl"),
    ("REMOVEDEFAULTACL", "PUT", "WebHdfsRemoveDefaultAcl"),
    ("MSGETACLSTATUS", "GET", "WebHdfsGetAclStatus"),
    ("GETACLSTATUS", "GET", "WebHdfsGetAclStatus"),
];

/// The journal's word for a request.
pub(crate) fn operation(query: &str) -> &'static str {
    pairs(query.as_bytes())
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("op"))
        .and_then(|(_, given)| {
            OPERATIONS
                .iter()
                .find(|(name, ..)| name.eq_ignore_ascii_case(given))
        })
        .map_or("Unknown", |(_, _, word)| word)
}

/// A call to a store, by somebody who is known.
struct Context<'a> {
    call: &'a Call,
    tree: Arc<RwLock<Tree>>,
    caller: Caller,
    key: Box<str>,
    now: Moment,
}

type Done<T = Reply> = Result<T, Exception>;

impl Context<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.call.query(name).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> Done<&str> {
        self.text(name)
            .ok_or_else(|| Exception::argument(&format!("{name} is missing.")))
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    fn number(&self, name: &str) -> Done<Option<u64>> {
        requests::number(self.call, name)
            .map_err(|_| Exception::argument(&format!("{name} is no number.")))
    }

    /// An error about the path of the request.
    fn refused(&self, refusal: Refusal) -> Exception {
        Exception::of(refusal, &path::text(&self.key))
    }
}

/// Answers a request to a store.
pub(crate) fn answer(app: &App, call: &Call, name: &str, effect: Option<&Effect>) -> Outcome {
    let now = app.now();
    let store = app.world.read().lake_store(name).cloned();
    let Some(store) = store.filter(|store| store.resolves(now)) else {
        let message =
            format!("There is no Data Lake Store {name}; in Azure its name would not resolve.");
        return Reply::text(StatusCode::NOT_FOUND, message).into();
    };
    let id = Uuid::new_v4();
    let mut principal = None;
    let done = serve(app, call, &store, effect, now, &mut principal);
    let (mut reply, status) = match done {
        Ok(reply) => (reply, "0x0"),
        Err(exception) => {
            let status = exception.number;
            (exception.reply(id, now), status)
        }
    };
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("status", status);
    insert("x-ms-request-id", &id.to_string());
    insert("x-ms-webhdfs-version", "17.04.22.00");
    insert("cache-control", "no-cache");
    insert("pragma", "no-cache");
    insert("expires", "-1");
    insert("x-content-type-options", "nosniff");
    insert(
        "strict-transport-security",
        "max-age=15724800; includeSubDomains",
    );
    Outcome { reply, principal }
}

fn serve(
    app: &App,
    call: &Call,
    store: &LakeStore,
    effect: Option<&Effect>,
    now: Moment,
    principal: &mut Option<Arc<Principal>>,
) -> Done {
    if effect == Some(&Effect::ExpiredToken) {
        return Err(Exception::unauthorized(app, store));
    }
    let who = authenticate(app, call, store, now)?;
    *principal = Some(Arc::clone(&who));
    if let Some(Effect::Forbidden(code)) = effect {
        return Err(Exception::forbidden(code));
    }
    let address = app.world.read().manager.client_address.unwrap_or(call.peer);
    if !store.spec.lets_in(address) {
        return Err(Exception::forbidden(
            "The request is blocked by the firewall of the account.",
        ));
    }
    let rest = call
        .route
        .path
        .strip_prefix(START)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .ok_or_else(|| Exception::argument("The path must begin with /webhdfs/v1."))?;
    let key =
        path::key(&shared_key::decoded(rest)).map_err(|refusal| Exception::of(refusal, rest))?;
    let made = app.world.read().store(&store.spec.name);
    let tree = made.unwrap_or_else(|| app.world.write().store_made(&store.spec.name, now));
    let context = Context {
        call,
        tree,
        caller: caller(app, store, &who, now),
        key,
        now,
    };
    run(&context)
}

/// The principal of a good token.
fn authenticate(app: &App, call: &Call, store: &LakeStore, now: Moment) -> Done<Arc<Principal>> {
    let refuse = || Exception::unauthorized(app, store);
    let token = call
        .header(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(refuse)?;
    let verified = app.signer.verify(token).ok_or_else(refuse)?;
    let audience = verified.audience.trim_end_matches('/');
    let mut audiences = app.names.lake_store_audiences().into_iter();
    let fits = audiences.any(|one| one.eq_ignore_ascii_case(audience))
        && (verified.not_before..verified.expires).contains(&now.seconds())
        && verified.issuer == issuer(&store.spec.tenant_id.to_ascii_lowercase());
    if fits {
        Ok(Arc::clone(&verified.principal))
    } else {
        Err(refuse())
    }
}

/// Owners of the store may do everything; for others the access lists decide.
fn caller(app: &App, store: &LakeStore, who: &Principal, now: Moment) -> Caller {
    let world = app.world.read();
    let id = who.object_id.to_ascii_lowercase();
    let groups = world.groups_of(&id);
    let key = scope::key(&store.spec.id());
    let owns = |id: &str| {
        let owner = world
            .assignments
            .deciding(&key, id, now, |role| role.name == "Owner");
        owner.is_some()
    };
    let superuser = owns(&id) || groups.iter().any(|group| owns(group));
    Caller {
        granted: if superuser { Rights::ALL } else { Rights::NONE },
        by_lists: Rights::ALL,
        id: id.into(),
        groups,
    }
}

fn run(context: &Context<'_>) -> Done {
    let given = context.needed("op")?.to_ascii_uppercase();
    let method = &context.call.method;
    let known = OPERATIONS.iter().find(|(name, ..)| *name == given);
    let Some((_, wanted, _)) = known else {
        return Err(Exception::argument(&format!(
            "Invalid value for webhdfs parameter \"op\": {given}."
        )));
    };
    let fits = method.as_str() == *wanted || (given == "APPEND" && method == Method::PUT);
    if !fits {
        return Err(Exception::argument(&format!("{given} is a {wanted}.")));
    }
    match given.as_str() {
        "MKDIRS" => files::make_directory(context),
        "CREATE" => files::create(context),
        "APPEND" => files::append(context),
        "OPEN" => files::open(context),
        "CONCAT" | "MSCONCAT" => files::concat(context),
        "RENAME" => files::rename(context),
        "DELETE" => files::delete(context),
        "GETFILESTATUS" => files::status(context),
        "LISTSTATUS" => files::list(context),
        "GETCONTENTSUMMARY" => files::summary(context),
        "CHECKACCESS" => access::check(context),
        "SETOWNER" => access::set_owner(context),
        "SETPERMISSION" => access::set_permission(context),
        "REMOVEACL" => access::remove_all(context),
        "REMOVEDEFAULTACL" => access::remove_default(context),
        "MSGETACLSTATUS" | "GETACLSTATUS" => access::get(context),
        how => access::change(context, how),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_their_words() {
        assert_eq!(operation("op=mkdirs&api-version=x"), "WebHdfsMkdirs");
        assert_eq!(operation("OP=MSGETACLSTATUS"), "WebHdfsGetAclStatus");
        assert_eq!(operation(""), "Unknown");
    }
}
