//! Filters for certificates and passwords. Pure: a salt is made of what the caller gives.

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Value;
use zeroize::Zeroizing;

use super::node::Node;
use super::ops::{Args, as_text};
use super::run::{Fault, Run, told};

/// The digest in lower-case hexadecimal digits. It stays in the Secret like every output.
pub(super) fn sha256(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let bytes = args.bytes(0)?;
    run.charge(bytes.len())?;
    Ok(Value::from(hex(digest(&SHA256, bytes).as_ref())))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The blocks of PEM (RFC 7468) in a text, each with its two lines and a line break at the end, and their labels.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = begun.split_once("-----") else {
            break;
        };
        let Some((body, after)) = body.split_once(&format!("-----END {label}-----")) else {
            rest = body;
            continue;
        };
        let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut block = format!("-----BEGIN {label}-----\n");
        for line in lines {
            block.push_str(line);
            block.push('\n');
        }
        block.extend(["-----END ", label, "-----\n"]);
        found.push((label, block));
        rest = after;
    }
    found
}

fn certificates(run: &Run, args: &Args) -> Result<Vec<String>, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(2))?;
    let blocks = blocks(text).into_iter();
    let found: Vec<String> = blocks
        .filter(|(label, _)| *label == "CERTIFICATE")
        .map(|(_, block)| block)
        .collect();
    if found.is_empty() {
        return told(
            "a value holds no PEM certificate (-----BEGIN CERTIFICATE-----); for a PKCS#12 file take certificate in spec.data",
        );
    }
    Ok(found)
}

/// All certificates, in their order.
pub(super) fn pem_certificates(run: &Run, args: &Args) -> Result<Value, Fault> {
    Ok(Value::from(certificates(run, args)?.concat()))
}

/// The first certificate.
pub(super) fn pem_first(run: &Run, args: &Args) -> Result<Value, Fault> {
    Ok(Value::from(certificates(run, args)?.swap_remove(0)))
}

/// The last certificate.
pub(super) fn pem_last(run: &Run, args: &Args) -> Result<Value, Fault> {
    Ok(Value::from(
        certificates(run, args)?.pop().unwrap_or_default(),
    ))
}

/// The certificates behind the first; empty where there is only one.
pub(super) fn pem_rest(run: &Run, args: &Args) -> Result<Value, Fault> {
    let found = certificates(run, args)?;
    Ok(Value::from(found.get(1..).unwrap_or_default().concat()))
}

/// The one private key.
pub(super) fn pem_private_key(run: &Run, args: &Args) -> Result<Value, Fault> {
    args.at_most(1)?;
    let text = args.text(0)?;
    run.room(text.len().saturating_mul(2))?;
    let mut keys = blocks(text)
        .into_iter()
        .filter(|(label, _)| label.ends_with("PRIVATE KEY"));
    match (keys.next(), keys.next()) {
        (Some((_, key)), None) => Ok(Value::from(key)),
        (None, _) => told("a value holds no PEM private key (-----BEGIN … PRIVATE KEY-----)"),
        (Some(_), Some(_)) => told("a value holds several private keys; leave one"),
    }
}

/// What bcrypt reads of a password; the rest would not count.
const MAX_PASSWORD: usize = 72;

/// A line of an htpasswd file: `user:$2y$…` by bcrypt.
///
/// The salt is SHA-256 over the rendering's seed, which the caller makes of the objects' versions, and the user's name. So the
/// line changes with a new version and at no other time, and two syncs with one password have different lines. It is never made
/// of the password, which would let two equal ones be seen.
pub(super) fn htpasswd(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (user, password) = (args.text(0)?, args.bytes(1)?);
    let cost = args.option(2, "cost")?;
    args.at_most(3)?;
    let cost = cost.map_or(Some(10), |cost| cost.as_usize());
    let cost = cost.and_then(|cost| u32::try_from(cost).ok());
    let Some(cost) = cost.filter(|cost| (4..=12).contains(cost)) else {
        return told("htpasswd takes a cost from 4 to 12");
    };
    if user.is_empty() || user.len() > 255 || user.contains([':', '\r', '\n']) {
        return told("htpasswd takes a user of 1 to 255 bytes without a colon or line break");
    }
    if password.is_empty() || password.len() > MAX_PASSWORD || password.contains(&0) {
        return told(format!(
            "htpasswd takes a password of 1 to {MAX_PASSWORD} bytes without a zero byte: bcrypt looks at no more"
        ));
    }
    run.rounds(cost)?;
    let mut salted = Context::new(&SHA256);
    for part in ["lakevault htpasswd", &run.seed, user] {
        salted.update(part.as_bytes());
        salted.update(&[0]);
    }
    let digest = salted.finish();
    let (salt, _) = digest
        .as_ref()
        .split_first_chunk::<16>()
        .ok_or(Fault::TooLarge)?;
    let mut ended = Zeroizing::new(password.to_vec());
    ended.push(0);
    ended.truncate(MAX_PASSWORD);
    let hashed = bcrypt::bcrypt(cost, *salt, &ended);
    let hashed = hashed.get(..23).unwrap_or_default();
    let (salt, hashed) = (bcrypt::BASE_64.encode(salt), bcrypt::BASE_64.encode(hashed));
    Ok(Value::from(format!("{user}:$2y${cost:02}${salt}{hashed}")))
}

/// The content of a `kubernetes.io/dockerconfigjson` Secret for one registry.
pub(super) fn dockerconfigjson(run: &Run, args: &Args) -> Result<Value, Fault> {
    let (registry, user, password) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let email = args.option(3, "email")?;
    args.at_most(4)?;
    let length = registry.len() + user.len().saturating_add(password.len()).saturating_mul(4);
    run.room(length)?;
    if registry.is_empty() || user.is_empty() || password.is_empty() {
        return told(
            "dockerconfigjson takes a registry, a user and a password, none of them empty",
        );
    }
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let text = |text: &str| Node::Text(text.to_owned());
    let mut login = vec![
        ("username".to_owned(), text(user)),
        ("password".to_owned(), text(password)),
        (
            "auth".to_owned(),
            Node::Text(STANDARD.encode(pair.as_bytes())),
        ),
    ];
    if let Some(email) = &email {
        login.push(("email".to_owned(), text(as_text(email)?)));
    }
    let auths = Node::Map(vec![(registry.to_owned(), Node::Map(login))]);
    let config = Node::Map(vec![("auths".to_owned(), auths)]);
    Ok(Value::from(config.to_json()))
}
