//! Certificates and keys as a seed file and the admin API take them.

use serde::{Deserialize, Serialize};

use super::{
    certificate::Made,
    key::NewKey,
    moment::Epoch,
    object::{Changes, Tags},
    policy::{KeyProps, PKCS12, Policy, SELF_ISSUER, Sans, UNKNOWN_ISSUER},
};
use crate::pki::{
    bundle::{Ciphers, Order},
    key::KeyType,
};

/// Issuers that the simulator makes: a root, and intermediates below it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct IssuedBy {
    /// Subject of the root.
    pub(crate) root: String,
    /// Subjects of the intermediates, the one below the root first.
    pub(crate) intermediates: Vec<String>,
    pub(crate) key_type: KeyType,
    /// Whether the root's certificate is in the secret, too.
    pub(crate) include_root: bool,
}

impl Default for IssuedBy {
    fn default() -> Self {
        Self {
            root: "CN=Simulated Root".to_owned(),
            intermediates: Vec::new(),
            key_type: KeyType::default(),
            include_root: true,
        }
    }
}

/// A certificate to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CertificateSeed {
    pub(crate) name: String,
    /// Absent: `CN=<name>`.
    pub(crate) subject: Option<String>,
    pub(crate) dns_names: Vec<String>,
    pub(crate) emails: Vec<String>,
    pub(crate) key_type: KeyType,
    pub(crate) content_type: String,
    pub(crate) exportable: bool,
    pub(crate) validity_months: u32,
    /// First and last second, in place of the months.
    pub(crate) not_before: Option<Epoch>,
    pub(crate) expires: Option<Epoch>,
    pub(crate) enabled: Option<bool>,
    pub(crate) tags: Option<Tags>,
    /// Absent: by itself.
    pub(crate) issued_by: Option<IssuedBy>,
    pub(crate) order: Order,
    pub(crate) pfx_ciphers: Ciphers,
    /// Filled in before the world takes it: the world makes no keys.
    #[serde(skip)]
    pub(crate) made: Option<Made>,
}

impl Default for CertificateSeed {
    fn default() -> Self {
        Self {
            name: String::new(),
            subject: None,
            dns_names: Vec::new(),
            emails: Vec::new(),
            key_type: KeyType::default(),
            content_type: PKCS12.to_owned(),
            exportable: true,
            validity_months: 12,
            not_before: None,
            expires: None,
            enabled: None,
            tags: None,
            issued_by: None,
            order: Order::default(),
            pfx_ciphers: Ciphers::default(),
            made: None,
        }
    }
}

impl CertificateSeed {
    /// The policy that a client would have written.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy {
            key_props: KeyProps {
                exportable: self.exportable,
                ..KeyProps::default()
            },
            ..Policy::default()
        };
        policy.with_key(self.key_type);
        policy
            .secret_props
            .content_type
            .clone_from(&self.content_type);
        policy.x509_props.subject = self
            .subject
            .clone()
            .unwrap_or_else(|| format!("CN={}", self.name));
        policy.x509_props.validity_months = self.validity_months;
        policy.x509_props.sans = Some(Sans {
            emails: self.emails.clone(),
            dns_names: self.dns_names.clone(),
            upns: Vec::new(),
        })
        .filter(|sans| *sans != Sans::default());
        policy.issuer.name = if self.issued_by.is_some() {
            UNKNOWN_ISSUER.to_owned()
        } else {
            SELF_ISSUER.to_owned()
        };
        policy
    }

    pub(crate) fn changes(&self) -> Changes {
        Changes {
            tags: self.tags.clone(),
            enabled: self.enabled,
            ..Changes::default()
        }
    }
}

/// A key to make.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct KeySeed {
    pub(crate) name: String,
    pub(crate) key_type: Option<KeyType>,
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: Option<bool>,
    pub(crate) not_before: Option<Epoch>,
    pub(crate) expires: Option<Epoch>,
    /// Filled in before the world takes it.
    #[serde(skip)]
    pub(crate) made: Option<NewKey>,
}

impl KeySeed {
    pub(crate) fn changes(&self) -> Changes {
        Changes {
            tags: self.tags.clone(),
            enabled: self.enabled,
            not_before: self.not_before.map(|at| at.0),
            expires: self.expires.map(|at| at.0),
        }
    }
}
