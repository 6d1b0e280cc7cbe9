//! Permissions of the three classes, in the forms in which they are written: `0750`, `rwxr-x---`. Pure.

use std::fmt;
use std::str::FromStr;

/// What may be done with a file or directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights(u8);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(7);

    /// Of the digit of an octal number.
    pub fn of_digit(digit: u32) -> Option<Self> {
        u8::try_from(digit).ok().filter(|bits| *bits <= 7).map(Self)
    }

    /// What either permits.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What this permits and the other does not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether this permits all that the other does.
    pub fn covers(self, other: Self) -> bool {
        other.without(self) == Self::NONE
    }

    fn executes(self) -> bool {
        self.0 & 1 == 1
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, word) in [(4, "r"), (2, "w"), (1, "x")] {
            f.write_str(if self.0 & bit == 0 { "-" } else { word })?;
        }
        Ok(())
    }
}

/// Reads `rwx`, with hyphens for what is not permitted.
impl FromStr for Rights {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut rights = Self::NONE;
        let mut seen = text.chars();
        for (bit, word) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            match seen.next() {
                Some(letter) if letter == word => rights.0 |= bit,
                Some('-') => {}
                _ => return Err(()),
            }
        }
        seen.next().map_or(Ok(rights), |_| Err(()))
    }
}

/// Permissions of owner, owning group and others, and the sticky bit. Where there is an access control list with a mask, the
/// group's are the mask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permissions {
    /// The owner's.
    pub user: Rights,
    /// The owning group's, or the mask.
    pub group: Rights,
    /// Those of everybody else.
    pub other: Rights,
    /// In a directory with it, only owners may delete or rename.
    pub sticky: bool,
}

impl Permissions {
    /// What is left of them under a umask.
    #[must_use]
    pub fn under(self, umask: Self) -> Self {
        Self {
            user: self.user.without(umask.user),
            group: self.group.without(umask.group),
            other: self.other.without(umask.other),
            sticky: self.sticky,
        }
    }

    /// As an octal number of four digits.
    pub fn octal(self) -> String {
        let Self {
            user,
            group,
            other,
            sticky,
        } = self;
        format!("{}{}{}{}", u8::from(sticky), user.0, group.0, other.0)
    }

    /// Reads what Azure tells, and whether there are entries besides the three (`+`).
    pub fn told(text: &str) -> Option<(Self, bool)> {
        let (text, more) = text
            .strip_suffix('+')
            .map_or((text, false), |text| (text, true));
        text.parse().ok().map(|read| (read, more))
    }

    fn of_octal(text: &str) -> Option<Self> {
        let digits: Vec<u32> = text.chars().map(|c| c.to_digit(8)).collect::<Option<_>>()?;
        let (special, rest) = match digits.as_slice() {
            [special, rest @ ..] if rest.len() == 3 => (*special, rest),
            rest if rest.len() == 3 => (0, rest),
            _ => return None,
        };
        let mut rights = rest.iter().filter_map(|digit| Rights::of_digit(*digit));
        Some(Self {
            user: rights.next()?,
            group: rights.next()?,
            other: rights.next()?,
            // There is nothing for setuid and setgid.
            sticky: match special {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }

    fn of_symbols(text: &str) -> Option<Self> {
        if text.len() != 9 {
            return None;
        }
        let (rest, last) = (text.get(..8)?, text.get(8..)?);
        let (sticky, last) = match last {
            "t" => (true, "x"),
            "T" => (true, "-"),
            other => (false, other),
        };
        let others = format!("{}{last}", rest.get(6..)?);
        Some(Self {
            user: rest.get(..3)?.parse().ok()?,
            group: rest.get(3..6)?.parse().ok()?,
            other: others.parse().ok()?,
            sticky,
        })
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.user, self.group)?;
        if !self.sticky {
            return write!(f, "{}", self.other);
        }
        let others = self.other.to_string();
        let last = if self.other.executes() { "t" } else { "T" };
        write!(f, "{}{last}", others.get(..2).unwrap_or_default())
    }
}

/// Why a text is no permissions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} are no permissions: write them as a number (0750, or 1750 with the sticky bit) or as nine signs (rwxr-x---, with t or T in the last place for the sticky bit)"
)]
pub struct PermissionsError(String);

impl FromStr for Permissions {
    type Err = PermissionsError;

    fn from_str(text: &str) -> Result<Self, PermissionsError> {
        // Whoever copies what Azure shows copies the sign that there are more entries, which says nothing of the three classes.
        let signs = text.strip_suffix('+').unwrap_or(text);
        let read = Self::of_octal(text).or_else(|| Self::of_symbols(signs));
        read.ok_or_else(|| PermissionsError(text.chars().take(20).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Permissions {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_and_signs_say_the_same() {
        for (number, signs) in [
            ("0750", "rwxr-x---"),
            ("640", "rw-r-----"),
            ("1777", "rwxrwxrwt"),
            ("1770", "rwxrwx--T"),
            ("0000", "---------"),
        ] {
            assert_eq!(read(&format!("{signs}+")), read(signs));
            assert_eq!(read(number), read(signs), "{number}");
            assert_eq!(read(number).to_string(), signs);
            assert_eq!(
                read(signs).octal().trim_start_matches('0'),
                number.trim_start_matches('0')
            );
        }
    }

    #[test]
    fn what_azure_tells_has_a_plus_where_there_are_entries() {
        assert_eq!(Permissions::told("rwxrwx---+"), Some((read("0770"), true)));
        assert_eq!(Permissions::told("rw-r-----"), Some((read("640"), false)));
        assert_eq!(Permissions::told("rw-r"), None);
    }

    #[test]
    fn others_are_refused_with_both_forms() {
        for bad in [
            "",
            "75",
            "0850",
            "4755",
            "2755",
            "07500",
            "rwx",
            "rwxrwxrwx++",
            "rwxrwxrwz",
            "xwrxwrxwr",
            "-rwxr-x---",
            "rwäxr-x--",
        ] {
            let error = bad.parse::<Permissions>().unwrap_err().to_string();
            assert!(
                error.contains("0750") && error.contains("rwxr-x---"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_umask_takes_away() {
        assert_eq!(read("1777").under(read("0027")), read("1750"));
    }

    #[test]
    fn rights_are_sets() {
        let (read, write) = (Rights(4), Rights(2));
        assert!(read.with(write).covers(read) && !read.covers(write));
        assert_eq!(Rights::ALL.without(write).to_string(), "r-x");
        assert_eq!("rwxr".parse::<Rights>(), Err(()));
    }
}
