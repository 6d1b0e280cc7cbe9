//! JSON web keys with their private numbers, as clients import them (RFC 7518, 6).

use aws_lc_rs::{
    rsa::{KeyPair as RsaPair, KeyPairComponents, PublicKeyComponents},
    signature::EcdsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::key::{Curve, KeyType, PrivateKey};

/// A JSON web key with its private numbers, as a client imports it.
#[derive(Deserialize)]
pub(crate) struct PrivateJwk {
    kty: String,
    #[serde(default)]
    pub(crate) key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl PrivateJwk {
    pub(crate) fn read(&self) -> Result<PrivateKey, String> {
        match self.kty.as_str() {
            "RSA" | "RSA-HSM" => self.read_rsa(),
            "EC" | "EC-HSM" => self.read_ec(),
            other => Err(format!("Property kty has invalid value {other}")),
        }
    }

    fn read_rsa(&self) -> Result<PrivateKey, String> {
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: number("n", self.n.as_deref())?,
                e: number("e", self.e.as_deref())?,
            },
            d: number("d", self.d.as_deref())?,
            p: number("p", self.p.as_deref())?,
            q: number("q", self.q.as_deref())?,
            dP: number("dp", self.dp.as_deref())?,
            dQ: number("dq", self.dq.as_deref())?,
            qInv: number("qi", self.qi.as_deref())?,
        };
        let pair = RsaPair::from_components(&components)
            .map_err(|_| "The numbers of the RSA key do not fit together".to_owned())?;
        PrivateKey::of_rsa(&pair)
    }

    fn read_ec(&self) -> Result<PrivateKey, String> {
        let KeyType::Ec(curve) = KeyType::wanted("EC", None, self.crv.as_deref())? else {
            return Err("Property crv has invalid value".to_owned());
        };
        let coordinate = |name: &str, text: Option<&str>| padded(number(name, text)?, curve);
        let mut point = vec![4];
        point.extend(coordinate("x", self.x.as_deref())?);
        point.extend(coordinate("y", self.y.as_deref())?);
        let private = coordinate("d", self.d.as_deref())?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), &private, &point)
            .map_err(|_| {
                format!(
                    "The numbers of the key on {} do not fit together",
                    curve.name()
                )
            })?;
        PrivateKey::of_ec(curve, &pair)
    }
}

/// A number without leading zeros.
fn number(name: &str, text: Option<&str>) -> Result<Vec<u8>, String> {
    let bytes = text
        .and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())
        .ok_or_else(|| format!("Property {name} has invalid value"))?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.into_iter().skip(zeros).collect())
}

fn padded(number: Vec<u8>, curve: Curve) -> Result<Vec<u8>, String> {
    let missing = curve
        .bytes()
        .checked_sub(number.len())
        .ok_or_else(|| format!("A number is too large for {}", curve.name()))?;
    Ok([vec![0; missing], number].concat())
}
