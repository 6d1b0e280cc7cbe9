//! From a Secret's data to what a vault takes. Pure.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use k8s_openapi::ByteString;
use zeroize::Zeroize;

use super::api::Encode;
use super::valid::{Push, Value};
use crate::azure::key_vault::write::{CertificateFile, Content, LONGEST_VALUE};
use crate::certificate::bundle::{self, Chain};
use crate::certificate::read;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// First byte of PKCS#12 (a SEQUENCE, X.690 §8.9).
const SEQUENCE: u8 = 0x30;

/// A Secret's data; wiped when it goes.
#[derive(Default)]
pub struct Data(BTreeMap<String, ByteString>);

impl Data {
    /// Takes a Secret's data over.
    pub fn new(data: BTreeMap<String, ByteString>) -> Self {
        Self(data)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            value.0.zeroize();
        }
    }
}

/// What is pushed, and what it is compared by.
#[derive(Debug)]
pub struct Material {
    /// What the vault takes.
    pub content: Content,
    /// The certificate (DER), where it is one. The vault gives its key to fewer than its certificate, and no two keys have one
    /// certificate in common.
    certificate: Option<SecretValue>,
}

impl Material {
    /// Whether the vault holds this.
    pub fn is(&self, stored: &SecretValue) -> bool {
        match (&self.certificate, &self.content) {
            (Some(certificate), _) => certificate == stored,
            (None, Content::Text(text)) => text == stored,
            (None, Content::Certificate(_)) => false,
        }
    }
}

/// Makes what is pushed. `namespace` is for messages.
pub fn material(push: &Push, namespace: &str, data: &Data) -> Result<Material, Problem> {
    let secret = format!("Secret {namespace}/{}", push.secret);
    let get = |key: &str| {
        let value = data.0.get(key).ok_or_else(|| {
            problem(
                Reason::PushSourceNotFound,
                format!("{secret} has no key {key:?}, which is to be pushed to {}. What the vault has stays", push.object),
            )
        })?;
        if value.0.is_empty() {
            return Err(problem(
                Reason::EmptyValue,
                format!(
                    "key {key:?} of {secret} is empty: nothing is pushed to {}, and what the vault has stays",
                    push.object
                ),
            ));
        }
        Ok(SecretValue::new(value.0.clone()))
    };
    let optional = |key: &Option<crate::names::SecretKey>| {
        key.as_ref().map(|key| get(key.as_str())).transpose()
    };
    match &push.value {
        Value::Text(key, encode) => {
            let named = format!("key {:?} of {secret}", key.as_str());
            Ok(Material {
                content: Content::Text(text(&get(key.as_str())?, *encode, &named)?),
                certificate: None,
            })
        }
        Value::File { key, password } => {
            let named = format!("key {:?} of {secret}", key.as_str());
            file(&get(key.as_str())?, optional(password)?, &named)
        }
        Value::Tls { password } => {
            let both = [get("tls.key")?, get("tls.crt")?];
            let joined = both.map(|part| SecretValue::new([part.expose(), b"\n"].concat()));
            let [key, certificate] = &joined;
            let content = SecretValue::new([key.expose(), certificate.expose()].concat());
            file(&content, optional(password)?, &secret)
        }
    }
}

