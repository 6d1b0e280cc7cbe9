//! Reads credentials: Secrets, tokens of a ServiceAccount, files of the operator's environment.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::valid::Valid;
use crate::azure::auth::Profile;
use crate::k8s::api::Kube;
use crate::names::{ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The audience that Entra wants in a ServiceAccount's token (Microsoft, "Workload identity federation").
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A Secret with a credential.
pub struct CredentialSecret {
    /// resourceVersion.
    pub version: Option<String>,
    named: String,
    data: Vec<(String, SecretValue)>,
}

impl CredentialSecret {
    /// The bytes of a key. `what` they should be, and the field of the spec that names the key, go into the message.
    pub fn bytes(&self, key: &SecretKey, what: &str, field: &str) -> Result<SecretValue, Problem> {
        let found = self.data.iter().find(|(name, _)| name == key.as_str());
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                absent(format!(
                    "{} has no key {key}, or it is empty: put {what} there, or name its key in spec.{field}",
                    self.named
                ))
            })
    }

    /// The same as text, without line breaks at its end.
    pub fn text(&self, key: &SecretKey, what: &str, field: &str) -> Result<SecretValue, Problem> {
        Ok(trimmed(&self.bytes(key, what, field)?))
    }

    /// Says where a problem with a key's content was seen.
    pub fn at(&self, key: &SecretKey, problem: Problem) -> Problem {
        Problem {
            message: format!("{}, key {key}: {}", self.named, problem.message),
            ..problem
        }
    }
}

/// The Secret with an identity's credential.
pub async fn secret(
    kube: &Kube,
    identity: &Valid,
    name: &str,
) -> Result<CredentialSecret, Problem> {
    named_secret(kube, &identity.credential_namespace, name).await
}

/// A Secret with a credential.
pub async fn named_secret(
    kube: &Kube,
    namespace: &str,
    name: &str,
) -> Result<CredentialSecret, Problem> {
    let secret = kube.secret(namespace, name).await?.ok_or_else(|| {
        absent(format!(
            "there is no Secret {namespace}/{name}. Mend: kubectl -n {namespace} create secret generic {name} --from-file=<key>=<file>"
        ))
    })?;
    let data = secret.data.unwrap_or_default().into_iter();
    Ok(CredentialSecret {
        version: secret.metadata.resource_version,
        named: format!("Secret {namespace}/{name}"),
        data: data
            .map(|(key, value)| (key, SecretValue::new(value.0)))
            .collect(),
    })
}

fn absent(message: String) -> Problem {
    Problem::new(Reason::CredentialNotFound, Retry::Backoff, message)
}

/// Without the line break that `echo` and editors leave at the end; a secret text never ends with one.
pub fn trimmed(value: &SecretValue) -> SecretValue {
    let end = value
        .expose()
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    SecretValue::new(value.expose().get(..end).unwrap_or_default().to_vec())
}

/// A file that a variable of the operator's environment names, read anew each time: it may have been replaced.
pub async fn file(variable: &str, path: &Path) -> Result<SecretValue, Problem> {
    let unusable = |what: String| {
        let message = format!(
            "the file {} (variable {variable} of the operator's environment) {what}",
            path.display()
        );
        Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message)
    };
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|error| unusable(format!("cannot be read: {error}")))?;
    if bytes.is_empty() {
        return Err(unusable("is empty".to_owned()));
    }
    Ok(SecretValue::new(bytes))
}

/// Says in which file a problem was seen.
pub fn at_file(path: &Path, problem: Problem) -> Problem {
    Problem {
        message: format!("{}: {}", path.display(), problem.message),
        ..problem
    }
}

/// What to say where the operator has no workload identity of its own.
pub fn no_own_workload_identity(what: &str) -> Problem {
    let message = format!(
        "the operator's pod has no workload identity of its own ({what}): label its pods azure.workload.identity/use=true and annotate its ServiceAccount azure.workload.identity/client-id, or set spec.workloadIdentity.serviceAccountName"
    );
    Problem::new(Reason::EnvironmentUnusable, Retry::OnChange, message)
}

