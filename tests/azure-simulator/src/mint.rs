//! Makes what the world cannot make itself, because it takes chance and time: keys, certificates and their secrets.

use std::{num::NonZero, sync::Arc, thread};

use crate::{
    app::new_version_id,
    pki::{
        bundle::{self, Ciphers, Form, Order},
        import::{self, Imported},
        issue::{self, Authority, Validity},
        key::PrivateKey,
    },
    world::{
        certificate::{Made, Pending, Progress, Unsigned},
        certificate_spec::{CertificateSeed, KeySeed},
        key::NewKey,
        moment::Moment,
        object::Changes,
        policy::{PEM, Policy, SELF_ISSUER, UNKNOWN_ISSUER},
        refusal::Refusal,
        spec::{SecretText, VaultSpec},
    },
};

/// Makes the keys and certificates of vaults that a seed describes, on all processors.
pub(crate) fn vaults(vaults: &mut [VaultSpec], now: Moment) -> Result<(), String> {
    let mut certificates: Vec<_> = vaults
        .iter_mut()
        .flat_map(|vault| vault.certificates.iter_mut())
        .collect();
    each(&mut certificates, |seed| certificate(seed, now))?;
    let mut keys: Vec<_> = vaults
        .iter_mut()
        .flat_map(|vault| vault.keys.iter_mut())
        .collect();
    each(&mut keys, key)
}

fn each<T: Send>(
    items: &mut [&mut T],
    make: impl Fn(&mut T) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(workers).max(1);
    let make = &make;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .chunks_mut(share)
            .map(|chunk| scope.spawn(move || chunk.iter_mut().try_for_each(|item| make(item))))
            .collect();
        running.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err("the making of a key failed".to_owned()))
        })
    })
}

/// Makes a certificate that a seed describes.
pub(crate) fn certificate(seed: &mut CertificateSeed, now: Moment) -> Result<(), String> {
    let in_name = |error: String| format!("certificate {}: {error}", seed.name);
    let mut policy = seed.policy();
    // The defaults that depend on the kind of key are a client's, too.
    policy = complete(&policy, now).map_err(in_name)?;
    let mut validity = Validity::of_months(now.seconds(), seed.validity_months).map_err(in_name)?;
    if let Some(from) = seed.not_before {
        validity.from = from.0;
    }
    if let Some(to) = seed.expires {
        validity.to = to.0;
    }
    let authority = seed
        .issued_by
        .as_ref()
        .map(|by| {
            let subjects: Vec<String> = [&by.root]
                .into_iter()
                .chain(&by.intermediates)
                .cloned()
                .collect();
            issue::authority(&subjects, by.key_type, now.seconds())
        })
        .transpose()
        .map_err(in_name)?;
    let key = PrivateKey::generate(seed.key_type).map_err(in_name)?;
    let form = Form {
        pem: seed.content_type == PEM,
        order: seed.order,
        ciphers: seed.pfx_ciphers,
    };
    let with_root = seed.issued_by.as_ref().is_none_or(|by| by.include_root);
    let wanted = Wanted {
        policy,
        changes: seed.changes(),
        form,
        with_root,
    };
    seed.made = Some(finish(wanted, key, validity, authority.as_ref()).map_err(in_name)?);
    Ok(())
}

fn complete(policy: &Policy, now: Moment) -> Result<Policy, String> {
    let mut given = serde_json::to_value(policy).map_err(|error| error.to_string())?;
    if let Some(x509) = given
        .get_mut("x509_props")
        .and_then(serde_json::Value::as_object_mut)
    {
        x509.remove("key_usage");
    }
    Policy::complete(given, now).map_err(|refusal| refusal.to_string())
}

/// Makes a key that a seed describes.
pub(crate) fn key(seed: &mut KeySeed) -> Result<(), String> {
    let key = PrivateKey::generate(seed.key_type.unwrap_or_default())
        .map_err(|error| format!("key {}: {error}", seed.name))?;
    seed.made = Some(NewKey {
        id: new_version_id(),
        key,
        operations: seed.operations.clone(),
        changes: seed.changes(),
    });
    Ok(())
}

struct Wanted {
    policy: Policy,
    changes: Changes,
    form: Form,
    with_root: bool,
}

fn finish(
    wanted: Wanted,
    key: PrivateKey,
    validity: Validity,
    by: Option<&Authority>,
) -> Result<Made, String> {
    let leaf = issue::certificate(&wanted.policy, &key, validity, by)?;
    let mut chain = vec![Arc::clone(&leaf)];
    if let Some(by) = by {
        chain.extend(by.chain.iter().cloned());
        if !wanted.with_root {
            chain.pop();
        }
    }
    let exported = wanted.policy.key_props.exportable.then_some(&key);
    Ok(Made {
        id: new_version_id(),
        value: SecretText(bundle::write(exported, &chain, wanted.form)?),
        key,
        leaf,
        validity,
        policy: wanted.policy,
        changes: wanted.changes,
        in_order: false,
    })
}

