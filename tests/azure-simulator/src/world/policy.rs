//! The policy of a certificate: what clients write, with Azure's defaults filled in.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{moment::Moment, refusal::Refusal};
use crate::pki::key::KeyType;

/// Issues by itself.
pub(crate) const SELF_ISSUER: &str = "Self";
/// Waits for a merge.
pub(crate) const UNKNOWN_ISSUER: &str = "Unknown";
/// Content types of certificates' secrets.
pub(crate) const PKCS12: &str = "application/x-pkcs12";
pub(crate) const PEM: &str = "application/x-pem-file";

const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeyProps {
    pub(crate) exportable: bool,
    pub(crate) kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_size: Option<u16>,
    pub(crate) reuse_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crv: Option<String>,
}

impl Default for KeyProps {
    fn default() -> Self {
        Self {
            exportable: true,
            kty: "RSA".to_owned(),
            key_size: None,
            reuse_key: false,
            crv: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SecretProps {
    pub(crate) content_type: String,
}

impl Default for SecretProps {
    fn default() -> Self {
        Self {
            content_type: PKCS12.to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sans {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) emails: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dns_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) upns: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct X509Props {
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sans: Option<Sans>,
    pub(crate) ekus: Vec<String>,
    pub(crate) key_usage: Vec<String>,
    pub(crate) validity_months: u32,
    pub(crate) basic_constraints: BasicConstraints,
}

impl Default for X509Props {
    fn default() -> Self {
        Self {
            subject: String::new(),
            sans: None,
            // Server and client authentication.
            ekus: vec![
                "1.3.6.1.5.5.7.3.1".to_owned(),
                "1.3.6.1.5.5.7.3.2".to_owned(),
            ],
            key_usage: Vec::new(),
            validity_months: 12,
            basic_constraints: BasicConstraints::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IssuerProps {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert_transparency: Option<bool>,
}

impl Default for IssuerProps {
    fn default() -> Self {
        Self {
            name: UNKNOWN_ISSUER.to_owned(),
            cty: None,
            cert_transparency: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PolicyAttributes {
    pub(crate) enabled: bool,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

impl Default for PolicyAttributes {
    fn default() -> Self {
        Self {
            enabled: true,
            created: 0,
            updated: 0,
        }
    }
}

/// A policy, in the shape and the order in which Azure writes it (its id is the shaper's).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Policy {
    pub(crate) key_props: KeyProps,
    pub(crate) secret_props: SecretProps,
    pub(crate) x509_props: X509Props,
    /// Kept as they are written; nothing renews by itself here.
    pub(crate) lifetime_actions: Vec<Value>,
    pub(crate) issuer: IssuerProps,
    pub(crate) attributes: PolicyAttributes,
}

impl Policy {
    /// A client's policy, checked and completed. `given` is JSON as the client wrote it.
    pub(crate) fn complete(given: Value, now: Moment) -> Result<Self, Refusal> {
        let usage_given = given.pointer("/x509_props/key_usage").is_some();
        let mut policy: Self = serde_json::from_value(given).map_err(|error| {
            Refusal::BadParameter(format!("Property policy has invalid value: {error}"))
        })?;
        policy.attributes.created = now.seconds();
        policy.attributes.updated = now.seconds();
        policy.settle(usage_given)?;
        Ok(policy)
    }

    /// The policy with a client's changes (each part that is given counts, field by field).
    pub(crate) fn patched(&self, changes: Value, now: Moment) -> Result<Self, Refusal> {
        let mut merged =
            serde_json::to_value(self).map_err(|error| Refusal::BadParameter(error.to_string()))?;
        merge(&mut merged, changes);
        let mut policy: Self = serde_json::from_value(merged).map_err(|error| {
            Refusal::BadParameter(format!("Property policy has invalid value: {error}"))
        })?;
        policy.attributes.created = self.attributes.created;
        policy.attributes.updated = now.seconds();
        policy.settle(true)?;
        Ok(policy)
    }

    /// The kind of key that it asks for.
    pub(crate) fn key_type(&self) -> Result<KeyType, Refusal> {
        let props = &self.key_props;
        KeyType::wanted(&props.kty, props.key_size, props.crv.as_deref())
            .map_err(Refusal::BadParameter)
    }

    /// Makes it say which key is meant.
    pub(crate) fn with_key(&mut self, kind: KeyType) {
        kind.kty().clone_into(&mut self.key_props.kty);
        self.key_props.key_size = Some(kind.bits());
        self.key_props.crv = kind.curve().map(|curve| curve.name().to_owned());
    }

    fn settle(&mut self, usage_given: bool) -> Result<(), Refusal> {
        let refused = |property: &str, value: &str| {
            Err(Refusal::BadParameter(format!(
                "Property {property} has invalid value {value}"
            )))
        };
        let hsm = self.key_props.kty.ends_with("-HSM");
        let kind = self.key_type()?;
        self.with_key(kind);
        if hsm {
            self.key_props.kty.push_str("-HSM");
        }
        if ![PKCS12, PEM].contains(&self.secret_props.content_type.as_str()) {
            return refused("contentType", &self.secret_props.content_type);
        }
        if !usage_given {
            self.x509_props.key_usage = match kind {
                KeyType::Rsa(_) => {
                    vec!["digitalSignature".to_owned(), "keyEncipherment".to_owned()]
                }
                KeyType::Ec(_) => vec!["digitalSignature".to_owned()],
            };
        }
        if let Some(usage) = self
            .x509_props
            .key_usage
            .iter()
            .find(|usage| !KEY_USAGES.contains(&usage.as_str()))
        {
            return refused("key_usage", usage);
        }
        if !(1..=1200).contains(&self.x509_props.validity_months) {
            return refused(
                "validity_months",
                &self.x509_props.validity_months.to_string(),
            );
        }
        if self.lifetime_actions.is_empty() {
            let action = if self.issuer.name == SELF_ISSUER {
                "AutoRenew"
            } else {
                "EmailContacts"
            };
            self.lifetime_actions = vec![
                json!({"trigger": {"lifetime_percentage": 80}, "action": {"action_type": action}}),
            ];
        }
        Ok(())
    }
}

/// Objects are merged, anything else replaces.
fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (key, value) in changes {
                if value.is_null() {
                    continue;
                }
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, changes) => *target = changes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        Moment(1_000_000)
    }

    #[test]
    fn a_policy_of_a_subject_gets_azures_defaults() {
        let given =
            json!({"x509_props": {"subject": "CN=a", "sans": {}}, "issuer": {"name": "Self"}});
        let policy = Policy::complete(given, now()).unwrap();
        assert_eq!(
            serde_json::to_value(&policy).unwrap(),
            json!({
                "key_props": {"exportable": true, "kty": "RSA", "key_size": 2048, "reuse_key": false},
                "secret_props": {"contentType": "application/x-pkcs12"},
                "x509_props": {
                    "subject": "CN=a",
                    "sans": {},
                    "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
                    "key_usage": ["digitalSignature", "keyEncipherment"],
                    "validity_months": 12,
                    "basic_constraints": {"ca": false},
                },
                "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}],
                "issuer": {"name": "Self"},
                "attributes": {"enabled": true, "created": 1000, "updated": 1000},
            })
        );
    }

    #[test]
    fn a_change_of_one_field_leaves_the_others() {
        let given =
            json!({"key_props": {"kty": "EC", "crv": "P-384"}, "x509_props": {"subject": "CN=a"}});
        let policy = Policy::complete(given, now()).unwrap();
        let changed = policy
            .patched(
                json!({"x509_props": {"validity_months": 6}}),
                Moment(2_000_000),
            )
            .unwrap();
        assert_eq!(changed.x509_props.validity_months, 6);
        assert_eq!(changed.x509_props.subject, "CN=a");
        assert_eq!(changed.key_props, policy.key_props);
        assert_eq!(
            (changed.attributes.created, changed.attributes.updated),
            (1000, 2000)
        );
    }

    #[test]
    fn what_azure_does_not_know_is_refused() {
        for given in [
            json!({"key_props": {"kty": "RSA", "key_size": 1024}}),
            json!({"secret_props": {"contentType": "text/plain"}}),
            json!({"x509_props": {"key_usage": ["everything"]}}),
            json!({"x509_props": {"validity_months": 0}}),
        ] {
            assert!(Policy::complete(given.clone(), now()).is_err(), "{given}");
        }
    }
}
