//! The blob endpoint of an account, as far as the Data Lake needs it: `https://<account>.blob.<suffix>`.

mod blobs;
mod containers;
mod lists;
mod service;
pub(super) mod xml;

use http::Method;

use super::{
    context::{Context, Done, split},
    errors::Problem,
    leases,
};
use crate::wire::call::pairs;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    ListContainers,
    GetUserDelegationKey,
    GetAccountInformation,
    CreateContainer,
    GetContainer,
    SetContainerMetadata,
    DeleteContainer,
    RestoreContainer,
    LeaseContainer,
    ListBlobs,
    PutBlob,
    GetBlob,
    GetBlobProperties,
    SetBlobMetadata,
    SetBlobProperties,
    DeleteBlob,
    LeaseBlob,
}

impl Operation {
    fn of(method: &Method, path: &str, query: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_ascii_lowercase())
        };
        let (kind, part) = (get("restype"), get("comp"));
        let (container, blob) = split(path);
        let of = (method.as_str(), kind.as_deref(), part.as_deref());
        if container.is_empty() || matches!(kind.as_deref(), Some("account" | "service")) {
            return match of {
                ("GET", None, Some("list")) => Some(Self::ListContainers),
                ("POST", Some("service"), Some("userdelegationkey")) => {
                    Some(Self::GetUserDelegationKey)
                }
                ("GET" | "HEAD", Some("account"), Some("properties")) => {
                    Some(Self::GetAccountInformation)
                }
                _ => None,
            };
        }
        if kind.as_deref() == Some("container") {
            return match of {
                ("PUT", _, None) => Some(Self::CreateContainer),
                ("GET" | "HEAD", _, None | Some("metadata")) => Some(Self::GetContainer),
                ("DELETE", _, None) => Some(Self::DeleteContainer),
                ("PUT", _, Some("metadata")) => Some(Self::SetContainerMetadata),
                ("PUT", _, Some("undelete")) => Some(Self::RestoreContainer),
                ("PUT", _, Some("lease")) => Some(Self::LeaseContainer),
                ("GET", _, Some("list")) => Some(Self::ListBlobs),
                _ => None,
            };
        }
        match of {
            _ if blob.is_empty() => None,
            ("PUT", None, None) => Some(Self::PutBlob),
            ("GET", None, None) => Some(Self::GetBlob),
            ("HEAD", None, None) => Some(Self::GetBlobProperties),
            ("DELETE", None, None) => Some(Self::DeleteBlob),
            ("PUT", None, Some("metadata")) => Some(Self::SetBlobMetadata),
            ("PUT", None, Some("properties")) => Some(Self::SetBlobProperties),
            ("PUT", None, Some("lease")) => Some(Self::LeaseBlob),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::ListContainers => "ListContainers",
            Self::GetUserDelegationKey => "GetUserDelegationKey",
            Self::GetAccountInformation => "GetAccountInformation",
            Self::CreateContainer => "CreateContainer",
            Self::GetContainer => "GetContainer",
            Self::SetContainerMetadata => "SetContainerMetadata",
            Self::DeleteContainer => "DeleteContainer",
            Self::RestoreContainer => "RestoreContainer",
            Self::LeaseContainer => "LeaseContainer",
            Self::ListBlobs => "ListBlobs",
            Self::PutBlob => "PutBlob",
            Self::GetBlob => "GetBlob",
            Self::GetBlobProperties => "GetBlobProperties",
            Self::SetBlobMetadata => "SetBlobMetadata",
            Self::SetBlobProperties => "SetBlobProperties",
            Self::DeleteBlob => "DeleteBlob",
            Self::LeaseBlob => "LeaseBlob",
        }
    }
}

/// The journal's word for a request.
pub(super) fn word(method: &Method, path: &str, query: &str) -> &'static str {
    let query = pairs(query.as_bytes());
    Operation::of(method, path, &query).map_or("Unknown", Operation::word)
}

/// Does what a request is for.
pub(super) fn run(context: &Context<'_>) -> Done {
    let call = context.call;
    let operation = Operation::of(&call.method, &call.route.path, &call.query)
        .ok_or_else(|| Problem::of("UnsupportedHttpVerb"))?;
    match operation {
        Operation::ListContainers => lists::containers(context),
        Operation::GetUserDelegationKey => service::delegation_key(context),
        Operation::GetAccountInformation => service::information(context),
        Operation::CreateContainer => containers::create(context),
        Operation::GetContainer => containers::get(context),
        Operation::SetContainerMetadata => containers::set_metadata(context),
        Operation::DeleteContainer => containers::delete(context),
        Operation::RestoreContainer => containers::restore(context),
        Operation::LeaseContainer => leases::container(context),
        Operation::ListBlobs => lists::blobs(context),
        Operation::PutBlob => blobs::put(context),
        Operation::GetBlob => blobs::get(context, true),
        Operation::GetBlobProperties => blobs::get(context, false),
        Operation::SetBlobMetadata => blobs::set_metadata(context),
        Operation::SetBlobProperties => blobs::set_properties(context),
        Operation::DeleteBlob => blobs::delete(context),
        Operation::LeaseBlob => leases::path(context),
    }
}
