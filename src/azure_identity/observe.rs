//! Reads credentials: the Secret with a client secret, or a token of a ServiceAccount.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::valid::{Method, Valid};
use crate::azure::auth::Credential;
use crate::k8s::api::Kube;
use crate::names::{ResourceName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The audience that Entra wants in a ServiceAccount's token (Microsoft, "Workload identity federation").
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A credential, and what it was read from.
#[derive(Debug)]
pub struct Read {
    /// The credential.
    pub credential: Credential,
    /// resourceVersion of the Secret that it was read from.
    pub version: Option<String>,
    /// What a federated credential must say to accept it.
    pub presented: Option<Presented>,
}

/// Issuer, subject and audience of a ServiceAccount's token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Presented {
    /// Who signed it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Whom it speaks of.
    #[serde(rename = "sub")]
    pub subject: String,
}

/// Reads an identity's credential.
pub async fn credential(kube: &Kube, identity: &Valid) -> Result<Read, Problem> {
    match &identity.method {
        Method::ClientSecret { secret, key } => client_secret(kube, identity, secret, key).await,
        Method::WorkloadIdentity { service_account } => {
            service_account_token(kube, identity, service_account).await
        }
    }
}

async fn client_secret(
    kube: &Kube,
    identity: &Valid,
    name: &ResourceName,
    key: &SecretKey,
) -> Result<Read, Problem> {
    let namespace = &identity.credential_namespace;
    let absent = |what: String| {
        Problem::new(
            Reason::CredentialNotFound,
            Retry::Backoff,
            format!("{}: {what}", identity.key),
        )
    };
    let secret = kube.secret(namespace, name.as_str()).await?.ok_or_else(|| {
        absent(format!(
            "there is no Secret {namespace}/{name}. Mend: kubectl -n {namespace} create secret generic {name} --from-file={key}=<file>"
        ))
    })?;
    let version = secret.metadata.resource_version;
    let value = secret.data.unwrap_or_default().remove(key.as_str());
    let value = value
        .map(|bytes| bytes.0)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| {
            absent(format!(
                "Secret {namespace}/{name} has no key {key}, or it is empty: put the client secret there, or name its key in spec.clientSecret.key"
            ))
        })?;
    Ok(Read {
        credential: Credential::Secret(SecretValue::new(trimmed(value))),
        version,
        presented: None,
    })
}

/// Without the line break that `echo` and editors leave at the end; a client secret never ends with one.
fn trimmed(mut value: Vec<u8>) -> Vec<u8> {
    while value
        .last()
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        value.pop();
    }
    value
}

async fn service_account_token(
    kube: &Kube,
    identity: &Valid,
    name: &ResourceName,
) -> Result<Read, Problem> {
    let namespace = &identity.credential_namespace;
    let token = kube
        .service_account_token(namespace, name.as_str(), AUDIENCE)
        .await
        .map_err(|problem| explain_request(problem, identity, name))?
        .ok_or_else(|| {
            let message = format!(
                "{}: there is no ServiceAccount {namespace}/{name}. Mend: kubectl -n {namespace} create serviceaccount {name}",
                identity.key
            );
            Problem::new(Reason::ServiceAccountNotFound, Retry::Backoff, message)
        })?;
    Ok(Read {
        presented: presented(&token),
        credential: Credential::Assertion(token),
        version: None,
    })
}

/// Says whose permission is missing for a token.
fn explain_request(problem: Problem, identity: &Valid, name: &ResourceName) -> Problem {
    if problem.reason != Reason::KubernetesForbidden {
        return problem;
    }
    let message = format!(
        "{}: the operator may not create tokens for ServiceAccount {}/{name}: an administrator must grant it \"create\" on serviceaccounts/token of that name",
        identity.key, identity.credential_namespace
    );
    Problem::new(Reason::TokenRequestForbidden, Retry::Backoff, message)
}

/// Issuer and subject from a token's payload, unverified: they are shown to people, nothing is decided by them.
fn presented(token: &SecretValue) -> Option<Presented> {
    let payload = token.expose_str()?.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Adds to a refused federation what was presented, and the command that registers it.
pub fn explain_federation(
    problem: Problem,
    identity: &Valid,
    presented: Option<&Presented>,
) -> Problem {
    let Some(Presented { issuer, subject }) =
        presented.filter(|_| problem.reason == Reason::FederationMismatch)
    else {
        return problem;
    };
    let message = format!(
        "{}. Presented were issuer {issuer:?}, subject {subject:?}, audience {AUDIENCE:?}. Register them: az ad app federated-credential create --id {} --parameters '{{\"name\":\"{}\",\"issuer\":\"{issuer}\",\"subject\":\"{subject}\",\"audiences\":[\"{AUDIENCE}\"]}}' (for a managed identity: az identity federated-credential create)",
        problem.message, identity.profile.client, identity.key.name
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
        assert_eq!(presented(&token), Some(expected));
        assert_eq!(presented(&SecretValue::from("nonsense".to_owned())), None);
    }

    #[test]
    fn a_line_break_at_the_end_of_a_client_secret_is_dropped() {
        assert_eq!(trimmed(b"s3cret\r\n".to_vec()), b"s3cret");
        assert_eq!(trimmed(b" s3 cret ".to_vec()), b" s3 cret ");
    }
}
