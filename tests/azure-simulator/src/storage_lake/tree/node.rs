//! What the tree keeps of each path.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{
    acl::{Acl, How, Lists},
    acl_text::Entry,
    lease::Lease,
    permissions::{Mode, Perm},
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// Whom everything belongs to that was made with an account's key.
pub(crate) const SUPERUSER: &str = "$superuser";

/// Who may do what with a path. Paths with the same rights share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Access {
    pub(crate) owner: Arc<str>,
    pub(crate) group: Arc<str>,
    pub(crate) lists: Lists,
    /// What is in the directory is taken away by its owners alone.
    pub(crate) sticky: bool,
}

impl Access {
    /// That of a root: `rwxr-x---`.
    pub(crate) fn of_root(owner: &str) -> Self {
        let owner: Arc<str> = owner.into();
        let mode = Mode {
            owner: Perm::of_digit(7),
            group: Perm::of_digit(5),
            other: Perm::NONE,
            sticky: false,
        };
        Self {
            group: Arc::clone(&owner),
            owner,
            lists: Lists {
                access: Acl::of_mode(mode),
                default: None,
            },
            sticky: false,
        }
    }

    /// With other lists.
    pub(crate) fn changed(
        &self,
        how: How,
        entries: &[Entry],
        directory: bool,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            lists: self.lists.changed(how, entries, directory)?,
            owner: Arc::clone(&self.owner),
            group: Arc::clone(&self.group),
            sticky: self.sticky,
        })
    }

    /// With another mode.
    pub(crate) fn with_mode(mut self, mode: Mode) -> Self {
        self.lists.access.set_mode(mode);
        self.sticky = mode.sticky;
        self
    }

    /// As `rwxr-x---`; a `+` tells of more.
    pub(crate) fn permissions(&self) -> String {
        let acl = &self.lists.access;
        let mut text = format!("{}{}{}", acl.owner, acl.group_class(), acl.other);
        if self.sticky {
            let executed = text.ends_with('x');
            text.pop();
            text.push(if executed { 't' } else { 'T' });
        }
        if self.is_extended() {
            text.push('+');
        }
        text
    }

    /// As `750`.
    pub(crate) fn digits(&self) -> String {
        let acl = &self.lists.access;
        let digits = [acl.owner, acl.group_class(), acl.other].map(Perm::digit);
        format!("{}{}{}", digits[0], digits[1], digits[2])
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.lists.access.is_extended() || self.lists.default.is_some()
    }
}

/// Headers that a file is told to be served with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentHeaders {
    pub(crate) content_type: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// Base64, as the client gave it.
    pub(crate) md5: Option<String>,
}

/// What is in a file, and what was sent and not flushed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) data: Bytes,
    /// By position.
    pub(crate) staged: BTreeMap<u64, Bytes>,
    pub(crate) headers: ContentHeaders,
}

/// Directory or file. An empty file needs no body.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Directory,
    File(Option<Box<Body>>),
}

/// What only few paths have.
#[derive(Clone, Debug, Default)]
pub(crate) struct More {
    /// Name and base64 value.
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) lease: Option<Lease>,
}

/// A path.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) access: Arc<Access>,
    pub(crate) kind: Kind,
    /// 100 ns since the year 1; its hexadecimal digits are the `ETag`.
    pub(crate) version: u64,
    /// The same of its creation.
    pub(crate) created: u64,
    pub(crate) modified: Moment,
    pub(crate) more: Option<Box<More>>,
}

impl Node {
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory)
    }

    pub(crate) fn body(&self) -> Option<&Body> {
        match &self.kind {
            Kind::File(body) => body.as_deref(),
            Kind::Directory => None,
        }
    }

    /// The body of a file; a directory has none.
    pub(crate) fn body_mut(&mut self) -> Option<&mut Body> {
        match &mut self.kind {
            Kind::File(body) => Some(body.get_or_insert_default()),
            Kind::Directory => None,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.body().map_or(0, |body| body.data.len() as u64)
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.more.as_ref()?.lease.as_ref()
    }

    pub(crate) fn properties(&self) -> Option<&BTreeMap<String, String>> {
        self.more.as_ref().map(|more| &more.properties)
    }

    pub(crate) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Without quotes.
    pub(crate) fn etag(&self) -> String {
        etag(self.version)
    }

    /// When it was made.
    pub(crate) fn created_at(&self) -> Moment {
        moment(self.created)
    }

    /// 100 ns since 1601, as lists have it.
    pub(crate) fn created_filetime(&self) -> u64 {
        self.created.saturating_sub(FILETIME_START)
    }
}

/// From the year 1 to 1970, in milliseconds.
const UNIX_START_MS: i64 = 62_135_596_800_000;
/// From the year 1 to 1601, in 100 ns.
const FILETIME_START: u64 = 504_911_232_000_000_000;
const TICKS_PER_MS: u64 = 10_000;

/// 100 ns since the year 1.
pub(crate) fn ticks(moment: Moment) -> u64 {
    let millis = moment.0.saturating_add(UNIX_START_MS).max(0);
    millis.unsigned_abs().saturating_mul(TICKS_PER_MS)
}

fn moment(ticks: u64) -> Moment {
    let millis = i64::try_from(ticks / TICKS_PER_MS).unwrap_or(i64::MAX);
    Moment(millis.saturating_sub(UNIX_START_MS))
}

pub(crate) fn etag(version: u64) -> String {
    format!("0x{version:X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_as_the_service_does() {
        // 2023-12-01T01:17:33.127Z
        let at = Moment(1_701_393_453_127);
        assert!(
            etag(ticks(at)).starts_with("0x8DBF20B4B"),
            "{}",
            etag(ticks(at))
        );
        assert_eq!(moment(ticks(at)), at);
        let node = Node {
            access: Arc::new(Access::of_root(SUPERUSER)),
            kind: Kind::Directory,
            version: 0,
            created: ticks(Moment(1_701_393_448_894)),
            modified: at,
            more: None,
        };
        assert_eq!(node.created_filetime() / 1_000_000, 133_458_670_488);
    }

    #[test]
    fn permissions_tell_of_stickiness_and_of_more() {
        let mut access = Access::of_root(SUPERUSER);
        assert_eq!(
            (access.permissions(), access.digits()),
            ("rwxr-x---".into(), "750".into())
        );
        access.sticky = true;
        assert_eq!(access.permissions(), "rwxr-x--T");
        access.lists.default = Some(access.lists.access.clone());
        access = access.with_mode(Mode::of_octal("1777").unwrap());
        assert_eq!(access.permissions(), "rwxrwxrwt+");
    }
}
