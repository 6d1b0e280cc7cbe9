//! Machine Learning Servers: who may sign in there.

use serde::Deserialize;

use super::{World, spec::SecretText};

/// A server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct MlServerSpec {
    /// Full name, as `mls.sim.test`.
    pub(crate) host: String,
    /// Empty: it takes Entra's tokens alone, and has no `/login`.
    pub(crate) users: Vec<MlUserSpec>,
    pub(crate) token_lifetime_seconds: i64,
    /// Client id of the application whose Entra tokens it takes, too.
    pub(crate) audience: Option<String>,
    /// Whose tokens these are.
    pub(crate) tenant_id: Option<String>,
}

/// A user of a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MlUserSpec {
    pub(crate) username: String,
    pub(crate) password: SecretText,
}

impl Default for MlServerSpec {
    fn default() -> Self {
        Self {
            host: String::new(),
            users: Vec::new(),
            token_lifetime_seconds: 3600,
            audience: None,
            tenant_id: None,
        }
    }
}

impl MlServerSpec {
    /// Whether a user has that password.
    pub(crate) fn knows(&self, username: &str, password: &str) -> bool {
        self.users
            .iter()
            .any(|user| user.username == username && user.password.0 == password)
    }

    /// Whether the user is still there.
    pub(crate) fn has_user(&self, username: &str) -> bool {
        self.users.iter().any(|user| user.username == username)
    }
}

impl World {
    /// Makes or replaces a server.
    pub(crate) fn put_ml_server(&mut self, spec: MlServerSpec) -> Result<(), String> {
        let host = spec.host.to_ascii_lowercase();
        if !host.contains('.') || host.contains(['/', ':']) {
            return Err(format!(
                "Machine Learning Server {host:?}: host is a full name, as mls.sim.test"
            ));
        }
        if spec.audience.is_some() != spec.tenant_id.is_some() {
            return Err(format!(
                "Machine Learning Server {host}: audience and tenantId go together"
            ));
        }
        self.ml_servers.insert(host, spec);
        Ok(())
    }
}
