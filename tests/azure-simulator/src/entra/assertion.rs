//! Client assertions: reading them, and checking one that a certificate signed.
//!
//! Keys are RSA's alone. The document asks for PS256 (RS256 before)
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>), and the service does not take
//! elliptic curves: <https://github.com/AzureAD/microsoft-authentication-library-for-python/issues/534> says so, and in
//! <https://github.com/AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet/issues/1917> the portal let such
//! a certificate be registered, while the token endpoint answered with the code 5000 and "server error". So it is here.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    },
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::{
    errors::Denial,
    subject_name::{Trust, judge},
};
use crate::world::{
    moment::Moment,
    tenant::{Application, ClientCertificate},
};

/// Clock difference that Entra bears.
const TOLERANCE_SECONDS: i64 = 300;

/// Some clients leave the padding of base64 on the parts of a JWT, and Entra takes that.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    /// The chain, leaf first (RFC 7515, 4.1.6).
    #[serde(default)]
    x5c: Vec<String>,
}

/// Whose rules an assertion is checked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Either algorithm, either print.
    Entra,
    /// RS256 and the SHA-1 print alone.
    Adfs,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    #[serde(default, deserialize_with = "numeric_date")]
    pub(crate) exp: Option<i64>,
    #[serde(default, deserialize_with = "numeric_date")]
    pub(crate) nbf: Option<i64>,
}

/// RFC 7519 allows fractions of a second, and MSAL for Python sends them.
fn numeric_date<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(deserializer)?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the fraction is to go, and `as` saturates"
    )]
    let whole = |number: serde_json::Number| {
        number
            .as_i64()
            .or_else(|| number.as_f64().map(|at| at.floor() as i64))
    };
    Ok(number.and_then(whole))
}

/// One audience or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let many: &[String] = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        many.iter().map(String::as_str)
    }

    /// For error texts.
    pub(crate) fn shown(&self) -> String {
        self.iter().collect::<Vec<_>>().join(", ")
    }
}

/// An assertion taken apart; its signature is not checked yet.
#[derive(Debug)]
pub(crate) struct Assertion<'a> {
    pub(crate) header: Header,
    pub(crate) claims: Claims,
    /// What was signed: as it came, padding and all.
    message: &'a str,
    signature: String,
}

impl<'a> Assertion<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Denial> {
        let malformed =
            || Denial::malformed_assertion("IDX12741: JWT must have three segments (JWS).");
        let (message, signature) = text.trim().rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
        let signature = LENIENT.decode(signature).map_err(|_| malformed())?;
        Ok(Self {
            header: part(header)?,
            claims: part(claims)?,
            message,
            signature: URL_SAFE_NO_PAD.encode(signature),
        })
    }

    pub(crate) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(&self.signature, self.message.as_bytes(), key, algorithm)
            .is_ok_and(|valid| valid)
    }

    pub(crate) fn check_time(&self, now: Moment) -> Result<(), Denial> {
        let now_seconds = now.seconds();
        let begun = self
            .claims
            .nbf
            .is_none_or(|at| at <= now_seconds + TOLERANCE_SECONDS);
        let open = self
            .claims
            .exp
            .is_some_and(|at| at > now_seconds - TOLERANCE_SECONDS);
        if begun && open {
            Ok(())
        } else {
            Err(Denial::assertion_out_of_time(now, self.claims.exp))
        }
    }

    /// Checks an assertion by one of the application's certificates. `accepts` tells the tenant's token endpoints.
    pub(crate) fn check_certificate(
        &self,
        application: &Application,
        accepted: Accepted,
        accepts: impl Fn(&str) -> bool,
        now: Moment,
    ) -> Result<(), Denial> {
        let algorithm = match self.header.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "PS256" => Algorithm::PS256,
            "ES256" | "ES384" | "ES512" => return Err(Denial::elliptic_curve()),
            other => {
                return Err(Denial::malformed_assertion(&format!(
                    "The algorithm '{other}' is not supported."
                )));
            }
        };
        let print = self
            .header
            .x5t_s256
            .as_deref()
            .or(self.header.x5t.as_deref())
            .or(self.header.kid.as_deref());
        let print = print.unwrap_or_default();
        if accepted == Accepted::Adfs
            && (algorithm != Algorithm::RS256 || self.header.x5t_s256.is_some())
        {
            return Err(Denial::wrong_assertion_signature(print));
        }
        let certificate = self
            .certificate(application, now)?
            .ok_or_else(|| Denial::certificate_not_registered(print, &application.client_id))?;
        let key = certificate
            .public_key
            .as_deref()
            .ok_or_else(Denial::elliptic_curve)?;
        if !self.is_signed_by(&DecodingKey::from_rsa_der(key), algorithm) {
            return Err(Denial::wrong_assertion_signature(print));
        }
        if !(certificate.not_before..=certificate.not_after).contains(&now.seconds()) {
            return Err(Denial::certificate_out_of_time());
        }
        if !self.claims.sub.eq_ignore_ascii_case(&application.client_id) {
            return Err(Denial::assertion_application());
        }
        let audiences = self.claims.aud.iter().count();
        if audiences > 1 {
            return Err(Denial::assertion_audiences(audiences));
        }
        if !self.claims.aud.iter().any(accepts) {
            return Err(Denial::assertion_audience());
        }
        self.check_time(now)
    }

    /// The registered certificate that the header names, or the leaf of its chain when a subject and issuer are trusted.
    fn certificate<'c>(
        &self,
        application: &'c Application,
        now: Moment,
    ) -> Result<Option<Cow<'c, ClientCertificate>>, Denial> {
        let mut registered = application.certificates.iter();
        if let Some(certificate) = registered.find(|certificate| self.names(certificate)) {
            return Ok(Some(Cow::Borrowed(certificate)));
        }
        let chain = self
            .header
            .x5c
            .iter()
            .map(|part| STANDARD.decode(part))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Denial::malformed_assertion(&format!("x5c: {error}")))?;
        match judge(&application.subject_names, &chain, now) {
            Trust::Untrusted => Ok(None),
            Trust::OutOfTime => Err(Denial::certificate_out_of_time()),
            Trust::Trusted => Ok(chain
                .first()
                .and_then(|leaf| ClientCertificate::from_der(leaf).ok())
                .filter(|leaf| self.names(leaf))
                .map(Cow::Owned)),
        }
    }

    fn names(&self, certificate: &ClientCertificate) -> bool {
        let is = |given: &str, wanted: &str| url_safe(given) == wanted;
        match (&self.header.x5t_s256, &self.header.x5t, &self.header.kid) {
            (Some(print), _, _) => is(print, &certificate.x5t_s256),
            (None, Some(print), _) => is(print, &certificate.x5t),
            // Old ADAL put the thumbprint there, in hex.
            (None, None, Some(kid)) => {
                hex(kid).is_some_and(|bytes| URL_SAFE_NO_PAD.encode(bytes) == certificate.x5t)
            }
            (None, None, None) => false,
        }
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Denial> {
    let bytes = LENIENT
        .decode(text)
        .map_err(|error| Denial::malformed_assertion(&error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| Denial::malformed_assertion(&error.to_string()))
}

/// A print in base64url without padding, from either alphabet: one official client sends the standard one.
fn url_safe(print: &str) -> String {
    print
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<Vec<_>>>()?;
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect()
}
