//! From a vault's value to a key's value: property, decoding. Pure.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonpath_rust::JsonPath;
use serde_json::Value;
use zeroize::Zeroize;

use super::api::Decode;
use super::entry::{Entry, SecretPart, Source};
use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// The value of a key. No message quotes any part of the secret.
pub fn render(entry: &Entry, value: &SecretValue) -> Result<SecretValue, Problem> {
    let rendered = match &entry.source {
        Source::Secret(part) => take(&entry.key, part, value)?,
        Source::Token(_) => value.clone(),
    };
    if rendered.is_empty() {
        return Err(problem(
            Reason::EmptyValue,
            format!(
                "{} is empty: an empty value is never put into a Secret; set a value in the vault",
                entry.object()
            ),
        ));
    }
    Ok(rendered)
}

fn take(key: &SecretKey, part: &SecretPart, value: &SecretValue) -> Result<SecretValue, Problem> {
    let taken = match &part.property {
        Some(path) => property(part, path, value)?,
        None => value.clone(),
    };
    match part.decode {
        Decode::None => Ok(taken),
        Decode::Base64 => decode(key, part, &STANDARD, &taken),
        Decode::Base64Url => decode(key, part, &URL_SAFE, &taken),
    }
}

fn problem(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

/// JSON whose texts are wiped when it goes.
struct Json(Value);

impl Drop for Json {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn property(part: &SecretPart, path: &str, value: &SecretValue) -> Result<SecretValue, Problem> {
    let json = serde_json::from_slice(value.expose())
        .map(Json)
        .map_err(|_| {
            let message = format!(
                "{} is not JSON, but property {path:?} of it was asked for: store JSON, or take spec.data[].secret.property out",
                part.id
            );
            problem(Reason::NotJson, message)
        })?;
    let absent = |what: &str| {
        problem(
            Reason::PropertyNotFound,
            format!(
                "{} has no property {path:?}{what}: correct spec.data[].secret.property, or the JSON in the vault",
                part.id
            ),
        )
    };
    let found = by_path(&json.0, path)?.or_else(|| json.0.get(path));
    match found {
        None => Err(absent("")),
        Some(Value::Null) => Err(absent(" (it is null)")),
        Some(Value::String(text)) => Ok(SecretValue::new(text.clone().into_bytes())),
        Some(other) => Ok(SecretValue::new(other.to_string().into_bytes())),
    }
}

/// The one value that a path finds; none where it finds nothing or is no path at all, such as a name with a dot.
fn by_path<'a>(json: &'a Value, path: &str) -> Result<Option<&'a Value>, Problem> {
    let path = if path.starts_with('$') {
        path.to_owned()
    } else {
        format!("$.{path}")
    };
    let found = json.query(&path).unwrap_or_default();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        more => {
            let message = format!(
                "property {path:?} finds {} values: it must find one; correct spec.data[].secret.property",
                more.len()
            );
            Err(problem(Reason::PropertyNotFound, message))
        }
    }
}

fn decode(
    key: &SecretKey,
    part: &SecretPart,
    engine: &GeneralPurpose,
    value: &SecretValue,
) -> Result<SecretValue, Problem> {
    let mut packed: Vec<u8> = value
        .expose()
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = engine.decode(&packed);
    packed.zeroize();
    decoded.map(SecretValue::new).map_err(|_| {
        let message = format!(
            "the value of {} for key {} is not {:?}: correct spec.data[].secret.decode, or the value in the vault",
            part.id, key, part.decode
        );
        problem(Reason::DecodeFailed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::key_vault::{Kind, Object};

    fn entry(property: Option<&str>, decode: Decode) -> Entry {
        Entry {
            key: "K".parse().unwrap(),
            source: Source::Secret(SecretPart {
                id: Object {
                    kind: Kind::Secret,
                    name: "s".parse().unwrap(),
                    version: None,
                },
                property: property.map(str::to_owned),
                decode,
            }),
        }
    }

    fn rendered(property: Option<&str>, decode: Decode, value: &str) -> Result<String, Reason> {
        let value = SecretValue::from(value.to_owned());
        render(&entry(property, decode), &value)
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
            let problem = render(
                &entry(property, decode),
                &SecretValue::from(value.to_owned()),
            )
            .unwrap_err();
            assert!(!problem.message.contains("hunter2"), "{problem}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_input_makes_it_panic(path in ".{0,40}", value in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            for decode in [Decode::None, Decode::Base64, Decode::Base64Url] {
                let outcome = render(&entry(Some(&path), decode), &SecretValue::new(value.clone()));
                proptest::prop_assert!(outcome.is_err() || !outcome.is_ok_and(|value| value.is_empty()));
            }
        }
    }
}
