//! The checksums of contents: MD5, and the service's CRC-64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};

/// MD5 as `Content-MD5` has it.
pub(super) fn md5(data: &[u8]) -> String {
    STANDARD.encode(Md5::digest(data))
}

/// The polynomial 0xAD93D23594C93659 with its bits turned round.
const POLYNOMIAL: u64 = 0x9A6C_9329_AC4B_C9B5;

const TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ POLYNOMIAL
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// CRC-64 as `x-ms-content-crc64` has it.
pub(super) fn crc64(data: &[u8]) -> String {
    let sum = data.iter().fold(u64::MAX, |sum, byte| {
        let low = sum.to_le_bytes()[0];
        sum >> 8 ^ TABLE[usize::from(low ^ byte)]
    });
    STANDARD.encode((!sum).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_are_right() {
        assert_eq!(crc64(b""), "AAAAAAAAAAA=");
        // The check value of CRC-64/NVME for "123456789" is 0xAE8B14860A799888.
        assert_eq!(
            crc64(b"123456789"),
            STANDARD.encode(0xAE8B_1486_0A79_9888_u64.to_le_bytes())
        );
        assert_eq!(md5(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
    }
}
