//! What tests of this folder share.

use std::fmt::Write;

use super::{Lake, LakePath, LakeUri, Place};
use crate::azure::auth::Profile;
use crate::azure::cloud::Cloud;
pub(super) use crate::azure::fixtures::answer;
use crate::azure_identity::api::CloudName;

pub(super) const ACCOUNT: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lakea";

pub(super) fn profile() -> Profile {
    Profile {
        cloud: Cloud::shared(CloudName::Public),
        tenant: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        client: Some("22222222-2222-2222-2222-222222222222".parse().unwrap()),
    }
}

pub(super) fn lake() -> Lake {
    let storage = profile().cloud.storage.clone().unwrap();
    Lake {
        uri: LakeUri::of(&"lakea".parse().unwrap(), &storage),
        id: ACCOUNT.to_owned(),
    }
}

/// A path of filesystem `raw`.
pub(super) fn place(path: &str) -> Place {
    let path: LakePath = path.parse().unwrap();
    lake().at(&"raw".parse().unwrap(), Some(&path))
}

/// Filesystem `raw`.
pub(super) fn whole() -> Place {
    lake().at(&"raw".parse().unwrap(), None)
}

/// What a call says, in one line.
pub(super) fn told(call: &super::Call) -> String {
    let token = crate::secret::SecretValue::from("t0ken".to_owned());
    let request = super::request(&profile(), call, &token).unwrap();
    let url = request.url.as_str();
    let path = url
        .strip_prefix("https://lakea.dfs.core.windows.net")
        .unwrap();
    let mut told = format!("{} {path}", request.method);
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "authorization" | "accept" | "x-ms-version") {
            write!(told, " {name}={}", value.to_str().unwrap()).unwrap();
        }
    }
    told
}
