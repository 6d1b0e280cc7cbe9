//! What of a Secret's record counts as a change, in short. Pure.

use aws_lc_rs::digest::{SHA256, digest as sha256};

use crate::vault_secret_sync::items::origin::timeless;
use crate::vault_secret_sync::target::Record;

/// Tells which way a digest was made: one that was made in another way cannot be compared, and is no change.
const FORM: &str = "1-";
/// Bytes of the hash that are kept. They tell versions apart; nobody gains by making two alike.
const KEPT: usize = 8;

/// The digest of a record: keys, objects, versions and what was done with them; nothing of a value, and no time, so that an
/// attribute that changes restarts nothing. `without` leaves keys out. None where nothing is recorded.
pub fn digest(record: &Record, without: &[String]) -> Option<String> {
    if record.keys.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (key, source) in &record.keys {
        if !without.contains(key) {
            text.push_str(key);
            text.push('\0');
            text.push_str(&timeless(source));
            text.push('\0');
        }
    }
    let hash = sha256(&SHA256, text.as_bytes());
    let mut digest = FORM.to_owned();
    for byte in hash.as_ref().iter().take(KEPT) {
        for half in [byte >> 4, byte & 15] {
            digest.extend(char::from_digit(half.into(), 16));
        }
    }
    Some(digest)
}

/// Whether a digest was made in this way.
pub fn is_current(digest: &str) -> bool {
    digest.starts_with(FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(keys: &[(&str, &str)]) -> Record {
        let keys = keys.iter();
        Record {
            keys: keys
                .map(|(key, source)| ((*key).to_owned(), (*source).to_owned()))
                .collect(),
            ..Record::default()
        }
    }

    fn of(source: &str) -> Option<String> {
        digest(&record(&[("K", source)]), &[])
    }

    #[test]
    fn times_do_not_count_of_however_many_objects() {
        assert_eq!(of("web/v1@17+pw/v2@18#tls"), of("web/v1@19+pw/v2#tls"));
        assert_ne!(of("web/v1@17+pw/v2@18#tls"), of("web/v1@17+pw/v3@18#tls"));
    }

    #[test]
    fn versions_objects_keys_and_treatment_count() {
        let base = of("db/v1@1700000000#a.b|Base64");
        for other in [
            "db/v2@1700000000#a.b|Base64",
            "other/v1@1700000000#a.b|Base64",
            "db/v1@1700000000#a.c|Base64",
            "db/v1@1700000000#a.b",
        ] {
            assert_ne!(of(other), base, "{other}");
        }
        assert_ne!(
            digest(&record(&[("L", "db/v1@1700000000#a.b|Base64")]), &[]),
            base
        );
    }

    #[test]
    fn times_do_not_count() {
        assert_eq!(of("db/v1@1700000000#a@7"), of("db/v1@1800000000#a@7"));
        assert_eq!(of("db/v1@1700000000#a@7"), of("db/v1#a@7"));
        assert_ne!(of("db/v1#a@7"), of("db/v1#a@8"), "a property is no time");
    }

    #[test]
    fn a_renewed_token_does_not_count_but_another_one_does() {
        let token = |version: &str, of: &str| format!("token:/{version}#token of {of} for api://x");
        assert_eq!(
            of(&token("issued1expires2", "a")),
            of(&token("issued3expires4", "a"))
        );
        assert_ne!(
            of(&token("issued1expires2", "a")),
            of(&token("issued1expires2", "b"))
        );
    }

    #[test]
    fn a_digest_is_short_stable_and_tells_how_it_was_made() {
        let made = of("db/v1").unwrap();
        assert_eq!(made, "1-966883141b6c70e1");
        assert!(is_current(&made));
        assert_eq!(digest(&Record::default(), &[]), None);
    }
}
