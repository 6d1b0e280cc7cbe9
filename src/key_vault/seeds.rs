//! Values that are made up.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::api::Characters;
use super::valid::Seed;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The characters of a set.
pub fn alphabet(characters: Characters) -> &'static [u8] {
    match characters {
        Characters::Alphanumeric => {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        }
        Characters::Printable => {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-.:;<=>?@[]^_{|}~"
        }
        Characters::Hexadecimal => b"0123456789abcdef",
        Characters::UrlSafe => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        Characters::Digits => b"0123456789",
    }
}

/// Makes up a value. Each character is as likely as any other: bytes that would favour some are thrown away.
pub fn make(seed: &Seed) -> Result<SecretValue, Problem> {
    let letters = alphabet(seed.characters);
    let fair = 256 - 256 % letters.len();
    let random = SystemRandom::new();
    // A buffer that never grows leaves no copy behind.
    let wanted = usize::from(seed.length);
    let mut value = Zeroizing::new(Vec::with_capacity(wanted));
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while value.len() < wanted {
        random
            .fill(bytes.as_mut_slice())
            .map_err(|_| no_chance(seed))?;
        let fitting = bytes.iter().map(|byte| usize::from(*byte));
        let fitting = fitting.filter(|byte| *byte < fair);
        let drawn = fitting.filter_map(|byte| letters.get(byte % letters.len()));
        let missing = wanted - value.len();
        value.extend(drawn.take(missing));
    }
    Ok(SecretValue::new(std::mem::take(&mut *value)))
}

fn no_chance(seed: &Seed) -> Problem {
    let message = format!(
        "spec.secrets: no value could be made up for {:?}: the system has no random numbers",
        seed.name.as_str()
    );
    Problem::new(Reason::EnvironmentUnusable, Retry::Backoff, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(length: u16, characters: Characters) -> Seed {
        Seed {
            name: "n".parse().unwrap(),
            length,
            characters,
            content_type: None,
            rotate_after: None,
        }
    }

    #[test]
    fn a_value_has_its_length_and_its_characters_and_is_never_the_same() {
        use Characters::{Alphanumeric, Digits, Hexadecimal, Printable, UrlSafe};
        for characters in [Alphanumeric, Digits, Hexadecimal, Printable, UrlSafe] {
            let seed = seed(200, characters);
            let (one, other) = (make(&seed).unwrap(), make(&seed).unwrap());
            assert_eq!(one.expose().len(), 200);
            assert!(
                one.expose()
                    .iter()
                    .all(|byte| alphabet(characters).contains(byte))
            );
            assert_ne!(one.expose(), other.expose());
        }
    }

    #[test]
    fn every_character_is_drawn_about_as_often() {
        let seed = seed(1024, Characters::Digits);
        let mut counts = [0_u32; 10];
        for _ in 0..40 {
            for byte in make(&seed).unwrap().expose() {
                counts[usize::from(byte - b'0')] += 1;
            }
        }
        // 4,096 each is expected; this is some eight standard deviations away.
        assert!(
            counts.iter().all(|&n| (3600..4600).contains(&n)),
            "{counts:?}"
        );
    }
}
