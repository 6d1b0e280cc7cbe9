//! Permission bits, and the modes that are made of them.

use std::{
    fmt,
    ops::{BitAnd, BitOr, Not},
};

/// What one entry of an access list allows: any of read, write and execute.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Perm(u8);

impl Perm {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const EXECUTE: Self = Self(1);
    pub(crate) const WRITE: Self = Self(2);
    pub(crate) const READ: Self = Self(4);

    /// From a digit, of which the lowest three bits count.
    pub(crate) fn of_digit(digit: u32) -> Self {
        Self((digit & 7) as u8)
    }

    /// From `r-x`.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let [read, write, execute] = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
        let bit = |given: u8, letter: u8, value: u8| match given {
            b'-' => Some(0),
            given if given == letter => Some(value),
            _ => None,
        };
        Some(Self(
            bit(read, b'r', 4)? | bit(write, b'w', 2)? | bit(execute, b'x', 1)?,
        ))
    }

    /// Whether it allows all that the other does.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn digit(self) -> u8 {
        self.0
    }
}

impl BitAnd for Perm {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Perm {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Not for Perm {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0 & 7)
    }
}

impl fmt::Display for Perm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |bit: u8, letter| if self.0 & bit == 0 { "-" } else { letter };
        formatter.write_str(letter(4, "r"))?;
        formatter.write_str(letter(2, "w"))?;
        formatter.write_str(letter(1, "x"))
    }
}

impl fmt::Debug for Perm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A mode, as `0750` or `rwxr-x---`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) owner: Perm,
    pub(crate) group: Perm,
    pub(crate) other: Perm,
    pub(crate) sticky: bool,
}

impl Mode {
    /// From three or four octal digits.
    pub(crate) fn of_octal(text: &str) -> Option<Self> {
        if !(3..=4).contains(&text.len()) || !text.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
        {
            return None;
        }
        let number = u32::from_str_radix(text, 8).ok()?;
        // Neither setuid nor setgid is known to Azure.
        (number >> 10 == 0).then(|| Self {
            owner: Perm::of_digit(number >> 6),
            group: Perm::of_digit(number >> 3),
            other: Perm::of_digit(number),
            sticky: number >> 9 & 1 == 1,
        })
    }

    /// From octal digits, or nine letters of which the last may be `t` or `T`; a `+` at the end is overlooked.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        if let Some(mode) = Self::of_octal(text) {
            return Some(mode);
        }
        let text = text.strip_suffix('+').unwrap_or(text);
        let (owner, group, other) = (text.get(..3)?, text.get(3..6)?, text.get(6..)?);
        let (other, sticky) = match other.strip_suffix(['t', 'T']) {
            Some(start) => {
                let executed = if other.ends_with('t') { "x" } else { "-" };
                (format!("{start}{executed}"), true)
            }
            None => (other.to_owned(), false),
        };
        Some(Self {
            owner: Perm::of_text(owner)?,
            group: Perm::of_text(group)?,
            other: Perm::of_text(&other)?,
            sticky,
        })
    }

    /// Without what a umask takes away.
    pub(crate) fn without(self, umask: Self) -> Self {
        Self {
            owner: self.owner & !umask.owner,
            group: self.group & !umask.group,
            other: self.other & !umask.other,
            sticky: self.sticky,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_from_digits_and_letters() {
        for (digits, letters) in [
            ("0750", "rwxr-x---"),
            ("0000", "---------"),
            ("1777", "rwxrwxrwt"),
            ("1640", "rw-r----T"),
        ] {
            assert_eq!(Mode::of_text(digits), Mode::of_text(letters), "{digits}");
            assert!(Mode::of_text(digits).is_some());
        }
        assert_eq!(Mode::of_text("750"), Mode::of_text("0750"));
        assert_eq!(Mode::of_text("rwxr-x---+"), Mode::of_text("0750"));
        for wrong in [
            "",
            "8",
            "0780",
            "2750",
            "00750",
            "rwx",
            "rwxrwxrwz",
            "xwrrwxrwx",
            "75",
            "é75",
        ] {
            assert_eq!(Mode::of_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_umask_takes_away() {
        let umask = Mode::of_octal("0027").unwrap();
        let mode = Mode::of_octal("1777").unwrap().without(umask);
        assert_eq!(Some(mode), Mode::of_octal("1750"));
    }
}
