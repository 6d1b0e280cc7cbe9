use http::{HeaderMap, Method};
use url::Url;

use super::*;
use crate::azure::http::{Body, Route};

fn answer(status: u16, challenges: &[&str]) -> Answer {
    let mut headers = HeaderMap::new();
    for challenge in challenges {
        headers.append(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_str(challenge).unwrap(),
        );
    }
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Body::new(Vec::new()),
    }
}

fn asked(challenges: &[&str]) -> Result<Option<KeyName>, Problem> {
    challenge(&answer(401, challenges), &KeyFolder::default())
}

#[test]
fn a_key_in_the_agents_folder_is_asked_for() {
    let expected = Some(KeyName("0a-F.key".to_owned()));
    for good in [
        "Basic realm=/var/opt/azcmagent/tokens/0a-F.key",
        "basic Realm=\"/var/opt/azcmagent/tokens/0a-F.key\"",
        " Basic  realm = /var/opt/azcmagent/tokens/0a-F.key ",
    ] {
        assert_eq!(asked(&[good]).unwrap(), expected, "{good}");
        assert_eq!(asked(&["Bearer realm=x", good]).unwrap(), expected);
    }
    let folder = KeyFolder::new("/tmp/keys");
    let elsewhere = answer(401, &["Basic realm=/tmp/keys/0a-F.key"]);
    assert_eq!(challenge(&elsewhere, &folder).unwrap(), expected);
    assert!(challenge(&elsewhere, &KeyFolder::default()).is_err());
}

#[test]
fn any_other_file_is_refused() {
    let folder = "/var/opt/azcmagent/tokens";
    let long = format!("{folder}/{}.key", "a".repeat(200));
    for bad in [
        "/etc/shadow",
        "/etc/shadow.key",
        "/var/opt/azcmagent/tokens/../../../../etc/shadow.key",
        "/var/opt/azcmagent/tokens/sub/a.key",
        "/var/opt/azcmagent/tokens//a.key",
        "/var/opt/azcmagent/tokens/a.pem",
        "/var/opt/azcmagent/tokens/.key",
        "/var/opt/azcmagent/tokens/..key",
        "/var/opt/azcmagent/tokens/a%2f.key",
        "/var/opt/azcmagent/tokens-of-mine/a.key",
        "a.key",
        "",
        &long,
    ] {
        let problem = asked(&[&format!("Basic realm={bad}")]).unwrap_err();
        assert_eq!(problem.reason, Reason::AuthenticationFailed, "{bad}");
        assert!(problem.message.contains(folder), "{bad}: {problem}");
        assert_eq!(problem.http_status, Some(401));
    }
}

#[test]
fn a_401_without_a_realm_and_a_token_without_a_challenge_are_refused() {
    for none in [&[][..], &["Basic"], &["Basic user=x"], &["Bearer realm=/a"]] {
        let problem = asked(none).unwrap_err();
        assert_eq!(problem.reason, Reason::AuthenticationFailed, "{none:?}");
        assert!(problem.message.contains("names no key"), "{problem}");
    }
    let folder = KeyFolder::default();
    assert!(challenge(&answer(200, &[]), &folder).is_err());
    // What else it says, it says without a challenge.
    assert_eq!(challenge(&answer(429, &[]), &folder).unwrap(), None);
}

#[test]
fn the_key_is_sent_back_without_line_breaks_around_it() {
    let request = || Request {
        route: Route::Direct,
        method: Method::GET,
        url: Url::parse("http://localhost:40342/").unwrap(),
        headers: Vec::new(),
        body: None,
        timeout: std::time::Duration::from_secs(1),
    };
    let sent = answered(request(), &SecretValue::from("c2VjcmV0\n".to_owned())).unwrap();
    let (name, value) = &sent.headers[0];
    assert_eq!(
        (name, value.to_str().unwrap()),
        (&header::AUTHORIZATION, "Basic c2VjcmV0")
    );
    assert!(value.is_sensitive());
    for bad in [&b"\n"[..], b"", b"a\nb", &[0xff]] {
        let problem = answered(request(), &SecretValue::new(bad.to_vec())).unwrap_err();
        assert_eq!(problem.reason, Reason::EnvironmentUnusable);
    }
}

#[test]
fn only_a_file_of_the_agents_is_a_key() {
    let good = Seen {
        regular: true,
        size: 4096,
        owner: 998,
        folder_owner: 998,
        folder_mode: 0o750,
    };
    assert_eq!(check(&good), Ok(()));
    assert_eq!(check(&Seen { owner: 0, ..good }), Ok(()));
    let refused = [
        Seen {
            regular: false,
            ..good
        },
        Seen { size: 4097, ..good },
        Seen {
            owner: 1000,
            ..good
        },
        Seen {
            owner: 1000,
            folder_owner: 0,
            ..good
        },
        Seen {
            folder_mode: 0o757,
            ..good
        },
    ];
    for seen in refused {
        assert!(check(&seen).is_err(), "{seen:?}");
    }
}
