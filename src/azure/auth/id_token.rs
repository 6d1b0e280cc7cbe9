//! Who signed in, as an id token says. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longer names are cut: they go to a terminal.
const LONGEST_NAME: usize = 256;

/// The user's name, from the claim of v2 or those of v1 and ADFS. The token is not verified: it came from the authority over
/// TLS, and the name is only shown.
pub(super) fn username(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        preferred_username: Option<String>,
        upn: Option<String>,
        unique_name: Option<String>,
    }
    let payload = id_token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    let name = claims
        .preferred_username
        .or(claims.upn)
        .or(claims.unique_name)?;
    let plain = name.chars().filter(|c| !c.is_control());
    Some(plain.take(LONGEST_NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(claims: &str) -> Option<String> {
        username(&format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn the_name_is_that_of_either_version() {
        for claims in [
            r#"{"preferred_username":"ada@x.test"}"#,
            r#"{"upn":"ada@x.test","unique_name":"ada"}"#,
            r#"{"unique_name":"ada@x.test"}"#,
        ] {
            assert_eq!(of(claims).as_deref(), Some("ada@x.test"));
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(of(r#"{"upn":"a\u001b[31mda"}"#).as_deref(), Some("a[31mda"));
    }

    #[test]
    fn another_form_names_nobody() {
        assert_eq!(of("{}"), None);
        assert_eq!(username("nonsense"), None);
    }
}
