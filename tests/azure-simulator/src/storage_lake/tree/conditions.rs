//! Conditions of requests: `If-Match` and its kin.

use super::{node::Node, refusal::Refusal};

/// What a client wants the path to be. Times are in whole seconds since 1970.
#[allow(clippy::struct_field_names, reason = "the names of the headers")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Quotes are free; `*` is any.
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<i64>,
    pub(crate) if_unmodified_since: Option<i64>,
}

/// How conditions were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// By what a reader takes as "as you know it".
    AsKnown,
    Other,
}

impl Conditions {
    /// Whether a version of that time fits.
    pub(crate) fn check_version(&self, etag: &str, modified: i64) -> Result<(), Missed> {
        let names = |given: &String| {
            given
                .split(',')
                .map(|one| one.trim().trim_matches('"'))
                .any(|one| one == "*" || one.eq_ignore_ascii_case(etag))
        };
        if self.if_match.as_ref().is_some_and(|given| !names(given))
            || self.if_unmodified_since.is_some_and(|time| modified > time)
        {
            return Err(Missed::Other);
        }
        if self.if_none_match.as_ref().is_some_and(names)
            || self.if_modified_since.is_some_and(|time| modified <= time)
        {
            return Err(Missed::AsKnown);
        }
        Ok(())
    }

    /// Of a write.
    pub(crate) fn check(&self, node: &Node) -> Result<(), Refusal> {
        self.check_version(&node.etag(), node.modified.seconds())
            .map_err(|_| Refusal::ConditionNotMet)
    }

    /// Of a read, which tells "not modified" apart.
    pub(crate) fn check_read(&self, node: &Node) -> Result<(), Refusal> {
        self.check_version(&node.etag(), node.modified.seconds())
            .map_err(|missed| match missed {
                Missed::AsKnown => Refusal::NotModified,
                Missed::Other => Refusal::ConditionNotMet,
            })
    }

    /// Whether nothing may be there.
    pub(crate) fn only_new(&self) -> bool {
        self.if_none_match.as_deref().map(str::trim) == Some("*")
    }

    /// Whether something must be there.
    pub(crate) fn only_present(&self) -> bool {
        self.if_match.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_about_version_and_time() {
        let check = |conditions: Conditions| conditions.check_version("0x1", 100);
        let none = Conditions::default;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(check(none()), Ok(()));
        assert_eq!(
            check(Conditions {
                if_match: text("\"0x1\""),
                ..none()
            }),
            Ok(())
        );
        assert_eq!(
            check(Conditions {
                if_match: text("*"),
                ..none()
            }),
            Ok(())
        );
        assert_eq!(
            check(Conditions {
                if_match: text("\"0x2\""),
                ..none()
            }),
            Err(Missed::Other)
        );
        assert_eq!(
            check(Conditions {
                if_none_match: text("\"0x1\""),
                ..none()
            }),
            Err(Missed::AsKnown)
        );
        assert_eq!(
            check(Conditions {
                if_none_match: text("\"0x2\""),
                ..none()
            }),
            Ok(())
        );
        assert_eq!(
            check(Conditions {
                if_modified_since: Some(100),
                ..none()
            }),
            Err(Missed::AsKnown)
        );
        assert_eq!(
            check(Conditions {
                if_modified_since: Some(99),
                ..none()
            }),
            Ok(())
        );
        assert_eq!(
            check(Conditions {
                if_unmodified_since: Some(100),
                ..none()
            }),
            Ok(())
        );
        assert_eq!(
            check(Conditions {
                if_unmodified_since: Some(99),
                ..none()
            }),
            Err(Missed::Other)
        );
    }
}
