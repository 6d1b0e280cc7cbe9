//! The keys of a certificate: PEM files, keystores; and public keys. Pure.

use jiff::Timestamp;

use crate::azure::key_vault::Bundle;
use crate::certificate::bundle::{Tls, tls};
use crate::certificate::keystore::{self, jks, pkcs12};
use crate::certificate::public_key::PublicKey;
use crate::names::SecretKey;
use crate::problem::Problem;
use crate::secret::SecretValue;
use crate::vault_secret_sync::items::item::{
    CertificatePart, Item, Keystore, ObjectId, StoreFormat,
};
use crate::vault_secret_sync::items::render::Rendered;

/// A certificate's keys. `given` is for [`Item::needs`], in that order.
pub fn certificate(
    item: &Item,
    part: &CertificatePart,
    given: &[&Bundle],
) -> Result<Rendered, Problem> {
    let Some(file) = given.first() else {
        return Ok(Rendered::default());
    };
    let made = tls(&file.value, None, part.chain);
    let made = made.map_err(|problem| named(problem, &format!("certificate {:?}", part.name())))?;
    let mut values = vec![
        ("tls.crt", made.certificate.clone()),
        ("tls.key", made.key.clone()),
    ];
    values.extend(made.authority.clone().map(|one| ("ca.crt", one)));
    for store in &part.keystores {
        let files = keystore_of(item, store, &made, given)?;
        let [key, trust] = store.format.files();
        values.push((key, files.keystore));
        values.extend(files.truststore.map(|one| (trust, one)));
    }
    let end: Timestamp = made.validity.not_after;
    Ok(Rendered {
        values: values
            .into_iter()
            .filter_map(|(file, value)| Some((part.key(file)?, value)))
            .collect(),
        expires: Some(end),
        notes: made.notes.iter().map(ToString::to_string).collect(),
        told: Vec::new(),
    })
}

fn keystore_of(
    item: &Item,
    store: &Keystore,
    made: &Tls,
    given: &[&Bundle],
) -> Result<keystore::Keystore, Problem> {
    let password = ObjectId::Object(store.password.clone());
    let place = item.needs().iter().position(|need| *need == password);
    let empty = SecretValue::new(Vec::new());
    let password = place.and_then(|place| given.get(place));
    let password = password.map_or(&empty, |bundle| &bundle.value);
    let files = match store.format {
        StoreFormat::Pkcs12(ciphers) => pkcs12(made, password, &store.alias, ciphers),
        StoreFormat::Jks => jks(made, password, &store.alias),
    };
    files.map_err(|problem| named(problem, &store.password.to_string()))
}

/// The public half of a key of the vault.
pub fn public_key(
    key: &SecretKey,
    name: &str,
    jwk: bool,
    given: &Bundle,
) -> Result<Rendered, Problem> {
    let read = PublicKey::read(given.value.expose());
    let written = read.and_then(|read| if jwk { read.jwk() } else { Ok(read.pem()) });
    let value = written.map_err(|problem| named(problem, name))?;
    Ok(Rendered {
        values: vec![(key.clone(), value)],
        ..Rendered::default()
    })
}

/// The messages about certificates are worded to stand behind a name and a colon.
fn named(problem: Problem, name: &str) -> Problem {
    Problem {
        message: format!("{name}: {}", problem.message),
        ..problem
    }
}

#[cfg(test)]
#[path = "render_certificate_tests.rs"]
mod tests;
