//! Names of certificates' subjects, as policies write them: `CN=www.example.org, O=Example`.

use rcgen::{DistinguishedName, DnType};

/// Reads a name; parts are parted by commas, a comma inside a part is quoted or escaped.
pub(crate) fn read(subject: &str) -> Result<DistinguishedName, String> {
    let mut name = DistinguishedName::new();
    for part in parts(subject) {
        let (kind, value) = part
            .split_once('=')
            .ok_or_else(|| format!("Property subject has invalid value {subject}"))?;
        let kind = kind_of(kind.trim())
            .ok_or_else(|| format!("Property subject has invalid value {subject}: {kind}"))?;
        name.push(kind, value.trim());
    }
    Ok(name)
}

/// The name of a certificate as Azure writes it: the last part first, `S` for the state.
pub(crate) fn write(name: &x509_parser::x509::X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_attributes()
        .map(|attribute| {
            let oid = attribute.attr_type().to_id_string();
            let kind = KINDS
                .iter()
                .find(|(_, known)| *known == oid)
                .map_or_else(|| format!("OID.{oid}"), |(short, _)| (*short).to_owned());
            let value = attribute.as_str().unwrap_or_default();
            if value.contains([',', '+', '"', ';']) {
                format!("{kind}=\"{}\"", value.replace('"', "\"\""))
            } else {
                format!("{kind}={value}")
            }
        })
        .collect();
    parts.reverse();
    parts.join(", ")
}

/// Short names of attribute types, with their object identifiers.
const KINDS: [(&str, &str); 11] = [
    ("CN", "2.5.4.3"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("L", "2.5.4.7"),
    ("S", "2.5.4.8"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("E", "1.2.840.113549.1.9.1"),
];

fn kind_of(short: &str) -> Option<DnType> {
    let short = match short.to_ascii_uppercase().as_str() {
        "ST" => "S".to_owned(),
        "EMAILADDRESS" => "E".to_owned(),
        other => other.to_owned(),
    };
    let (_, oid) = KINDS.iter().find(|(known, _)| *known == short)?;
    let arcs: Option<Vec<u64>> = oid.split('.').map(|arc| arc.parse().ok()).collect();
    Some(DnType::from_oid(&arcs?))
}

fn parts(subject: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut characters = subject.chars();
    while let Some(character) = characters.next() {
        let mut push = |character| {
            if let Some(part) = parts.last_mut() {
                part.push(character);
            }
        };
        match character {
            '"' => quoted = !quoted,
            '\\' => {
                if let Some(escaped) = characters.next() {
                    push(escaped);
                }
            }
            ',' | ';' if !quoted => parts.push(String::new()),
            other => push(other),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_parted_by_commas_outside_of_quotes() {
        assert_eq!(
            parts(r#"CN=a\,b, O="Example, Inc.", C=DE"#),
            ["CN=a,b", " O=Example, Inc.", " C=DE"]
        );
        assert_eq!(read("CN=a, ST=b").unwrap().iter().count(), 2);
        assert!(read("nonsense").is_err());
        assert!(read("XX=y").is_err());
    }
}
