//! Trust in a certificate by its subject and issuer ("SN+I"): one that is not registered itself, but comes with its chain.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::world::{
    moment::Moment,
    tenant::{SubjectName, same_subject, subject_of},
};

/// What a chain is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Of a subject that is named, up to its root.
    Trusted,
    /// The same, but for the time of one of the certificates.
    OutOfTime,
    Untrusted,
}

/// Judges a chain of DER certificates, leaf first, by the rules of an application.
pub(crate) fn judge(rules: &[SubjectName], chain: &[Vec<u8>], now: Moment) -> Trust {
    let Some((leaf, others)) = chain.split_first() else {
        return Trust::Untrusted;
    };
    let leaf = CertificateDer::from(leaf.as_slice());
    let (Ok(end), Some(subject)) = (EndEntityCert::try_from(&leaf), subject_of(&leaf)) else {
        return Trust::Untrusted;
    };
    let intermediates: Vec<CertificateDer<'_>> = others
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let seconds = u64::try_from(now.seconds()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let verdict = |rule: &SubjectName| {
        let root = CertificateDer::from(rule.root.as_slice());
        let Ok(anchor) = anchor_from_trusted_cert(&root) else {
            return Trust::Untrusted;
        };
        let anchors = [anchor];
        let verified = end.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            time,
            KeyUsage::client_auth(),
            None,
            None,
        );
        match verified {
            Ok(_) => Trust::Trusted,
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Trust::OutOfTime,
            Err(_) => Trust::Untrusted,
        }
    };
    let verdicts: Vec<Trust> = rules
        .iter()
        .filter(|rule| same_subject(&rule.subject, &subject))
        .map(verdict)
        .collect();
    [Trust::Trusted, Trust::OutOfTime]
        .into_iter()
        .find(|trust| verdicts.contains(trust))
        .unwrap_or(Trust::Untrusted)
}