/// A token of a ServiceAccount of the identity's namespace, for Entra.
pub async fn service_account_token(
    kube: &Kube,
    identity: &Valid,
    name: &ResourceName,
) -> Result<SecretValue, Problem> {
    let namespace = &identity.credential_namespace;
    kube.service_account_token(namespace, name.as_str(), AUDIENCE)
        .await
        .map_err(|problem| explain_request(problem, identity, name))?
        .ok_or_else(|| {
            let message = format!(
                "there is no ServiceAccount {namespace}/{name}. Mend: kubectl -n {namespace} create serviceaccount {name}"
            );
            Problem::new(Reason::ServiceAccountNotFound, Retry::Backoff, message)
        })
}

/// Says whose permission is missing for a token.
fn explain_request(problem: Problem, identity: &Valid, name: &ResourceName) -> Problem {
    if problem.reason != Reason::KubernetesForbidden {
        return problem;
    }
    let message = format!(
        "the operator may not create tokens for ServiceAccount {}/{name}: an administrator must allow that name (deploy/rbac.yaml). Mend: add it to tokenRequests.serviceAccounts of the chart; without helm: kubectl patch clusterrole lakevault-token-requests --type json -p '[{{\"op\":\"add\",\"path\":\"/rules/0/resourceNames/-\",\"value\":\"{name}\"}}]'",
        identity.credential_namespace
    );
    Problem::new(Reason::TokenRequestForbidden, Retry::Backoff, message)
}

/// What a federated credential must say to accept a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Presented {
    /// Who signed it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Whom it speaks of.
    #[serde(rename = "sub")]
    pub subject: String,
}

impl Presented {
    /// Issuer and subject from a token's payload, unverified: they are shown to people, nothing is decided by them.
    pub fn read(token: &SecretValue) -> Option<Self> {
        let payload = token.expose_str()?.split('.').nth(1)?;
        let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// Adds to a refused federation what was presented, and the command that registers it.
pub fn explain_federation(
    problem: Problem,
    profile: &Profile,
    name: &str,
    presented: Option<&Presented>,
) -> Problem {
    let Some(Presented { issuer, subject }) =
        presented.filter(|_| problem.reason == Reason::FederationMismatch)
    else {
        return problem;
    };
    let client = profile.client.as_ref().map_or("", |client| client.as_str());
    let message = format!(
        "{}. Presented were issuer {issuer:?}, subject {subject:?}, audience {AUDIENCE:?}. Register them: az ad app federated-credential create --id {client} --parameters '{{\"name\":\"{name}\",\"issuer\":\"{issuer}\",\"subject\":\"{subject}\",\"audiences\":[\"{AUDIENCE}\"]}}' (for a managed identity: az identity federated-credential create)",
        problem.message
    );
    Problem { message, ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_presented_is_read_from_the_token() {
        let payload = URL_SAFE_NO_PAD
            .encode(r#"{"iss":"https://issuer","sub":"system:serviceaccount:a:b","aud":["x"]}"#);
        let token = SecretValue::from(format!("h.{payload}.s"));
        let expected = Presented {
            issuer: "https://issuer".to_owned(),
            subject: "system:serviceaccount:a:b".to_owned(),
        };
        assert_eq!(Presented::read(&token), Some(expected));
        assert_eq!(
            Presented::read(&SecretValue::from("nonsense".to_owned())),
            None
        );
    }

    #[test]
    fn a_line_break_at_the_end_of_a_client_secret_is_dropped() {
        let trim = |text: &str| {
            trimmed(&SecretValue::from(text.to_owned()))
                .expose()
                .to_vec()
        };
        assert_eq!(trim("s3cret\r\n"), b"s3cret");
        assert_eq!(trim(" s3cret "), b" s3cret ");
        assert_eq!(trim("\n"), b"");
    }
}
