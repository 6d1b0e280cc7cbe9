//! A recorded request as fields that can be compared: order, ids and the exact second are left out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Values by name, such as `form scope` or `assertion header alg`.
pub(crate) type Fields = BTreeMap<String, String>;

/// Stands for a value that is another each time.
const SOME: &str = "…";
/// The headers that an endpoint looks at.
const HEADERS: [&str; 6] = [
    "accept",
    "authorization",
    "content-type",
    "metadata",
    "secret",
    "x-identity-header",
];

/// A request as the simulator recorded it.
#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    host: String,
    path: String,
    method: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
}

impl Recorded {
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        let request = format!("{} {}{}", self.method, self.host, self.path);
        fields.insert("request".to_owned(), request);
        if let Some(body) = &self.body {
            fields.insert("body".to_owned(), body.clone());
        }
        for (name, value) in &self.query {
            fields.insert(format!("query {name}"), value.clone());
        }
        for (name, value) in &self.headers {
            if HEADERS.contains(&name.as_str()) {
                fields.insert(format!("header {name}"), header(name, value));
            }
        }
        for (name, value) in &self.form {
            match name.as_str() {
                "client_assertion" => assertion(value, &self.form, &mut fields),
                "claims" => {
                    let claims: Value = serde_json::from_str(value).unwrap();
                    flatten("claims", &claims, &mut fields);
                }
                _ => {
                    fields.insert(format!("form {name}"), form(name, value));
                }
            }
        }
        fields
    }
}

fn header(name: &str, value: &str) -> String {
    match value.strip_prefix("Basic ") {
        // Azure Arc's key, another one for each challenge.
        Some(_) if name == "authorization" => format!("Basic {SOME}"),
        _ => value.to_owned(),
    }
}

fn form(name: &str, value: &str) -> String {
    match name {
        "code" | "device_code" | "refresh_token" => SOME.to_owned(),
        "scope" => {
            let mut words: Vec<&str> = value.split(' ').collect();
            words.sort_unstable();
            words.join(" ")
        }
        _ => value.to_owned(),
    }
}

/// A JWT: its header and its claims. One that the client has not made itself must be the same letter by letter.
fn assertion(token: &str, form: &BTreeMap<String, String>, fields: &mut Fields) {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, payload, _signature] = parts.as_slice() else {
        panic!("no JWT: {token}");
    };
    let (head, claims) = (part(head), part(payload));
    if claims["iss"].as_str() != form.get("client_id").map(String::as_str) {
        fields.insert("assertion".to_owned(), token.to_owned());
    }
    flatten("assertion header", &head, fields);
    for name in ["x5t", "x5t#S256"] {
        // RFC 7515 §2: without the padding, which Microsoft's clients leave on.
        if let Some(text) = fields.get_mut(&format!("assertion header {name}")) {
            text.truncate(text.trim_end_matches('=').len());
        }
    }
    let now = Timestamp::now().as_second();
    for (name, value) in claims.as_object().unwrap() {
        let field = format!("assertion claim {name}");
        match name.as_str() {
            "exp" | "iat" | "nbf" => {
                // MSAL writes fractions of a second.
                let ahead = value.as_f64().unwrap() - f64::from(i32::try_from(now).unwrap());
                fields.insert(field, time(ahead));
            }
            "jti" => {
                assert!(!value.as_str().unwrap().is_empty());
                fields.insert(field, SOME.to_owned());
            }
            _ => flatten(&field, value, fields),
        }
    }
}

fn part(text: &str) -> Value {
    // Some clients leave the padding on.
    let padded = text.trim_end_matches('=').to_owned() + ["", "", "==", "="][text.len() % 4];
    serde_json::from_slice(&URL_SAFE.decode(padded).unwrap()).unwrap()
}

/// Seconds from now as a range that both sides of a request fall into.
fn time(ahead: f64) -> String {
    if (-310.0..1.0).contains(&ahead) {
        "at most five minutes ago".to_owned()
    } else if (1.0..=601.0).contains(&ahead) {
        "within ten minutes".to_owned()
    } else {
        format!("in {ahead} s")
    }
}

fn flatten(name: &str, value: &Value, fields: &mut Fields) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&format!("{name} {member}"), value, fields);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(&format!("{name} {index}"), value, fields);
            }
        }
        Value::String(text) => {
            fields.insert(name.to_owned(), text.clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            fields.insert(name.to_owned(), value.to_string());
        }
    }
}