/// Begins what a client's create asks for: by itself, or waiting for a merge. `reused` is the key of the version before,
/// when the policy wants it again.
pub(crate) fn pending(
    policy: Policy,
    changes: Changes,
    reused: Option<PrivateKey>,
    now: Moment,
    delay_ms: u32,
) -> Result<Pending, Refusal> {
    let bad = Refusal::BadParameter;
    let issuer = policy.issuer.name.clone();
    if ![SELF_ISSUER, UNKNOWN_ISSUER].contains(&issuer.as_str()) {
        return Err(bad(format!("Issuer not found: {issuer}")));
    }
    let key = match reused {
        Some(key) => key,
        None => PrivateKey::generate(policy.key_type()?).map_err(bad)?,
    };
    let request = issue::request(&policy, &key).map_err(bad)?;
    let progress = if issuer == UNKNOWN_ISSUER {
        Progress::Merging(Box::new(Unsigned {
            id: new_version_id(),
            key,
            policy,
            changes,
        }))
    } else {
        let months = policy.x509_props.validity_months;
        let validity = Validity::of_months(now.seconds(), months).map_err(bad)?;
        let wanted = Wanted {
            form: form_of(&policy),
            policy,
            changes,
            with_root: true,
        };
        Progress::Issuing {
            ready: now.plus_millis(i64::from(delay_ms)),
            made: Box::new(finish(wanted, key, validity, None).map_err(bad)?),
        }
    };
    Ok(Pending {
        request_id: new_version_id(),
        issuer,
        request,
        cancellation_requested: false,
        progress,
    })
}

fn form_of(policy: &Policy) -> Form {
    Form {
        pem: policy.secret_props.content_type == PEM,
        order: Order::default(),
        ciphers: Ciphers::default(),
    }
}

/// A version out of a file that a client imports. `policy` is the client's, when it gave one.
pub(crate) fn imported(
    file: Imported,
    policy: Option<serde_json::Value>,
    changes: Changes,
    now: Moment,
) -> Result<Made, Refusal> {
    let bad = Refusal::BadParameter;
    let (described, validity) = import::describe(&file.leaf).map_err(bad)?;
    let mut given = policy.unwrap_or_else(|| serde_json::json!({}));
    if let Some(fields) = given.as_object_mut() {
        // What the certificate says of itself counts.
        let x509 = serde_json::to_value(described).map_err(|error| bad(error.to_string()))?;
        fields.insert("x509_props".to_owned(), x509);
        let content_type = if file.pem {
            PEM
        } else {
            crate::world::policy::PKCS12
        };
        fields
            .entry("secret_props")
            .or_insert_with(|| serde_json::json!({"contentType": content_type}));
        // The key is there already: whatever else the client says of its kind is overlooked.
        if let Some(props) = fields
            .get_mut("key_props")
            .and_then(serde_json::Value::as_object_mut)
        {
            for named in ["kty", "key_size", "crv"] {
                props.remove(named);
            }
        }
    }
    let mut policy = Policy::complete(given, now)?;
    policy.with_key(file.key.kind);
    let exported = policy.key_props.exportable.then_some(&file.key);
    let value = bundle::write(exported, &file.chain, form_of(&policy)).map_err(bad)?;
    Ok(Made {
        id: new_version_id(),
        value: SecretText(value),
        key: file.key,
        leaf: file.leaf,
        validity,
        policy,
        changes,
        in_order: file.in_order,
    })
}

/// A version out of a key that waits and the certificates that somebody else issued, as DER, the key's first.
pub(crate) fn merged(
    unsigned: Unsigned,
    chain: Vec<Arc<[u8]>>,
    given: Changes,
    now: Moment,
) -> Result<Made, Refusal> {
    let first = chain.first().map(Arc::clone);
    let Some(leaf) = first.filter(|leaf| import::belongs(leaf, &unsigned.key)) else {
        let message =
            "Property x5c has invalid value: its first certificate is not of the pending key";
        return Err(Refusal::BadParameter(message.to_owned()));
    };
    let file = Imported {
        pem: unsigned.policy.secret_props.content_type == PEM,
        key: unsigned.key,
        leaf,
        chain,
        in_order: false,
    };
    let mut changes = unsigned.changes;
    changes.tags = given.tags.or(changes.tags);
    changes.enabled = given.enabled.or(changes.enabled);
    let policy = serde_json::to_value(&unsigned.policy).ok();
    let made = imported(file, policy, changes, now)?;
    Ok(Made {
        id: unsigned.id,
        ..made
    })
}
