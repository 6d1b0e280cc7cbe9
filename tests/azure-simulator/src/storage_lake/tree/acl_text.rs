//! The text of access lists: `user::rwx,user:<id>:r-x,group::r-x,mask::r-x,other::---,default:user::rwx`.

use super::{permissions::Perm, refusal::Refusal};

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Owner,
    User(Box<str>),
    Group,
    NamedGroup(Box<str>),
    Mask,
    Other,
}

/// An entry as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) default: bool,
    pub(crate) who: Who,
    /// Absent in what is to be removed.
    pub(crate) perm: Option<Perm>,
}

/// The entries of a text; `id` gives the id that a name stands for. None may be there twice.
pub(crate) fn parse(
    text: &str,
    id: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, Refusal> {
    let mut entries: Vec<Entry> = Vec::new();
    for part in text.split(',') {
        let entry = entry(part.trim(), id).ok_or(Refusal::InvalidAcl)?;
        let same = |one: &Entry| one.default == entry.default && one.who == entry.who;
        if entries.iter().any(same) {
            return Err(Refusal::InvalidAcl);
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(text: &str, id: &dyn Fn(&str) -> Option<String>) -> Option<Entry> {
    let (default, text) = match text.strip_prefix("default:") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut fields = text.split(':');
    let kind = fields.next()?;
    let name = fields.next().unwrap_or_default();
    let perm = match fields.next() {
        Some("") | None => None,
        Some(perm) => Some(Perm::of_text(perm)?),
    };
    if fields.next().is_some() {
        return None;
    }
    let who = match (kind, name) {
        ("user", "") => Who::Owner,
        ("user", name) => Who::User(id(name)?.into()),
        ("group", "") => Who::Group,
        ("group", name) => Who::NamedGroup(id(name)?.into()),
        ("mask", "") => Who::Mask,
        ("other", "") => Who::Other,
        _ => return None,
    };
    Some(Entry { default, who, perm })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, Refusal> {
        parse(text, &|name| Some(name.to_ascii_lowercase()))
    }

    #[test]
    fn entries_are_read() {
        let entries =
            read("user::rwx,user:AB:r--,default:group:g:-wx,mask::--x,other::---").unwrap();
        assert_eq!(entries.len(), 5);
        assert_eq!(entries[1].who, Who::User("ab".into()));
        assert!(entries[2].default && entries[2].perm == Perm::of_text("-wx"));
    }

    #[test]
    fn what_goes_has_no_permissions() {
        for text in [
            "user:a",
            "user:a:",
            "mask",
            "mask::",
            "default:group",
            "default:user:a",
        ] {
            assert_eq!(read(text).unwrap()[0].perm, None, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            ",",
            "king::rwx",
            "user::rw",
            "mask:a:rwx",
            "other:a:rwx",
            "user::rwx,",
            "user::rwx:",
            "user:a:rwx,user:A:r--",
            "default:default:user::rwx",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
