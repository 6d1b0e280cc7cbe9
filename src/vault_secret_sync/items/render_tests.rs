use super::*;
use crate::azure::key_vault::{Kind, Object};
use crate::vault_secret_sync::api::Decode;
use crate::vault_secret_sync::items::item::{Located, SecretPart};

fn item(property: Option<&str>, decode: Decode) -> Item {
    let object = Object {
        kind: Kind::Secret,
        name: "s".parse().unwrap(),
        version: None,
    };
    let part = SecretPart {
        id: Located {
            vault: None,
            object,
        },
        property: property.map(str::to_owned),
        decode,
    };
    Item {
        at: "spec.data[0]".to_owned(),
        source: Source::Secret {
            key: "K".parse().unwrap(),
            part,
        },
        optional: false,
        found: false,
    }
}

#[expect(clippy::unwrap_in_result, reason = "the version is one")]
fn only(item: &Item, value: SecretValue) -> Result<SecretValue, Problem> {
    let bundle = Bundle {
        version: "v1".parse().unwrap(),
        value,
        content_type: None,
        updated: None,
        not_before: None,
        expires: None,
        answered: None,
    };
    render(item, &[&bundle]).map(|mut rendered| rendered.values.remove(0).1)
}

fn rendered(property: Option<&str>, decode: Decode, value: &str) -> Result<String, Reason> {
    let value = SecretValue::from(value.to_owned());
    only(&item(property, decode), value)
        .map(|value| String::from_utf8(value.expose().to_vec()).unwrap())
        .map_err(|problem| problem.reason)
}

#[test]
fn a_property_is_found_by_path_then_by_its_literal_name() {
    let json = r#"{"a":{"b":"deep","n":1,"list":[{"x":"1"},{"x":"2"}]},"a.c":"dotted","t":true,"we ird":"w"}"#;
    for (path, expected) in [
        ("a.b", "deep"),
        ("$.a.b", "deep"),
        ("a.list[1].x", "2"),
        ("a.n", "1"),
        ("t", "true"),
        ("a.c", "dotted"),
        ("we ird", "w"),
        ("$['a.c']", "dotted"),
        ("a.list[0]", r#"{"x":"1"}"#),
    ] {
        assert_eq!(
            rendered(Some(path), Decode::None, json).as_deref(),
            Ok(expected),
            "{path}"
        );
    }
}

#[test]
fn what_is_not_there_is_told_apart() {
    assert_eq!(
        rendered(Some("x"), Decode::None, "not json"),
        Err(Reason::NotJson)
    );
    assert_eq!(
        rendered(Some("x"), Decode::None, r#"{"y":1}"#),
        Err(Reason::PropertyNotFound)
    );
    assert_eq!(
        rendered(Some("x"), Decode::None, r#"{"x":null}"#),
        Err(Reason::PropertyNotFound)
    );
    assert_eq!(
        rendered(Some("$..x"), Decode::None, r#"[{"x":1},{"x":2}]"#),
        Err(Reason::PropertyNotFound)
    );
    assert_eq!(
        rendered(Some("x"), Decode::None, r#"{"x":""}"#),
        Err(Reason::EmptyValue)
    );
    assert_eq!(rendered(None, Decode::None, ""), Err(Reason::EmptyValue));
}

#[test]
fn both_alphabets_are_decoded_with_and_without_padding() {
    assert_eq!(
        rendered(None, Decode::Base64, "aGk/Pz4=\n").as_deref(),
        Ok("hi??>")
    );
    assert_eq!(
        rendered(None, Decode::Base64, "aGk/Pz4").as_deref(),
        Ok("hi??>")
    );
    assert_eq!(
        rendered(None, Decode::Base64Url, "aGk_Pz4").as_deref(),
        Ok("hi??>")
    );
    assert_eq!(
        rendered(None, Decode::Base64Url, "aGk/Pz4="),
        Err(Reason::DecodeFailed)
    );
    assert_eq!(
        rendered(None, Decode::Base64, "%"),
        Err(Reason::DecodeFailed)
    );
}

#[test]
fn messages_do_not_quote_the_secret() {
    for (property, decode, value) in [
        (Some("x"), Decode::None, "hunter2"),
        (None, Decode::Base64, "hunter2%"),
        (Some("x"), Decode::None, "{\"hunter2\":1}"),
    ] {
        let problem =
            only(&item(property, decode), SecretValue::from(value.to_owned())).unwrap_err();
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }
}

proptest::proptest! {
    #[test]
    fn no_input_makes_it_panic(path in ".{0,40}", value in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
        for decode in [Decode::None, Decode::Base64, Decode::Base64Url] {
            let outcome = only(&item(Some(&path), decode), SecretValue::new(value.clone()));
            proptest::prop_assert!(outcome.is_err() || !outcome.is_ok_and(|value| value.is_empty()));
        }
    }
}
