//! Decryption by password: PBES2 (RFC 8018) by the `pkcs5` crate, and the schemes of PKCS#12 (RFC 7292, appendices B and C),
//! which old programs use for keys of PKCS#8 as well.

use aws_lc_rs::digest;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, ErrorKind, Sequence};
use des::{TdesEde2, TdesEde3};
use pkcs5::pbes2::{Kdf, PBES2_OID, Parameters};
use pkcs8::spki::AlgorithmIdentifierRef;
use rc2::Rc2;
use zeroize::Zeroizing;

use super::ber;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

pub(super) const SHA1_3DES: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const SHA1_2DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const SHA1_RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const SHA1_RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// Rounds of hashing that one file may cost, all its parts together: some seconds. OpenSSL's files take 4,000 to 6,000.
/// Whoever may store a file in a namespace shall not be able to keep the operator busy with it.
const MAX_WORK: u64 = 4_000_000;
/// Memory that scrypt may take. OpenSSL's default is 16 MiB.
const MAX_SCRYPT_BYTES: u64 = 64 << 20;

/// Why a file could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is not what it should be. The text says what was seen and what to do.
    Unreadable(String),
    /// The password does not open it.
    Password,
}

impl Failure {
    pub(super) fn into_problem(self, opener: &Opener<'_>) -> Problem {
        let (reason, message) = match self {
            Self::Unreadable(message) => (Reason::CertificateUnreadable, message),
            Self::Password => (
                Reason::CertificatePasswordWrong,
                if opener.password.is_empty() {
                    "it is encrypted with a password, and none is given"
                } else {
                    "the given password does not open it"
                }
                .to_owned(),
            ),
        };
        Problem::new(reason, Retry::OnChange, message)
    }
}

/// A password, and what may still be spent on trying it.
pub(super) struct Opener<'a> {
    password: &'a [u8],
    /// Whether the password of PKCS#12 schemes is no text at all instead of an empty one. RFC 7292 allows both readings
    /// (B.1, B.2): macOS takes it for nothing, OpenSSL for two zero bytes.
    absent: bool,
    work: u64,
}

impl<'a> Opener<'a> {
    pub(super) fn new(password: Option<&'a [u8]>) -> Self {
        let mut password = password.unwrap_or_default();
        while let [rest @ .., b'\n' | b'\r'] = password {
            password = rest;
        }
        Self {
            password,
            absent: false,
            work: MAX_WORK,
        }
    }

    /// Whether there is another way to say that there is no password, which is then used.
    pub(super) fn say_absent(&mut self) -> bool {
        let changed = self.password.is_empty() && !self.absent;
        self.absent = self.absent || changed;
        changed
    }

    /// The DER value that `data` is the encryption of.
    pub(super) fn open(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let plain = match algorithm.oid {
            PBES2_OID => self.pbes2(algorithm, data)?,
            SHA1_3DES => self.pbes1::<TdesEde3>(algorithm, data, 24)?,
            SHA1_2DES => self.pbes1::<TdesEde2>(algorithm, data, 16)?,
            SHA1_RC2_128 => self.pbes1::<Rc2>(algorithm, data, 16)?,
            SHA1_RC2_40 => self.pbes1::<Rc2>(algorithm, data, 5)?,
            other => return Err(unsupported(other)),
        };
        // One wrong password in 256 leaves a padding that looks right.
        ber::to_der(&plain).ok_or(Failure::Password)
    }

    fn pbes2(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let parameters = algorithm.parameters.ok_or_else(damaged)?;
        let parameters = Parameters::try_from(parameters).map_err(|error| {
            if let ErrorKind::OidUnknown { oid } = error.kind() {
                return unsupported(oid);
            }
            damaged()
        })?;
        match &parameters.kdf {
            Kdf::Pbkdf2(kdf) => self.spend(u64::from(kdf.iteration_count))?,
            Kdf::Scrypt(kdf) => {
                // RFC 7914: N blocks for mixing, and one for each of p.
                let block = 128 * u64::from(kdf.block_size);
                let lanes = u64::from(kdf.parallelization);
                if (kdf.cost_parameter.saturating_add(lanes)).saturating_mul(block)
                    > MAX_SCRYPT_BYTES
                {
                    return Err(too_costly());
                }
                // A round of hashing and 128 bytes of scrypt take about the same time.
                self.spend((kdf.cost_parameter * lanes).saturating_mul(block / 128))?;
            }
            _ => return Err(unsupported(PBES2_OID)),
        }
        let plain = parameters.decrypt(self.password, data);
        plain.map(Zeroizing::new).map_err(|error| {
            if let pkcs5::Error::UnsupportedAlgorithm { oid } = error {
                unsupported(oid)
            } else if let pkcs5::Error::AlgorithmParametersInvalid { .. } = error {
                damaged()
            } else {
                Failure::Password
            }
        })
    }

