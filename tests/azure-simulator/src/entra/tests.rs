//! Matching of foreign tokens, and reading of assertions.

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};

use super::{assertion::Assertion, federation::check_match};
use crate::world::{moment::Moment, spec::FederatedCredential};

fn unsigned(claims: &str, padded: bool) -> String {
    let encode = |text: &str| {
        if padded {
            URL_SAFE.encode(text)
        } else {
            URL_SAFE_NO_PAD.encode(text)
        }
    };
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"RS256"}"#),
        encode(claims),
        encode("signature")
    )
}

fn credential(subject: &str, audience: &str) -> FederatedCredential {
    FederatedCredential {
        name: String::new(),
        issuer: "https://i".into(),
        subject: subject.into(),
        audience: audience.into(),
    }
}

/// Code of the refusal, 0 when it matches.
fn code(credentials: &[FederatedCredential], claims: &str) -> u32 {
    let text = unsigned(claims, false);
    check_match(credentials, &Assertion::parse(&text).unwrap())
        .map_or_else(|denial| denial.code, |()| 0)
}

#[test]
fn subject_and_audience_must_match_in_one_credential() {
    let given = [credential("s1", "a1"), credential("s2", "a2")];
    assert_eq!(
        code(&given, r#"{"iss":"https://i","sub":"s1","aud":"a1"}"#),
        0
    );
    assert_eq!(
        code(&given, r#"{"iss":"https://i","sub":"s2","aud":["x","a2"]}"#),
        0
    );
    assert_eq!(
        code(&given, r#"{"iss":"https://i","sub":"s1","aud":"a2"}"#),
        700_212
    );
    assert_eq!(
        code(&given, r#"{"iss":"https://i","sub":"s3","aud":"a1"}"#),
        700_213
    );
    assert_eq!(
        code(&given, r#"{"iss":"https://j","sub":"s1","aud":"a1"}"#),
        700_211
    );
    assert_eq!(
        code(&[], r#"{"iss":"https://i","sub":"s1","aud":"a1"}"#),
        70_021
    );
}

#[test]
fn padding_on_the_parts_is_borne() {
    let claims = r#"{"iss":"i","sub":"s","aud":"a","exp":12.75}"#;
    let (padded, bare) = (unsigned(claims, true), unsigned(claims, false));
    assert!(padded.contains('='));
    for text in [padded, bare] {
        assert_eq!(Assertion::parse(&text).unwrap().claims.exp, Some(12));
    }
}

#[test]
fn time_is_borne_within_five_minutes() {
    let checked = |now: i64| {
        let text = unsigned(
            r#"{"iss":"i","sub":"s","aud":"a","nbf":1000,"exp":2000}"#,
            false,
        );
        Assertion::parse(&text)
            .unwrap()
            .check_time(Moment(now * 1000))
            .is_ok()
    };
    assert!(checked(700) && checked(1500) && checked(2299));
    assert!(!checked(699) && !checked(2300));
}

#[test]
fn an_assertion_without_an_end_is_refused() {
    let text = unsigned(r#"{"iss":"i","sub":"s","aud":"a"}"#, false);
    assert_eq!(
        Assertion::parse(&text)
            .unwrap()
            .check_time(Moment(0))
            .unwrap_err()
            .code,
        700_024
    );
}

#[test]
fn text_that_is_no_token_is_refused() {
    for text in ["", "a", "a.b", "a.b.c", "{}.{}.{}", "e30.e30.e30"] {
        assert_eq!(Assertion::parse(text).unwrap_err().code, 50_027, "{text}");
    }
}
