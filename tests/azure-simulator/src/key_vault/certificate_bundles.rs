//! The JSON of certificates, their policies and the operations that make them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Serialize;

use super::bundles::{Attributes, Buried, Shaper, Shown, View};
use crate::{
    wire::call::Call,
    world::{
        certificate::{Certificate, CertificateVersion, Pending, Progress},
        object::Tags,
        policy::{Policy, UNKNOWN_ISSUER},
    },
};

#[derive(Serialize)]
pub(crate) struct PolicyBundle<'a> {
    id: String,
    #[serde(flatten)]
    policy: &'a Policy,
}

impl<'a> PolicyBundle<'a> {
    pub(crate) fn of(shaper: &Shaper<'_>, certificate: &'a Certificate) -> Self {
        Self {
            id: shaper.id("certificates", &certificate.name, Some("policy")),
            policy: &certificate.extra.policy,
        }
    }
}

#[derive(Serialize)]
struct Reference {
    id: String,
}

/// A certificate as answers and lists show it.
#[derive(Serialize)]
pub(crate) struct CertificateBundle<'a> {
    #[serde(flatten)]
    buried: Option<Buried>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cer: Option<String>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyBundle<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Reference>,
    #[serde(
        rename = "preserveCertOrder",
        skip_serializing_if = "std::ops::Not::not"
    )]
    in_order: bool,
}

impl Shown for CertificateVersion {
    type Bundle<'a> = CertificateBundle<'a>;

    fn bundle<'a>(
        shaper: &Shaper<'_>,
        certificate: &'a Certificate,
        version: &'a Self,
        view: View,
    ) -> CertificateBundle<'a> {
        let (name, meta) = (&certificate.name, &version.meta);
        let id = view.versioned.then_some(meta.id.as_str());
        let der = version.der.as_deref();
        let whole = der.filter(|_| view.whole);
        let beside = |plural| whole.map(|_| shaper.id(plural, name, id));
        CertificateBundle {
            buried: shaper.buried("certificates", name, view.deletion),
            id: shaper.id("certificates", name, id),
            kid: beside("keys"),
            sid: beside("secrets"),
            x5t: der.map(thumbprint),
            cer: whole.map(|der| STANDARD.encode(der)),
            attributes: shaper.attributes(meta),
            tags: meta.tags.as_ref(),
            policy: view.whole.then(|| PolicyBundle::of(shaper, certificate)),
            pending: certificate
                .extra
                .pending
                .as_ref()
                .filter(|_| view.whole)
                .map(|_| Reference {
                    id: shaper.id("certificates", name, Some("pending")),
                }),
            in_order: view.whole && version.in_order,
        }
    }

    /// What is not finished is listed for those who ask for it.
    fn is_listed(certificate: &Certificate, call: &Call) -> bool {
        let all = call
            .query("includePending")
            .is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
        all || certificate.is_complete()
    }

    fn is_version_listed(version: &Self) -> bool {
        version.der.is_some()
    }
}

/// SHA-1 of the certificate, as `x5t` has it (RFC 7517, 4.8).
fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, der))
}

#[derive(Serialize)]
struct IssuerName<'a> {
    name: &'a str,
}

/// The operation that makes a version.
#[derive(Serialize)]
pub(crate) struct Operation<'a> {
    pub(crate) id: String,
    issuer: IssuerName<'a>,
    csr: String,
    cancellation_requested: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_details: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    request_id: &'a str,
}

impl<'a> Operation<'a> {
    pub(crate) fn of(shaper: &Shaper<'_>, name: &str, pending: &'a Pending) -> Self {
        let details = if pending.issuer == UNKNOWN_ISSUER {
            "Pending certificate created. Please Perform Merge to complete the request."
        } else {
            "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer \
             provider. Please check again later."
        };
        let (status, status_details, target) = match pending.progress {
            Progress::Issuing { .. } | Progress::Merging(_) => ("inProgress", Some(details), None),
            Progress::Completed => {
                let target = shaper.id("certificates", name, None);
                ("completed", None, Some(target))
            }
            Progress::Cancelled => ("cancelled", None, None),
        };
        Self {
            id: shaper.id("certificates", name, Some("pending")),
            issuer: IssuerName {
                name: &pending.issuer,
            },
            csr: STANDARD.encode(&pending.request),
            cancellation_requested: pending.cancellation_requested,
            status,
            status_details,
            target,
            request_id: &pending.request_id,
        }
    }
}
