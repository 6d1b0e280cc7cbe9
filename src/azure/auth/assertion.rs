//! Client assertions: the signed statement by which an application proves that it has its certificate's key (RFC 7523;
//! Microsoft identity platform, "Application authentication certificate credentials"). Nothing but the random salt of PS256
//! goes in besides the arguments.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::certificate::{ClientCertificate, SKEW, Signer, refused};
use crate::certificate::Kind;
use crate::problem::Problem;
use crate::secret::SecretValue;

/// Life of an assertion from now on, as MSAL makes them. It is used within seconds; the rest is for a clock that is slow.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What an assertion says.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// The URL of the token endpoint that it is sent to.
    pub audience: &'a str,
    /// The application.
    pub client_id: &'a str,
    /// Now.
    pub now: Timestamp,
    /// An id that is used once, such as a random UUID.
    pub id: &'a str,
}

/// How it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// PS256 with `x5t#S256`: Entra's v2 endpoint.
    Ps256,
    /// RS256 with `x5t`: ADFS and v1 endpoints. They know nothing newer.
    Rs256,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<&'a str>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<&'a [String]>,
}

/// There is no `iat`: it is optional, and a server whose clock is behind may take one from its future amiss.
#[derive(Serialize)]
struct Payload<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: &'a str,
    nbf: i64,
    exp: i64,
}

impl ClientCertificate {
    /// The assertion as a compact JWT. `send_chain` adds the certificates themselves (`x5c`), for applications that trust a
    /// subject and issuer instead of one certificate.
    pub fn assertion(
        &self,
        claims: &Claims<'_>,
        form: Form,
        send_chain: bool,
    ) -> Result<SecretValue, Problem> {
        let key = match self.signer() {
            Signer::Rsa(key) => key,
            Signer::Unusable(kind) => return Err(not_rsa(*kind)),
        };
        let prints = self.thumbprints();
        let (alg, encoding, x5t, x5t_s256): (_, &'static dyn RsaEncoding, _, _) = match form {
            Form::Ps256 => ("PS256", &RSA_PSS_SHA256, None, Some(&*prints.sha256)),
            Form::Rs256 => ("RS256", &RSA_PKCS1_SHA256, Some(&*prints.sha1), None),
        };
        let header = Header {
            alg,
            typ: "JWT",
            x5t,
            x5t_s256,
            x5c: send_chain.then(|| self.chain()),
        };
        let payload = Payload {
            aud: claims.audience,
            iss: claims.client_id,
            sub: claims.client_id,
            jti: claims.id,
            nbf: seconds(claims.now, -SKEW),
            exp: seconds(claims.now, LIFE),
        };
        let mut token = format!("{}.{}", part(&header)?, part(&payload)?);
        let signature = sign(key, encoding, token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(SecretValue::from(token))
    }
}

fn part(value: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_vec(value)
        .map_err(|error| refused(format!("the assertion cannot be written: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn sign(
    key: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, Problem> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| refused("its RSA key does not sign"))?;
    Ok(signature)
}

fn seconds(now: Timestamp, offset: SignedDuration) -> i64 {
    now.as_second().saturating_add(offset.as_secs())
}

/// Entra takes RSA only, in every cloud, though its portal lets anybody upload an EC certificate: the documentation demands
/// PS256 ("Application authentication certificate credentials"), EC certificates fail (github.com/AzureAD
/// microsoft-identity-web#1809, microsoft-authentication-library-for-dotnet#2573, closed as "won't fix"), ES256 is
/// answered with AADSTS5002738 (microsoft-identity-web#3467). For ADFS the official library signs with RS256 alone
/// (MSAL Python, `application.py`).
fn not_rsa(kind: Kind) -> Problem {
    refused(format!(
        "its key is {kind}, and Azure takes RSA keys only, though it lets you upload others; make a new certificate: `openssl req -x509 -newkey rsa:2048 -sha256 -noenc -days 365 -subj /CN=<name> -keyout key.pem -out cert.pem`, register it with `az ad app credential reset --id <clientId> --cert @cert.pem --append`, and store both here: `cat key.pem cert.pem`"
    ))
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
