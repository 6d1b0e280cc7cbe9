//! Authorities and certificates made on the spot, for tests.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use super::Certificate;
use crate::secret::SecretValue;

/// Somebody with a name and a key, who can have several certificates.
pub(super) struct Party {
    pub(super) key: KeyPair,
    params: CertificateParams,
}

impl Party {
    pub(super) fn authority(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::with(params)
    }

    pub(super) fn server(name: &str) -> Self {
        Self::with(params(name))
    }

    fn with(params: CertificateParams) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self { key, params }
    }

    /// Without key ids, as old authorities do it.
    pub(super) fn without_ids(mut self) -> Self {
        self.params.use_authority_key_identifier_extension = false;
        if let IsCa::Ca(_) = self.params.is_ca {
            self.params.is_ca = IsCa::NoCa;
        }
        self
    }

    /// The same key under another name.
    pub(super) fn renamed(&self, name: &str) -> Self {
        let (mut params, mut named) = (self.params.clone(), DistinguishedName::new());
        named.push(DnType::CommonName, name);
        params.distinguished_name = named;
        let key = KeyPair::try_from(self.key.serialize_der()).unwrap();
        Self { key, params }
    }

    /// The last year in which its certificates are valid.
    pub(super) fn until(&mut self, year: i32) -> &mut Self {
        self.params.not_after = date_time_ymd(year, 1, 1);
        self
    }

    pub(super) fn by(&self, issuer: &Self) -> Certificate {
        let issuer = Issuer::from_params(&issuer.params, &issuer.key);
        let signed = self.params.signed_by(&self.key, &issuer).unwrap();
        Certificate::from_der(signed.der()).unwrap()
    }

    pub(super) fn by_itself(&self) -> Certificate {
        let signed = self.params.self_signed(&self.key).unwrap();
        Certificate::from_der(signed.der()).unwrap()
    }

    /// Its key and these certificates as a file.
    pub(super) fn file(&self, certificates: &[&Certificate]) -> SecretValue {
        let ders: Vec<&[u8]> = certificates.iter().map(|one| one.der()).collect();
        let certificates = super::pem::write("CERTIFICATE", &ders);
        let key = super::pem::write("PRIVATE KEY", &[&self.key.serialize_der()]);
        SecretValue::new([certificates.expose(), key.expose()].concat())
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}
