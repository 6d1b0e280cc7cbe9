//! One certificate of a vault, its policy, and the operation that makes its next version.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    certificate_spec::CertificateSeed,
    moment::Moment,
    object::{Changes, Meta, Object, Versioned},
    policy::{PKCS12, Policy},
    spec::SecretText,
};
use crate::pki::{issue::Validity, key::PrivateKey};

/// A version of a certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CertificateVersion {
    pub(crate) meta: Meta,
    /// DER; absent while the first version is being made, and when that was cancelled.
    pub(crate) der: Option<Vec<u8>>,
    /// The secret has the certificates in the order of the file that was imported.
    pub(crate) in_order: bool,
}

impl Versioned for CertificateVersion {
    type Extra = Manner;

    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

/// What a certificate has once, for all versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) policy: Policy,
    pub(crate) pending: Option<Pending>,
    /// How a seed or the admin API asked for it, to do so again.
    pub(crate) seed: Option<Arc<CertificateSeed>>,
}

pub(crate) type Certificate = Object<CertificateVersion>;

impl Certificate {
    /// Whether it has a version that can be used.
    pub(crate) fn is_complete(&self) -> bool {
        self.versions
            .last()
            .is_some_and(|version| version.der.is_some())
    }
}

/// A finished certificate with all that belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// 32 hex digits: version of the certificate, its key and its secret.
    pub(crate) id: String,
    pub(crate) key: PrivateKey,
    /// DER.
    pub(crate) leaf: Arc<[u8]>,
    pub(crate) validity: Validity,
    /// Value of its secret.
    pub(crate) value: SecretText,
    pub(crate) policy: Policy,
    pub(crate) changes: Changes,
    /// The secret has the certificates in the order of the file that was imported.
    pub(crate) in_order: bool,
}

impl Made {
    /// Attributes of all three, whose times are the certificate's own.
    pub(crate) fn meta(&self, now: Moment, managed: bool) -> Meta {
        let changes = Changes {
            not_before: Some(self.validity.from),
            expires: Some(self.validity.to),
            ..self.changes.clone()
        };
        Meta {
            managed,
            ..Meta::new(self.id.clone(), changes, now)
        }
    }

    pub(crate) fn content_type(&self) -> &str {
        if self.policy.secret_props.content_type.is_empty() {
            PKCS12
        } else {
            &self.policy.secret_props.content_type
        }
    }
}

/// Where the making of a version is.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// Under way. What is going to be there from that moment on.
    Issuing {
        ready: Moment,
        made: Box<Made>,
    },
    /// Waits for a certificate that somebody else issues.
    Merging(Box<Unsigned>),
    /// Done; it shows in the certificate.
    Completed,
    Cancelled,
}

/// A key that waits for its certificate.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub(crate) id: String,
    pub(crate) key: PrivateKey,
    pub(crate) policy: Policy,
    pub(crate) changes: Changes,
}

/// The operation that makes a version.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) request_id: String,
    pub(crate) issuer: String,
    /// The request for the certificate, DER.
    pub(crate) request: Vec<u8>,
    pub(crate) cancellation_requested: bool,
    pub(crate) progress: Progress,
}

impl Pending {
    pub(crate) fn is_in_progress(&self) -> bool {
        match self.progress {
            Progress::Issuing { .. } | Progress::Merging(_) => true,
            Progress::Completed | Progress::Cancelled => false,
        }
    }
}
