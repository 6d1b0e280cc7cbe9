//! What a service says when it refuses a token (`WWW-Authenticate: Bearer …`, RFC 6750 §3, Key Vault "Authentication, requests
//! and responses", Microsoft identity platform "Claims challenges"). Pure.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::WWW_AUTHENTICATE;

use super::auth::Claims;
use super::http::Answer;

/// A Bearer challenge.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Who issues the tokens that are wanted.
    pub authorization: Option<String>,
    /// What they are for.
    pub resource: Option<String>,
    /// What they must say (continuous access evaluation).
    pub claims: Option<Claims>,
}

impl Challenge {
    /// Reads `Bearer authorization="…", resource="…", claims="…"`; also under the names `authorization_uri`,
    /// `resource_id` and `scope`.
    pub fn read(answer: &Answer) -> Self {
        let mut challenge = Self::default();
        let headers = answer.headers.get_all(WWW_AUTHENTICATE);
        for text in headers.iter().filter_map(|value| value.to_str().ok()) {
            let Some((scheme, parameters)) = text.trim().split_once(' ') else {
                continue;
            };
            if scheme.eq_ignore_ascii_case("bearer") {
                for (name, value) in split(parameters) {
                    challenge.take(&name, value);
                }
            }
        }
        challenge
    }

    fn take(&mut self, name: &str, value: String) {
        match name {
            "authorization" | "authorization_uri" => self.authorization = Some(value),
            "resource" | "resource_id" => self.resource = Some(value),
            "scope" => self.resource = Some(value.trim_end_matches("/.default").to_owned()),
            "claims" => self.claims = decode(&value),
            _ => {}
        }
    }
}

/// `name="value"` or `name=value`, separated by commas or spaces. A quoted value may hold either.
fn split(parameters: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = parameters;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once([',', ' ']).unwrap_or((after, "")),
        };
        found.push((name, value.to_owned()));
        rest = left;
    }
    found
}

/// Claims come in base64, of either alphabet.
fn decode(text: &str) -> Option<Claims> {
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
        .ok()?;
    String::from_utf8(bytes).ok().map(Claims)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;
    use crate::azure::http::Body;

    fn read(header: &'static str) -> Challenge {
        Challenge::read(&Answer {
            status: StatusCode::UNAUTHORIZED,
            headers: HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(header))]),
            body: Body::new(Vec::new()),
        })
    }

    #[test]
    fn both_spellings_are_read() {
        let expected = Challenge {
            authorization: Some("https://login.test/t".to_owned()),
            resource: Some("https://vault.test".to_owned()),
            claims: None,
        };
        let old = r#"Bearer authorization="https://login.test/t", resource="https://vault.test""#;
        assert_eq!(read(old), expected);
        let new =
            r"Bearer authorization_uri=https://login.test/t scope=https://vault.test/.default";
        assert_eq!(read(new), expected);
        assert_eq!(read(r#"Basic realm="x""#), Challenge::default());
    }

    #[test]
    fn claims_are_decoded_and_nonsense_is_none() {
        let header = r#"Bearer realm="", authorization_uri="https://login.test/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==""#;
        let claims = read(header).claims.unwrap();
        assert_eq!(claims.0, r#"{"access_token":{"nbf":{"essential":true}}}"#);
        assert_eq!(read(r#"Bearer claims="%%%""#).claims, None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

        /// Whatever stands in the header, nothing panics, and no text appears that the header does not have.
        #[test]
        fn no_header_makes_it_panic_or_invent_an_authority(
            noise in "[ -~]{0,60}",
            parameters in proptest::collection::vec("[a-z_]{1,16}=\"?[ -~]{0,20}\"?", 0..5),
        ) {
            for text in [noise, format!("Bearer {}", parameters.join(", "))] {
                let Ok(header) = HeaderValue::from_str(&text) else { continue };
                let challenge = Challenge::read(&Answer {
                    status: StatusCode::UNAUTHORIZED,
                    headers: HeaderMap::from_iter([(WWW_AUTHENTICATE, header)]),
                    body: Body::new(Vec::new()),
                });
                let authority = challenge.authorization.unwrap_or_default();
                proptest::prop_assert!(text.contains(&authority), "{authority} of {text}");
            }
        }
    }
}
