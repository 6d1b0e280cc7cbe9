//! PEM (RFC 7468), read leniently: text around the blocks, white space, line ends and widths do not matter. Written strictly.
//! The crates for it leave copies of the keys in memory, or know no encrypted keys, so the frame is read and written here.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize, Zeroizing};

use super::decrypt::{self, Failure, Opener};
use super::key::PrivateKey;
use super::{Container, ber};
use crate::secret::SecretValue;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Missing padding is forgiven.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes in a line of 64 letters.
const LINE: usize = 48;

/// One block for each value in DER, one after the other.
pub(super) fn write(label: &str, values: &[&[u8]]) -> SecretValue {
    let lines = |der: &[u8]| 65 * (der.len() / LINE + 1);
    let frame = 2 * label.len() + 40;
    let room = values.iter().map(|der| frame + lines(der)).sum();
    // The room is taken at once: a vector that grows leaves copies behind.
    let mut text = Vec::with_capacity(room);
    let mut line = [0; 64];
    for der in values {
        text.extend([BEGIN, label.as_bytes(), DASHES, b"\n"].concat());
        for part in der.chunks(LINE) {
            let len = BASE64.encode_slice(part, &mut line).unwrap_or(0);
            text.extend_from_slice(line.get(..len).unwrap_or_default());
            text.push(b'\n');
        }
        text.extend([END, label.as_bytes(), DASHES, b"\n"].concat());
    }
    line.zeroize();
    SecretValue::new(text)
}

/// Whether there is a block in it.
pub(super) fn is_pem(content: &[u8]) -> bool {
    find(content, BEGIN).is_some()
}

/// All keys and certificates.
pub(super) fn read(content: &[u8], opener: &mut Opener<'_>) -> Result<Container, Failure> {
    let mut container = Container::default();
    let mut rest = content;
    while let Some((_, begun)) = split(rest, BEGIN) {
        let (block, after) = block(begun)?;
        rest = after;
        match block.label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => {
                container.add_certificate(&block.der()?)?;
            }
            b"PRIVATE KEY" => container.add_key(PrivateKey::from_pkcs8(&block.der()?)?),
            b"RSA PRIVATE KEY" => container.add_key(PrivateKey::from_pkcs1(&block.der()?)?),
            b"EC PRIVATE KEY" => container.add_key(PrivateKey::from_sec1(&block.der()?)?),
            b"ENCRYPTED PRIVATE KEY" => {
                let key = decrypt::key(&block.der()?, opener)?;
                container.add_key(PrivateKey::from_pkcs8(&key)?);
            }
            b"OPENSSH PRIVATE KEY" => {
                return Err(Failure::Unreadable(
                    "its private key is in OpenSSH's own form; make one with `openssl req -x509 -newkey rsa:2048`"
                        .to_owned(),
                ));
            }
            // Parameters of a curve, requests, public keys and the like: nothing that is needed.
            _ => {}
        }
    }
    Ok(container)
}

/// One block between its two lines.
struct Block<'a> {
    label: &'a [u8],
    body: &'a [u8],
}

/// The block whose label comes first in `input`, and what follows it.
fn block(input: &[u8]) -> Result<(Block<'_>, &[u8]), Failure> {
    let cut = || {
        Failure::Unreadable(
            "a block of it has no -----END line, so the file is cut short; store the whole file"
                .to_owned(),
        )
    };
    let (label, rest) = split(input, DASHES).ok_or_else(cut)?;
    let (body, rest) = split(rest, END).ok_or_else(cut)?;
    let (end, rest) = split(rest, DASHES).ok_or_else(cut)?;
    if label != end || is_pem(body) {
        return Err(cut());
    }
    Ok((Block { label, body }, rest))
}

impl Block<'_> {
    /// What the base64 says, as DER.
    fn der(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if find(self.body, b"Proc-Type:").is_some() {
            return Err(Failure::Unreadable(
                "its private key is encrypted in OpenSSL's old way (DEK-Info), which is not supported; write it anew: `openssl pkcs8 -topk8 -in key.pem -out new.pem`"
                    .to_owned(),
            ));
        }
        let mut packed = Zeroizing::new(Vec::with_capacity(self.body.len()));
        packed.extend(self.body.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let damaged = || {
            Failure::Unreadable(
                "a block of it is damaged between its -----BEGIN and -----END lines; store the file as it was made"
                    .to_owned(),
            )
        };
        // The room is taken at once: a vector that grows leaves copies behind.
        let mut decoded = Zeroizing::new(Vec::with_capacity(packed.len()));
        BASE64
            .decode_vec(&*packed, &mut decoded)
            .map_err(|_| damaged())?;
        ber::to_der(&decoded).ok_or_else(damaged)
    }
}

/// What stands before the first `mark`, and what behind it.
fn split<'a>(input: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = input.split_at_checked(find(input, mark)?)?;
    Some((before, rest.strip_prefix(mark)?))
}

fn find(input: &[u8], mark: &[u8]) -> Option<usize> {
    input.windows(mark.len()).position(|window| window == mark)
}