    fn pbes1<C>(
        &mut self,
        algorithm: AlgorithmIdentifierRef<'_>,
        data: &[u8],
        key_len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Failure>
    where
        C: BlockCipherDecrypt + KeyInit,
    {
        let parameters = algorithm.parameters.ok_or_else(damaged)?;
        let parameters: Pbes1 = parameters.decode_as().map_err(|_| damaged())?;
        let (salt, rounds) = (parameters.salt.as_bytes(), parameters.rounds);
        let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        let key = self.derive(sha1, Purpose::Key, salt, rounds, key_len)?;
        let iv = self.derive(sha1, Purpose::Iv, salt, rounds, 8)?;
        let cipher = Decryptor::<C>::new_from_slices(&key, &iv).map_err(|_| damaged())?;
        let plain = cipher.decrypt_padded_vec::<Pkcs7>(data);
        plain.map(Zeroizing::new).map_err(|_| Failure::Password)
    }

    /// The key derivation of PKCS#12 (RFC 7292, appendix B.2).
    pub(super) fn derive(
        &mut self,
        hash: &'static digest::Algorithm,
        purpose: Purpose,
        salt: &[u8],
        rounds: u32,
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let block_len = hash.block_len();
        let steps = len.div_ceil(hash.output_len());
        self.spend(u64::from(rounds).saturating_mul(u64::try_from(steps).unwrap_or(u64::MAX)))?;
        let diversifier = vec![purpose as u8; block_len];
        let password = self.utf16()?;
        // The room is taken at once: a vector that grows leaves copies behind.
        let room = salt.len() + password.len() + 2 * block_len;
        let mut input = Zeroizing::new(Vec::with_capacity(room));
        input.extend(filled(salt, block_len).chain(filled(&password, block_len)));
        let mut derived = Zeroizing::new(Vec::with_capacity(steps * hash.output_len()));
        for _ in 0..steps {
            let mut first = digest::Context::new(hash);
            first.update(&diversifier);
            first.update(&input);
            let mut output = first.finish();
            for _ in 1..rounds {
                output = digest::digest(hash, output.as_ref());
            }
            derived.extend_from_slice(output.as_ref());
            let cycle = output.as_ref().iter().copied().cycle();
            let addend: Zeroizing<Vec<u8>> = Zeroizing::new(cycle.take(block_len).collect());
            for block in input.chunks_mut(block_len) {
                add_with_one(block, &addend);
            }
        }
        derived.truncate(len);
        Ok(derived)
    }

    /// The password as PKCS#12 hashes it: UTF-16 with the high byte first, and two zero bytes.
    fn utf16(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if self.absent {
            return Ok(Zeroizing::default());
        }
        let text = std::str::from_utf8(self.password).map_err(|_| {
            Failure::Unreadable(
                "its kind of encryption needs a password that is text, and the given one is not UTF-8"
                    .to_owned(),
            )
        })?;
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        for unit in text.encode_utf16().chain([0]) {
            utf16.extend_from_slice(&unit.to_be_bytes());
        }
        Ok(utf16)
    }

    fn spend(&mut self, work: u64) -> Result<(), Failure> {
        self.work = self.work.checked_sub(work).ok_or_else(too_costly)?;
        Ok(())
    }
}

/// What is derived; the number goes into the hash (RFC 7292, appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

#[derive(Sequence)]
pub(super) struct Pbes1<'a> {
    pub(super) salt: &'a OctetStringRef,
    pub(super) rounds: u32,
}

/// `EncryptedPrivateKeyInfo` (RFC 5958).
#[derive(Sequence)]
pub(super) struct EncryptedKey<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) data: &'a OctetStringRef,
}

/// The `PrivateKeyInfo` in an `EncryptedPrivateKeyInfo`.
pub(super) fn key(der: &[u8], opener: &mut Opener<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let outer = EncryptedKey::from_der(der).map_err(|_| damaged())?;
    opener.open(outer.algorithm, outer.data.as_bytes())
}

/// `bytes` over and over, up to a multiple of `block_len`; nothing where there are none.
fn filled(bytes: &[u8], block_len: usize) -> impl Iterator<Item = u8> {
    let len = bytes.len().next_multiple_of(block_len);
    bytes.iter().copied().cycle().take(len)
}

/// `block += addend + 1` as big-endian numbers of the same length, without the carry at the end.
fn add_with_one(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1u16;
    for (byte, add) in block.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        [_, *byte] = sum.to_be_bytes();
        carry = sum >> 8;
    }
}

fn damaged() -> Failure {
    Failure::Unreadable("what is said in it of its encryption is damaged".to_owned())
}

fn unsupported(oid: ObjectIdentifier) -> Failure {
    Failure::Unreadable(format!(
        "it is encrypted in a way that is not supported (algorithm {oid}); make it anew with AES: `openssl pkcs8 -topk8 -v2 aes-256-cbc` for a key in PEM, `openssl pkcs12 -export` for PKCS#12"
    ))
}

fn too_costly() -> Failure {
    Failure::Unreadable(format!(
        "its encryption asks for more work than the operator does ({MAX_WORK} rounds in all, {} MiB for scrypt); make it anew with fewer iterations",
        MAX_SCRYPT_BYTES >> 20
    ))
}
