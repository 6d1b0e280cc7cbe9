//! Data Lake Store of the first generation, which Azure retired on 29 February 2024: requests of its `WebHDFS` interface ("`WebHDFS`
//! `FileSystem` APIs", "Azure Data Lake Store"). What comes back is read in [`answers`]; [`Lakes`](super::lake::client::Lakes) carries
//! calls out. Pure.
//!
//! Paths, lists and permissions are those of [`lake`](super::lake): the second generation took them over.

pub mod answers;
mod refusal;

use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

use super::auth::Profile;
use super::cloud::Storage;
use super::http::{Answer, Request};
use super::lake::{Acl, Lake, LakePath, LakeUri, Owner, Permissions, Removal, bearer};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The version that the last of Azure's own clients speak.
const VERSION: &str = "2018-09-01";
const TIMEOUT: Duration = Duration::from_secs(30);
/// Paths on a page of a list.
pub const PAGE: usize = 2000;

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name in metrics, such as `StoreSetAcl`.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Of which account.
    pub lake: Lake,
    /// The path that it is about.
    pub path: LakePath,
    /// Parameters besides the version; the first is the operation.
    pub query: Vec<(String, String)>,
    /// What is written; it may come from a Secret.
    pub body: Option<SecretValue>,
}

impl Call {
    fn new(
        (operation, method, op): (&'static str, Method, &str),
        lake: &Lake,
        path: &LakePath,
    ) -> Self {
        Self {
            operation,
            method,
            lake: lake.clone(),
            path: path.clone(),
            query: vec![("op".to_owned(), op.to_owned())],
            body: None,
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// For messages.
    fn what(&self) -> String {
        let account = self.lake.uri.account();
        if self.path.is_root() {
            return format!("the root of Data Lake Store {:?}", account.as_str());
        }
        let path = self.path.to_string();
        format!("path {path:?} in Data Lake Store {:?}", account.as_str())
    }
}

/// Makes a directory, and those above it that are not there. One that exists is left as it is.
pub fn make_directory(lake: &Lake, path: &LakePath, permissions: Option<Permissions>) -> Call {
    let named = ("StoreMakeDirectory", Method::PUT, "MKDIRS");
    Call::new(named, lake, path).with_some("permission", permissions.map(Permissions::octal))
}

/// Writes a file as a whole; one that exists is replaced only where that is said, else it is a 403 `FileAlreadyExistsException`.
pub fn create(
    lake: &Lake,
    path: &LakePath,
    (content, replace): (&SecretValue, bool),
    permissions: Option<Permissions>,
) -> Call {
    let call = Call::new(("StoreCreate", Method::PUT, "CREATE"), lake, path)
        // Without it the service answers where to write, and the content is sent twice.
        .with("write", "true")
        .with("overwrite", replace.to_string())
        .with("syncFlag", "CLOSE")
        .with_some("permission", permissions.map(Permissions::octal));
    Call {
        body: Some(content.clone()),
        ..call
    }
}

/// Adds to the end of a file, which must have this length.
pub fn append(lake: &Lake, path: &LakePath, content: &SecretValue, length: u64) -> Call {
    let call = Call::new(("StoreAppend", Method::POST, "APPEND"), lake, path)
        .with("append", "true")
        .with("offset", length.to_string())
        .with("syncFlag", "CLOSE");
    Call {
        body: Some(content.clone()),
        ..call
    }
}

/// Reads a file, at most so many bytes of it.
pub fn open(lake: &Lake, path: &LakePath, most: u64) -> Call {
    Call::new(("StoreOpen", Method::GET, "OPEN"), lake, path)
        .with("read", "true")
        .with("length", most.to_string())
}

/// Looks at a file or directory.
pub fn get(lake: &Lake, path: &LakePath) -> Call {
    let named = ("StoreGetStatus", Method::GET, "GETFILESTATUS");
    Call::new(named, lake, path)
}

/// Lists what is in a directory, behind a name where a page ended with it.
pub fn list(lake: &Lake, path: &LakePath, behind: Option<&str>) -> Call {
    Call::new(("StoreList", Method::GET, "LISTSTATUS"), lake, path)
        .with("listSize", PAGE.to_string())
        .with_some("listAfter", behind)
}

/// Reads who may do what.
pub fn get_acl(lake: &Lake, path: &LakePath) -> Call {
    let named = ("StoreGetAcl", Method::GET, "MSGETACLSTATUS");
    Call::new(named, lake, path)
}

/// Replaces a list as a whole.
pub fn set_acl(lake: &Lake, path: &LakePath, acl: &Acl) -> Call {
    Call::new(("StoreSetAcl", Method::PUT, "SETACL"), lake, path).with("aclSpec", acl.to_string())
}

/// Adds entries to a list, or sets them in place of those for the same.
pub fn modify_acl(lake: &Lake, path: &LakePath, acl: &Acl) -> Call {
    let named = ("StoreModifyAcl", Method::PUT, "MODIFYACLENTRIES");
    Call::new(named, lake, path).with("aclSpec", acl.to_string())
}

/// Takes entries out of a list.
pub fn remove_entries(lake: &Lake, path: &LakePath, removal: &Removal) -> Call {
    let named = ("StoreRemoveEntries", Method::PUT, "REMOVEACLENTRIES");
    Call::new(named, lake, path).with("aclSpec", removal.to_string())
}

/// Takes all entries out of a list but those of owner, owning group and others.
pub fn remove_acl(lake: &Lake, path: &LakePath) -> Call {
    Call::new(("StoreRemoveAcl", Method::PUT, "REMOVEACL"), lake, path)
}

/// Takes all default entries out of a list.
pub fn remove_defaults(lake: &Lake, path: &LakePath) -> Call {
    let named = ("StoreRemoveDefaults", Method::PUT, "REMOVEDEFAULTACL");
    Call::new(named, lake, path)
}

/// Sets permissions and the sticky bit.
pub fn set_permissions(lake: &Lake, path: &LakePath, permissions: Permissions) -> Call {
    let named = ("StoreSetPermissions", Method::PUT, "SETPERMISSION");
    Call::new(named, lake, path).with("permission", permissions.octal())
}

/// Sets owner and owning group, where they are said.
pub fn set_owner(
    lake: &Lake,
    path: &LakePath,
    owner: Option<&Owner>,
    group: Option<&Owner>,
) -> Call {
    Call::new(("StoreSetOwner", Method::PUT, "SETOWNER"), lake, path)
        .with_some("owner", owner.map(Owner::as_str))
        .with_some("group", group.map(Owner::as_str))
}

/// Gives a file or directory another path.
pub fn rename(lake: &Lake, path: &LakePath, to: &LakePath) -> Call {
    let named = ("StoreRename", Method::PUT, "RENAME");
    Call::new(named, lake, path).with("destination", format!("/{to}"))
}

/// Deletes a file or directory; what lies in a directory goes with it only where that is said.
pub fn delete(lake: &Lake, path: &LakePath, recursive: bool) -> Call {
    let named = ("StoreDelete", Method::DELETE, "DELETE");
    Call::new(named, lake, path).with("recursive", recursive.to_string())
}

/// The Data Lake Store of the identity's cloud.
pub fn store(profile: &Profile) -> Result<&Storage, Problem> {
    profile.cloud.data_lake_store.as_ref().ok_or_else(|| {
        let message = "the identity's cloud has no Data Lake Store of the first generation: use generation Gen2, or set spec.cloud.custom.storage.dataLakeStoreSuffix of the identity (such as azuredatalakestore.example.net)";
        Problem::new(Reason::StorageUnknown, Retry::OnChange, message)
    })
}

/// Where an account is.
pub fn uri(profile: &Profile, account: &super::lake::AccountName) -> Result<LakeUri, Problem> {
    let suffix = &store(profile)?.suffix;
    let text = format!("https://{account}.{suffix}");
    text.parse().map_err(|error| {
        let message = format!("the endpoint of Data Lake Store {account:?}: {error}");
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })
}

/// Whether a lake is a Data Lake Store of the identity's cloud: a token goes nowhere else.
pub fn in_cloud(profile: &Profile, uri: &LakeUri) -> Result<(), Problem> {
    let store = store(profile)?;
    if uri.is_first_generation_in(store) {
        return Ok(());
    }
    let message = format!(
        "{uri} is no Data Lake Store of the cloud of {profile}, whose accounts are <name>.{}: no token is sent there",
        store.suffix
    );
    Err(Problem::new(
        Reason::LakeNotInCloud,
        Retry::OnChange,
        message,
    ))
}

/// The request of a call.
pub fn request(profile: &Profile, call: &Call, token: &SecretValue) -> Result<Request, Problem> {
    in_cloud(profile, &call.lake.uri)?;
    let mut headers = vec![
        (header::AUTHORIZATION, bearer(profile, token)?),
        (header::ACCEPT, HeaderValue::from_static("application/json")),
    ];
    if call.body.is_some() {
        let bytes = HeaderValue::from_static("application/octet-stream");
        headers.push((header::CONTENT_TYPE, bytes));
    }
    // The length is said where nothing is written, too.
    let writes = matches!(call.method, Method::PUT | Method::POST);
    let body = call.body.as_ref().map(|body| body.expose().to_vec());
    let body = body.or_else(|| writes.then(Vec::new));
    Ok(Request {
        route: profile.cloud.route.clone(),
        method: call.method.clone(),
        url: url(call)?,
        headers,
        body: body.map(Zeroizing::new),
        timeout: TIMEOUT,
    })
}

/// What stands in a URL behind the origin.
fn encoded(call: &Call) -> String {
    format!("/webhdfs/v1/{}", call.path.encoded())
}

fn url(call: &Call) -> Result<Url, Problem> {
    let (origin, path) = (call.lake.uri.origin(), encoded(call));
    let mut text = format!("{origin}{path}");
    let version = ("api-version".to_owned(), VERSION.to_owned());
    for (at, (name, value)) in call.query.iter().chain([&version]).enumerate() {
        let between = if at == 0 { "?" } else { "&" };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        text.extend([between, name, "=", &value]);
    }
    // Names were parsed, so this holds. It is looked at all the same: what follows carries a token.
    let fits = |url: &Url| url.path() == path && text.starts_with(origin);
    Url::parse(&text).ok().filter(fits).ok_or_else(|| {
        let message = format!(
            "no request can be made for {}: its path is no URL",
            call.what()
        );
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })
}

/// What it means that no answer came.
pub fn unreachable(call: &Call, problem: Problem) -> Problem {
    refusal::unreachable(call, problem)
}

/// Reads the answer to [`request`]. What is not there is a problem with Azure's code; see [`super::lake::absent`].
pub fn read(
    profile: &Profile,
    call: &Call,
    answer: Answer,
    now: Timestamp,
) -> Result<Answer, Problem> {
    if answer.status.is_success() || answer.status.as_u16() == 307 {
        Ok(answer)
    } else {
        Err(refusal::problem(profile, call, &answer, now))
    }
}

/// The call that goes on where a service answers that a file is to be written or read elsewhere (the two steps of `WebHDFS`). It must be
/// the same path of the same account: a token goes nowhere else.
pub fn elsewhere(call: &Call, answer: &Answer) -> Result<Option<Call>, Problem> {
    if answer.status.as_u16() != 307 {
        return Ok(None);
    }
    let location = answer.headers.get(header::LOCATION);
    let location = location.and_then(|text| text.to_str().ok());
    let asked = url(call)?;
    let told = location.and_then(|text| asked.join(text).ok());
    let own = |told: &Url| told.origin() == asked.origin() && told.path() == asked.path();
    let Some(told) = told.filter(own) else {
        let message = format!(
            "{} is to be written or read at another host or path, and the identity's token goes to its own account alone",
            call.what()
        );
        let problem = Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
        return Err(problem.answered(307, None));
    };
    let pairs = told.query_pairs().into_owned();
    let known = |name: &str| {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain && !name.eq_ignore_ascii_case("api-version")
    };
    Ok(Some(Call {
        query: pairs.filter(|(name, _)| known(name)).collect(),
        ..call.clone()
    }))
}

#[cfg(test)]
mod mod_tests;
