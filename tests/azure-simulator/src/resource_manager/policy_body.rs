//! What a body says about access policies, with the provider's checks.

use serde::Deserialize;

use super::vault_body::invalid;
use crate::world::{failure::Failure, spec::AccessPolicy};

const MAX_POLICIES: usize = 1024;

const SECRETS: &str = "get list set delete backup restore recover purge all";
const KEYS: &str = "get list create import update delete backup restore recover purge encrypt decrypt wrapkey unwrapkey \
                    sign verify rotate getrotationpolicy setrotationpolicy release all";
const CERTIFICATES: &str = "get list create import update delete managecontacts getissuers listissuers setissuers \
                            deleteissuers manageissuers recover purge backup restore all";
const STORAGE: &str = "get list delete set update regeneratekey recover purge backup restore getsas listsas deletesas \
                       setsas all";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyBody {
    #[serde(default)]
    tenant_id: String,
    #[serde(default)]
    object_id: String,
    #[serde(default)]
    application_id: Option<String>,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    keys: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
    certificates: Option<Vec<String>>,
    storage: Option<Vec<String>>,
}

/// The policies of a body.
pub(super) fn read(policies: Vec<PolicyBody>) -> Result<Vec<AccessPolicy>, Failure> {
    if policies.len() > MAX_POLICIES {
        return Err(Failure::bad_request(format!(
            "The number of access policies exceeds the limit of {MAX_POLICIES}."
        )));
    }
    policies.into_iter().map(PolicyBody::read).collect()
}

impl PolicyBody {
    fn read(self) -> Result<AccessPolicy, Failure> {
        if self.object_id.is_empty() || self.tenant_id.is_empty() {
            return Err(Failure::bad_request(
                "An invalid value was provided for 'accessPolicies': tenantId and objectId are required.",
            ));
        }
        let given = self.permissions;
        let words = |field: &str, words: Option<Vec<String>>, known: &str| {
            let is_known = |word: &String| {
                let word = word.to_ascii_lowercase();
                known.split_whitespace().any(|one| one == word)
            };
            match words.iter().flatten().find(|word| !is_known(word)) {
                Some(word) => Err(invalid(&format!("permissions.{field}"), word)),
                None => Ok(words),
            }
        };
        Ok(AccessPolicy {
            tenant_id: Some(self.tenant_id),
            object_id: self.object_id,
            application_id: self.application_id.filter(|id| !id.is_empty()),
            secrets: words("secrets", given.secrets, SECRETS)?,
            certificates: words("certificates", given.certificates, CERTIFICATES)?,
            keys: words("keys", given.keys, KEYS)?,
            storage: words("storage", given.storage, STORAGE)?,
        })
    }
}
