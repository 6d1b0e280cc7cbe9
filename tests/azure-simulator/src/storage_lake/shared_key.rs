//! Requests that are signed with an account's key
//! (<https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::wire::call::Call;

/// Headers whose values are signed without their names.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Whether one of the keys gave the signature of one of the texts.
pub(super) fn is_signed<'a>(
    signature: &str,
    texts: &[String],
    mut keys: impl Iterator<Item = &'a str>,
) -> bool {
    let Ok(given) = STANDARD.decode(signature) else {
        return false;
    };
    keys.any(|key| {
        let Ok(key) = STANDARD.decode(key) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        texts
            .iter()
            .any(|text| hmac::verify(&key, text.as_bytes(), &given).is_ok())
    })
}

/// What a client signs of a request. There are two orders of headers: by their bytes, and as the service itself sorts
/// them, which overlooks hyphens; both are taken.
pub(super) fn texts(call: &Call, raw_query: &[(String, String)], account: &str) -> Vec<String> {
    let value = |name: &&str| match (*name, call.header(name).unwrap_or_default()) {
        ("content-length", "0") => "",
        (_, value) => value,
    };
    let values: Vec<&str> = SIGNED.iter().map(value).collect();
    let resource = resource(&call.route.path, raw_query, account);
    [false, true]
        .map(|hyphenless| {
            let headers = headers(&call.headers, hyphenless);
            format!(
                "{}\n{}\n{headers}{resource}",
                call.method,
                values.join("\n")
            )
        })
        .into()
}

fn headers(all: &HeaderMap, hyphenless: bool) -> String {
    let mut named: Vec<(&str, &str)> = all
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-ms-"))
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default().trim()))
        .collect();
    if hyphenless {
        named.sort_by_key(|(name, _)| name.replace('-', ""));
    } else {
        named.sort_unstable();
    }
    named
        .into_iter()
        .flat_map(|(name, value)| [name, ":", value, "\n"])
        .collect()
}

fn resource(path: &str, query: &[(String, String)], account: &str) -> String {
    let mut values: Vec<(String, &str)> = query
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
        .collect();
    values.sort_unstable();
    let mut text = format!("/{account}{path}");
    let mut last = None;
    for (name, value) in values {
        if last.as_deref() == Some(name.as_str()) {
            text.push(',');
        } else {
            text.extend(["\n", name.as_str(), ":"]);
        }
        text.push_str(value);
        last = Some(name);
    }
    text
}

/// A path as people write it.
pub(super) fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_signed_and_checked() {
        let key = STANDARD.encode([7; 64]);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &[7; 64]);
        let signature = STANDARD.encode(hmac::sign(&secret, b"text"));
        let check = |text: &str, keys: &[&str]| {
            is_signed(&signature, &[text.to_owned()], keys.iter().copied())
        };
        assert!(check("text", &["AAAA", &key]));
        assert!(!check("other", &[&key]) && !check("text", &["AAAA"]) && !check("text", &["%"]));
    }

    #[test]
    fn a_resource_has_its_query_sorted() {
        let query = [("Resource", "account"), ("b", "2"), ("B", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(resource("/", &query, "a"), "/a/\nb:1,2\nresource:account");
    }
}
