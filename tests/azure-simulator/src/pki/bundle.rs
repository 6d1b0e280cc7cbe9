//! The value of a certificate's secret: key and certificates as PKCS#12 (in base64) or PEM.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain,
};
use serde::{Deserialize, Serialize};

use super::key::PrivateKey;

/// Iterations of PKCS#12, as recorded of Azure.
const ITERATIONS: u32 = 2000;
const PEM_COLUMNS: usize = 64;

/// In which order the certificates stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Order {
    /// The certificate, then each one's issuer.
    #[default]
    LeafFirst,
    /// The other way round.
    RootFirst,
    /// The certificate's issuer, the certificate, then the rest.
    Shuffled,
}

/// Ciphers of PKCS#12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ciphers {
    /// `pbeWithSHAAnd3-KeyTripleDES-CBC` and HMAC-SHA-1, as Azure has them.
    #[default]
    TripleDes,
    /// `pbeWithSHAAnd40BitRC2-CBC` and HMAC-SHA-1, as the oldest files have them.
    Rc2,
    /// PBES2 with AES-256 and HMAC-SHA-256.
    Aes256,
}

/// In which form a secret's value is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    pub(crate) pem: bool,
    pub(crate) order: Order,
    pub(crate) ciphers: Ciphers,
}

/// The value. `chain` is the certificate and its issuers; without a key (it is not exportable) only these are in it.
pub(crate) fn write(
    key: Option<&PrivateKey>,
    chain: &[Arc<[u8]>],
    form: Form,
) -> Result<String, String> {
    let chain = ordered(chain, form.order);
    if form.pem {
        return Ok(pem(key, &chain));
    }
    pkcs12(key, &chain, form.ciphers)
        .map(|pfx| STANDARD.encode(pfx))
        .map_err(|error| format!("the PKCS#12 file cannot be written: {error}"))
}

fn ordered(chain: &[Arc<[u8]>], order: Order) -> Vec<Arc<[u8]>> {
    let mut chain = chain.to_vec();
    match order {
        Order::LeafFirst => {}
        Order::RootFirst => chain.reverse(),
        Order::Shuffled => {
            let end = chain.len().min(2);
            if let Some(begin) = chain.get_mut(..end) {
                begin.reverse();
            }
        }
    }
    chain
}

fn pem(key: Option<&PrivateKey>, chain: &[Arc<[u8]>]) -> String {
    let key = key.map(|key| armoured("PRIVATE KEY", key.pkcs8()));
    let certificates = chain.iter().map(|der| armoured("CERTIFICATE", der));
    key.into_iter().chain(certificates).collect()
}

fn armoured(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded
        .as_bytes()
        .chunks(PEM_COLUMNS)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn pkcs12(
    key: Option<&PrivateKey>,
    chain: &[Arc<[u8]>],
    ciphers: Ciphers,
) -> p12_keystore::Result<Vec<u8>> {
    let certificates = chain
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<p12_keystore::Result<Vec<_>>>()?;
    let mut store = KeyStore::new();
    match key {
        Some(key) => {
            let key = p12_keystore::PrivateKey::from_der(key.pkcs8())?;
            let entry = PrivateKeyChain::new([1_u8, 0, 0, 0].as_slice(), key, certificates);
            store.add_entry("certificate", KeyStoreEntry::PrivateKeyChain(entry));
        }
        None => {
            for (number, certificate) in certificates.into_iter().enumerate() {
                store.add_entry(
                    &format!("certificate-{number}"),
                    KeyStoreEntry::Certificate(certificate),
                );
            }
        }
    }
    let (cipher, mac) = match ciphers {
        Ciphers::TripleDes => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
        // The library's name for it is a slip: its object identifier is RC2's.
        Ciphers::Rc2 => (
            EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
            MacAlgorithm::HmacSha1,
        ),
        Ciphers::Aes256 => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
    };
    store
        .writer("")
        .encryption_algorithm(cipher)
        .encryption_iterations(ITERATIONS)
        .mac_algorithm(mac)
        .mac_iterations(ITERATIONS)
        .write()
}
