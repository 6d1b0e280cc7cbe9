//! Certificates and requests by a policy; the simulator's own roots and intermediates.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
    OtherNameValue, SanType,
};

use super::{
    key::{KeyType, PrivateKey},
    names,
};
use crate::world::policy::{Policy, Sans};

/// How long before its making a certificate is good already, in seconds (recorded).
pub(crate) const HEAD_START: i64 = 600;
/// Life of a root or intermediate, in months.
const AUTHORITY_MONTHS: i32 = 240;
/// User principal name (Microsoft).
const UPN: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

/// From when to when a certificate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Validity {
    /// As Azure gives it: from ten minutes ago, to so many months from now.
    pub(crate) fn of_months(now: i64, months: u32) -> Result<Self, String> {
        Ok(Self {
            from: now - HEAD_START,
            to: plus_months(now, i32::try_from(months).unwrap_or(i32::MAX))?,
        })
    }
}

fn plus_months(seconds: i64, months: i32) -> Result<i64, String> {
    Timestamp::from_second(seconds)
        .and_then(|at| at.to_zoned(TimeZone::UTC).checked_add(months.months()))
        .map(|at| at.timestamp().as_second())
        .map_err(|error| error.to_string())
}

/// Who issues instead of the certificate itself.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    key: PrivateKey,
    params: Arc<CertificateParams>,
    /// Its certificate and its issuers', as DER, the root last.
    pub(crate) chain: Vec<Arc<[u8]>>,
}

/// Which authority: the subjects of the root and of each intermediate below it, and the kind of their keys.
type AuthorityName = (Vec<String>, KeyType);

/// Authorities are made once in a process: all certificates by one name have one issuer.
static AUTHORITIES: LazyLock<Mutex<HashMap<AuthorityName, Authority>>> =
    LazyLock::new(Mutex::default);

/// The authority of that name, made when it is asked for the first time. `subjects` begins with the root's.
pub(crate) fn authority(subjects: &[String], kind: KeyType, now: i64) -> Result<Authority, String> {
    let mut known = AUTHORITIES.lock();
    let mut above: Option<Authority> = None;
    for end in 1..=subjects.len() {
        let name = (subjects.get(..end).unwrap_or_default().to_vec(), kind);
        let authority = if let Some(authority) = known.get(&name) {
            authority.clone()
        } else {
            let subject = name.0.last().map_or("", String::as_str);
            let made = new_authority(subject, kind, above.as_ref(), now)?;
            known.insert(name, made.clone());
            made
        };
        above = Some(authority);
    }
    above.ok_or_else(|| "issuedBy: a root is needed".to_owned())
}

fn new_authority(
    subject: &str,
    kind: KeyType,
    above: Option<&Authority>,
    now: i64,
) -> Result<Authority, String> {
    let key = PrivateKey::generate(kind)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = names::read(subject)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let to = plus_months(now, AUTHORITY_MONTHS)?;
    // A day back: certificates may be asked for that were good before this moment.
    set_validity(
        &mut params,
        Validity {
            from: now - 24 * 60 * 60,
            to,
        },
    );
    let certificate = sign(&mut params, &key, above)?;
    let issuers = above.iter().flat_map(|above| above.chain.iter().cloned());
    Ok(Authority {
        key,
        params: Arc::new(params),
        chain: [certificate].into_iter().chain(issuers).collect(),
    })
}

/// A certificate of the policy for the key, by the authority or by itself, as DER.
pub(crate) fn certificate(
    policy: &Policy,
    key: &PrivateKey,
    validity: Validity,
    by: Option<&Authority>,
) -> Result<Arc<[u8]>, String> {
    let mut params = params(policy)?;
    set_validity(&mut params, validity);
    sign(&mut params, key, by)
}

/// The request for a certificate of the policy, as DER.
pub(crate) fn request(policy: &Policy, key: &PrivateKey) -> Result<Vec<u8>, String> {
    let signer = key.signer().map_err(text)?;
    let request = params(policy)?.serialize_request(&signer).map_err(text)?;
    Ok(request.der().to_vec())
}

fn sign(
    params: &mut CertificateParams,
    key: &PrivateKey,
    by: Option<&Authority>,
) -> Result<Arc<[u8]>, String> {
    params.use_authority_key_identifier_extension = true;
    let own = key.signer().map_err(text)?;
    let certificate = match by {
        None => params.self_signed(&own),
        Some(by) => {
            let signer = by.key.signer().map_err(text)?;
            params.signed_by(&own, &Issuer::from_params(&by.params, signer))
        }
    };
    Ok(certificate.map_err(text)?.der().as_ref().into())
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| epoch + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    params.not_before = at(validity.from);
    params.not_after = at(validity.to);
}

fn params(policy: &Policy) -> Result<CertificateParams, String> {
    let wanted = &policy.x509_props;
    let mut params = CertificateParams::default();
    params.distinguished_name = names::read(&wanted.subject)?;
    params.subject_alt_names = wanted.sans.as_ref().map_or_else(|| Ok(Vec::new()), sans)?;
    params.is_ca = if wanted.basic_constraints.ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::ExplicitNoCa
    };
    params.key_usages = wanted
        .key_usage
        .iter()
        .filter_map(|usage| key_usage(usage))
        .collect();
    params.extended_key_usages = wanted
        .ekus
        .iter()
        .map(|oid| extended_key_usage(oid))
        .collect::<Result<_, _>>()?;
    Ok(params)
}

fn sans(wanted: &Sans) -> Result<Vec<SanType>, String> {
    let ia5 = |name: &String| {
        name.as_str()
            .try_into()
            .map_err(|_| format!("Property sans has invalid value {name}"))
    };
    let dns = wanted
        .dns_names
        .iter()
        .map(|name| ia5(name).map(SanType::DnsName));
    let emails = wanted
        .emails
        .iter()
        .map(|name| ia5(name).map(SanType::Rfc822Name));
    let upns = wanted.upns.iter().map(|name| {
        let value = OtherNameValue::Utf8String(name.clone());
        Ok(SanType::OtherName((UPN.to_vec(), value)))
    });
    dns.chain(emails).chain(upns).collect()
}

fn key_usage(name: &str) -> Option<KeyUsagePurpose> {
    Some(match name {
        "digitalSignature" => KeyUsagePurpose::DigitalSignature,
        "nonRepudiation" => KeyUsagePurpose::ContentCommitment,
        "keyEncipherment" => KeyUsagePurpose::KeyEncipherment,
        "dataEncipherment" => KeyUsagePurpose::DataEncipherment,
        "keyAgreement" => KeyUsagePurpose::KeyAgreement,
        "keyCertSign" => KeyUsagePurpose::KeyCertSign,
        "cRLSign" => KeyUsagePurpose::CrlSign,
        "encipherOnly" => KeyUsagePurpose::EncipherOnly,
        "decipherOnly" => KeyUsagePurpose::DecipherOnly,
        _ => return None,
    })
}

fn extended_key_usage(oid: &str) -> Result<ExtendedKeyUsagePurpose, String> {
    let arcs: Option<Vec<u64>> = oid.split('.').map(|arc| arc.parse().ok()).collect();
    match arcs {
        Some(arcs) if arcs.len() > 2 => Ok(ExtendedKeyUsagePurpose::Other(arcs)),
        Some(_) | None => Err(format!("Property ekus has invalid value {oid}")),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "goes to map_err as it is")]
fn text(error: rcgen::Error) -> String {
    error.to_string()
}
