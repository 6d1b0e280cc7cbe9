//! The Data Lake endpoint of an account: `https://<account>.dfs.<suffix>`.

mod access;
mod files;
mod filesystems;
mod paths;

use http::Method;

pub(super) use files::check_body;

use super::{
    context::{Context, Done, split},
    errors::Problem,
};
use crate::wire::call::{Call, pairs};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    ListFilesystems,
    CreateFilesystem,
    GetFilesystem,
    SetFilesystemProperties,
    DeleteFilesystem,
    ListPaths,
    CreateDirectory,
    CreateFile,
    RenamePath,
    AppendData,
    FlushData,
    SetPathProperties,
    SetAccessControl,
    SetAccessControlRecursive,
    GetAccessControl,
    GetPathStatus,
    GetPathProperties,
    ReadPath,
    DeletePath,
    LeasePath,
}

impl Operation {
    fn of(method: &Method, path: &str, query: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_ascii_lowercase())
        };
        let (resource, action) = (get("resource"), get("action"));
        let (filesystem, _) = split(path);
        match (method.as_str(), resource.as_deref()) {
            ("GET", Some("account")) if filesystem.is_empty() => Some(Self::ListFilesystems),
            _ if filesystem.is_empty() => None,
            ("PUT", Some("filesystem")) => Some(Self::CreateFilesystem),
            ("HEAD", Some("filesystem")) => Some(Self::GetFilesystem),
            ("PATCH", Some("filesystem")) => Some(Self::SetFilesystemProperties),
            ("DELETE", Some("filesystem")) => Some(Self::DeleteFilesystem),
            ("GET", Some("filesystem")) => Some(Self::ListPaths),
            ("PUT", Some("directory")) => Some(Self::CreateDirectory),
            ("PUT", Some("file")) => Some(Self::CreateFile),
            ("PUT", None) if get("comp").is_none() => Some(Self::RenamePath),
            ("PATCH", None) => match action.as_deref()? {
                "append" => Some(Self::AppendData),
                "flush" => Some(Self::FlushData),
                "setproperties" => Some(Self::SetPathProperties),
                "setaccesscontrol" => Some(Self::SetAccessControl),
                "setaccesscontrolrecursive" => Some(Self::SetAccessControlRecursive),
                _ => None,
            },
            ("HEAD", None) => match action.as_deref() {
                None => Some(Self::GetPathProperties),
                Some("getstatus") => Some(Self::GetPathStatus),
                Some("getaccesscontrol") => Some(Self::GetAccessControl),
                Some(_) => None,
            },
            ("GET", None) => Some(Self::ReadPath),
            ("DELETE", None) => Some(Self::DeletePath),
            ("POST", None) => Some(Self::LeasePath),
            _ => None,
        }
    }

    /// The journal's word.
    fn word(self) -> &'static str {
        match self {
            Self::ListFilesystems => "ListFilesystems",
            Self::CreateFilesystem => "CreateFilesystem",
            Self::GetFilesystem => "GetFilesystem",
            Self::SetFilesystemProperties => "SetFilesystemProperties",
            Self::DeleteFilesystem => "DeleteFilesystem",
            Self::ListPaths => "ListPaths",
            Self::CreateDirectory => "CreateDirectory",
            Self::CreateFile => "CreateFile",
            Self::RenamePath => "RenamePath",
            Self::AppendData => "AppendData",
            Self::FlushData => "FlushData",
            Self::SetPathProperties => "SetPathProperties",
            Self::SetAccessControl => "SetAccessControl",
            Self::SetAccessControlRecursive => "SetAccessControlRecursive",
            Self::GetAccessControl => "GetAccessControl",
            Self::GetPathStatus => "GetPathStatus",
            Self::GetPathProperties => "GetPathProperties",
            Self::ReadPath => "ReadPath",
            Self::DeletePath => "DeletePath",
            Self::LeasePath => "LeasePath",
        }
    }
}

/// The journal's word for a request.
pub(super) fn word(method: &Method, path: &str, query: &str) -> &'static str {
    let query = pairs(query.as_bytes());
    Operation::of(method, path, &query).map_or("Unknown", Operation::word)
}

fn operation(call: &Call) -> Done<Operation> {
    Operation::of(&call.method, &call.route.path, &call.query)
        .ok_or_else(|| Problem::of("UnsupportedHttpVerb"))
}

/// Does what a request is for.
pub(super) fn run(context: &Context<'_>) -> Done {
    match operation(context.call)? {
        Operation::ListFilesystems => filesystems::list(context),
        Operation::CreateFilesystem => filesystems::create(context),
        Operation::GetFilesystem => filesystems::get(context),
        Operation::SetFilesystemProperties => filesystems::set_properties(context),
        Operation::DeleteFilesystem => filesystems::delete(context),
        Operation::ListPaths => paths::list(context),
        Operation::CreateDirectory => paths::create(context, true),
        Operation::CreateFile => paths::create(context, false),
        Operation::RenamePath => paths::rename(context),
        Operation::DeletePath => paths::delete(context),
        Operation::AppendData => files::append(context),
        Operation::FlushData => files::flush(context),
        Operation::ReadPath => files::read(context),
        Operation::GetPathProperties => files::properties(context, false),
        Operation::GetPathStatus => files::properties(context, true),
        Operation::SetPathProperties => files::set_properties(context),
        Operation::LeasePath => super::leases::path(context),
        Operation::GetAccessControl => access::get(context),
        Operation::SetAccessControl => access::set(context),
        Operation::SetAccessControlRecursive => access::set_recursive(context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_their_words() {
        for (method, path, query, expected) in [
            ("GET", "/", "resource=account", "ListFilesystems"),
            ("PUT", "/fs", "resource=filesystem", "CreateFilesystem"),
            (
                "GET",
                "/fs",
                "resource=filesystem&recursive=true",
                "ListPaths",
            ),
            ("PUT", "/fs/a", "resource=directory", "CreateDirectory"),
            ("PUT", "/fs/a", "mode=legacy", "RenamePath"),
            (
                "PATCH",
                "/fs/",
                "action=setAccessControlRecursive&mode=set",
                "SetAccessControlRecursive",
            ),
            ("HEAD", "/fs", "action=getAccessControl", "GetAccessControl"),
            ("HEAD", "/fs/a", "", "GetPathProperties"),
            ("PUT", "/", "", "Unknown"),
            ("PATCH", "/fs/a", "", "Unknown"),
        ] {
            let method: Method = method.parse().unwrap();
            assert_eq!(
                word(&method, path, query),
                expected,
                "{method} {path} {query}"
            );
        }
    }
}
