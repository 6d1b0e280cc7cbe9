//! What the API server's audit log says: who did what to the objects that matter to the operator.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Requests on the operator's own kinds, Secrets (also when only their metadata is asked for), Namespaces, workloads, Events, leases and
/// service-account tokens are noted without their bodies, once each when answered (a watch: when it begins); everything else is left out, so that the log costs next to nothing.
const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Metadata
  verbs: [watch]
  omitStages: [ResponseComplete]
  resources: &kinds
  - group: lakevault.dev
  - group: events.k8s.io
  - group: apps
  - group: argoproj.io
  - group: coordination.k8s.io
    resources: [leases]
  # further groups
  - group: ''
    resources: [secrets, configmaps, namespaces, events, serviceaccounts/token]
- level: Metadata
  omitStages: [ResponseStarted]
  resources: *kinds
- level: None
";

/// The policy, for these API groups too.
pub(crate) fn policy(groups: &[String]) -> String {
    let further = groups.iter();
    let further: String = further
        .flat_map(|group| ["  - group: ", group, "\n"])
        .collect();
    POLICY.replace("  # further groups\n", &further)
}

/// One answered request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "Raw")]
pub struct Entry {
    /// The user, as authenticated: `system:serviceaccount:lakevault-system:lakevault`.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural: `secrets`.
    pub resource: String,
    /// `status`, `token`, or empty.
    pub subresource: String,
    /// Empty for cluster-wide requests.
    pub namespace: String,
    /// Empty for requests on a collection.
    pub name: String,
    /// The HTTP status of the answer; 0 when there was none.
    pub code: u16,
    /// The path and query as requested.
    pub uri: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// When the request came, RFC 3339 with microseconds.
    pub received: String,
}

/// Reads the whole log. A last line that is still being written is left out.
///
/// # Errors
/// When the file cannot be read or a line is not an audit event.
pub fn read(log: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete
        .lines()
        .map(|line| serde_json::from_str(line).context("not an audit event"))
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    user: User,
    verb: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: Status,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user_agent: String,
    request_received_timestamp: String,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

impl From<Raw> for Entry {
    fn from(raw: Raw) -> Self {
        Self {
            user: raw.user.username,
            verb: raw.verb,
            group: raw.object_ref.api_group,
            resource: raw.object_ref.resource,
            subresource: raw.object_ref.subresource,
            namespace: raw.object_ref.namespace,
            name: raw.object_ref.name,
            code: raw.response_status.code,
            uri: raw.request_uri,
            user_agent: raw.user_agent,
            received: raw.request_received_timestamp,
        }
    }
}