fn problem(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

fn text(value: &SecretValue, encode: Encode, named: &str) -> Result<SecretValue, Problem> {
    let text = match encode {
        Encode::None => value.clone(),
        Encode::Base64 => SecretValue::from(STANDARD.encode(value.expose())),
        Encode::Base64Url => SecretValue::from(URL_SAFE_NO_PAD.encode(value.expose())),
    };
    if text.expose_str().is_none() {
        return Err(problem(
            Reason::ValueNotText,
            format!(
                "{named} is not UTF-8, and a vault keeps only text: set to.encode: Base64, and decode: Base64 where it is read"
            ),
        ));
    }
    if text.len() > LONGEST_VALUE {
        return Err(problem(
            Reason::TooLarge,
            format!(
                "{named} makes {} bytes, and a secret of a vault has at most {LONGEST_VALUE}: push less, or keep it elsewhere",
                text.len()
            ),
        ));
    }
    Ok(text)
}

/// A certificate with its key. PKCS#12 is imported as it is; PEM is put in order, with the key as PKCS#8, which is the only form
/// that Azure takes (Azure, "Import a certificate in Azure Key Vault").
fn file(
    content: &SecretValue,
    password: Option<SecretValue>,
    named: &str,
) -> Result<Material, Problem> {
    let explain = |problem: Problem| Problem {
        message: format!("{named}: {}", problem.message),
        ..problem
    };
    let pair = read(content, password.as_ref())
        .and_then(crate::certificate::Container::pair)
        .map_err(explain)?;
    let certificate = SecretValue::new(pair.leaf.der().to_vec());
    let imported = if let Some(text) = pkcs12(content) {
        CertificateFile {
            text,
            pkcs12: true,
            password,
        }
    } else {
        let chain = Chain::LeafFirst { include_root: true };
        let tls = bundle::tls(content, password.as_ref(), chain).map_err(explain)?;
        let parts = [tls.key.expose(), tls.certificate.expose()];
        CertificateFile {
            text: SecretValue::new(parts.concat()),
            pkcs12: false,
            password: None,
        }
    };
    Ok(Material {
        content: Content::Certificate(imported),
        certificate: Some(certificate),
    })
}

/// PKCS#12 in base64, where it is PKCS#12.
fn pkcs12(content: &SecretValue) -> Option<SecretValue> {
    if content.expose().first() == Some(&SEQUENCE) {
        return Some(SecretValue::from(STANDARD.encode(content.expose())));
    }
    let packed: Vec<u8> = content
        .expose()
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let packed = SecretValue::new(packed);
    let inner = SecretValue::new(STANDARD.decode(packed.expose()).ok()?);
    (inner.expose().first() == Some(&SEQUENCE)).then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::push::api::PushEntry;
    use crate::vault_secret_sync::push::valid::parse;

    fn push(to: &serde_json::Value) -> Push {
        let entry = serde_json::json!([{"from": {"secret": "local", "key": "k"}, "to": to}]);
        let entries: Vec<PushEntry> = serde_json::from_value(entry).unwrap();
        parse(&entries).unwrap().remove(0)
    }

    fn made(to: &serde_json::Value, value: &[u8]) -> Result<Material, Problem> {
        let data = BTreeMap::from([("k".to_owned(), ByteString(value.to_vec()))]);
        material(&push(to), "team", &Data::new(data))
    }

    #[test]
    fn text_is_pushed_as_it_is_and_compared_as_a_whole() {
        let made = made(&serde_json::json!({"secret": "db"}), "pä\n".as_bytes()).unwrap();
        assert!(made.is(&SecretValue::from("pä\n".to_owned())));
        assert!(!made.is(&SecretValue::from("pä".to_owned())));
    }

    #[test]
    fn what_is_no_text_needs_an_encoding() {
        let refused = made(&serde_json::json!({"secret": "db"}), &[0xff]).unwrap_err();
        assert_eq!(refused.reason, Reason::ValueNotText);
        for (encode, text) in [("Base64", "/w=="), ("Base64Url", "_w")] {
            let to = serde_json::json!({"secret": "db", "encode": encode});
            let made = made(&to, &[0xff]).unwrap();
            assert!(made.is(&SecretValue::from(text.to_owned())), "{encode}");
        }
    }

    #[test]
    fn what_a_vault_would_refuse_is_refused_before_it_is_asked() {
        let to = serde_json::json!({"secret": "db"});
        let reason = |value: &[u8]| made(&to, value).unwrap_err().reason;
        assert_eq!(reason(&[]), Reason::EmptyValue);
        assert_eq!(reason(&vec![b'x'; LONGEST_VALUE + 1]), Reason::TooLarge);
        let nothing = material(&push(&to), "team", &Data::default()).unwrap_err();
        assert_eq!(nothing.reason, Reason::PushSourceNotFound);
    }

    #[test]
    fn a_file_that_is_no_certificate_is_told_by_its_name() {
        let refused = made(&serde_json::json!({"certificate": "web"}), b"nonsense").unwrap_err();
        assert_eq!(refused.reason, Reason::CertificateUnreadable);
        assert!(
            refused.message.contains("key \"k\" of Secret team/local: "),
            "{refused}"
        );
    }
}
