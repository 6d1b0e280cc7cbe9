//! Which objects of a vault a sync's `find` takes, by what a list of the vault tells. Pure.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::names::{ObjectName, SecretKey};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::sources::{FindKind, FindSource, RenameSpec};
use crate::vault_secret_sync::items::find_keys::{Rename, assign, pattern};

/// Objects that one `find` may give. A Secret of 1 MiB holds more only where they are tiny, and each is read.
const MAX_FOUND: usize = 1000;

/// An object as the list of a vault tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its kind.
    pub kind: FindKind,
    /// Its name.
    pub name: ObjectName,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its content type.
    pub content_type: Option<String>,
    /// Whether it can be read.
    pub enabled: bool,
    /// Whether Key Vault keeps it for a certificate (`managed`): then it is that certificate's other half.
    pub managed: bool,
}

/// An object that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its kind.
    pub kind: FindKind,
    /// Its name.
    pub name: ObjectName,
    /// Its key in the Secret.
    pub key: SecretKey,
}

/// What a `find` gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The objects, by name.
    pub found: Vec<Found>,
    /// Those that were left out, and why (`KeyCollision`).
    pub told: Vec<Problem>,
}

/// A `find` that was found sound.
#[derive(Debug, Clone)]
pub struct Finder {
    at: String,
    pattern: Option<Regex>,
    tags: BTreeMap<String, String>,
    kinds: BTreeSet<FindKind>,
    exclude_disabled: bool,
    rename: Option<Rename>,
}

impl Finder {
    /// Parses a source; `at` is its entry, such as `spec.dataFrom[0]`.
    ///
    /// Errors: `InvalidSpec` where an expression is none (with the place in it), or where nothing is asked for.
    pub fn parse(
        at: &str,
        find: &FindSource,
        rename: Option<&RenameSpec>,
    ) -> Result<Self, Problem> {
        if find.name_pattern.is_none() && find.tags.is_empty() {
            let message =
                format!("{at}.find: namePattern or tags must be set: name \".*\" for all");
            return Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
        }
        let named = find.name_pattern.as_deref();
        let named = named.map(|text| pattern(&format!("{at}.find.namePattern"), text));
        let rename = rename.map(|spec| Rename::parse(&format!("{at}.rename"), spec));
        Ok(Self {
            at: at.to_owned(),
            pattern: named.transpose()?,
            tags: find.tags.clone(),
            kinds: find.kinds.iter().copied().collect(),
            exclude_disabled: find.exclude_disabled,
            rename: rename.transpose()?,
        })
    }

    /// The kinds that must be listed.
    pub fn kinds(&self) -> &BTreeSet<FindKind> {
        &self.kinds
    }

    /// Whether an object is taken, before its key is known.
    pub fn takes(&self, object: &Listed) -> bool {
        let other_half = object.kind == FindKind::Secret && object.managed;
        let name = object.name.as_str();
        self.kinds.contains(&object.kind)
            && !other_half
            && (object.enabled || !self.exclude_disabled)
            && self
                .pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(name))
            && self
                .tags
                .iter()
                .all(|(tag, value)| object.tags.get(tag) == Some(value))
    }

    /// Whether an object of this kind and name might be taken, whatever its tags are.
    pub fn may_take(&self, kind: FindKind, name: &str) -> bool {
        let pattern = self.pattern.as_ref();
        self.kinds.contains(&kind) && pattern.is_none_or(|pattern| pattern.is_match(name))
    }

    /// The objects that are taken, with their keys, by name. The order in which they are listed does not matter.
    ///
    /// Errors: `TooLarge` where more are found than a Secret can hold.
    pub fn matches<'a>(
        &self,
        listed: impl Iterator<Item = &'a Listed>,
    ) -> Result<Matches, Problem> {
        let taken = listed.filter(|object| self.takes(object));
        let things: Vec<_> = taken
            .map(|object| {
                let kind = match object.kind {
                    FindKind::Secret => "secret",
                    FindKind::Certificate => "certificate",
                };
                let name = object.name.to_string();
                (
                    format!("{kind} {name}"),
                    name,
                    (object.kind, object.name.clone()),
                )
            })
            .collect();
        if things.len() > MAX_FOUND {
            let message = format!(
                "{}.find finds {} objects, and at most {MAX_FOUND} go into one Secret: narrow namePattern or tags",
                self.at,
                things.len()
            );
            return Err(Problem::new(Reason::TooLarge, Retry::OnChange, message));
        }
        let (keyed, told) = assign(&self.at, things, self.rename.as_ref());
        let found = keyed.into_iter();
        let found = found.map(|(key, (kind, name))| Found { kind, name, key });
        Ok(Matches {
            found: found.collect(),
            told,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str) -> Listed {
        Listed {
            kind: FindKind::Secret,
            name: name.parse().unwrap(),
            tags: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
            content_type: None,
            enabled: true,
            managed: false,
        }
    }

    fn finder(json: serde_json::Value) -> Finder {
        let find: FindSource = serde_json::from_value(json).unwrap();
        Finder::parse("spec.dataFrom[0]", &find, None).unwrap()
    }

    fn names(finder: &Finder, objects: &[Listed]) -> Vec<String> {
        let matches = finder.matches(objects.iter()).unwrap();
        matches
            .found
            .iter()
            .map(|found| found.name.to_string())
            .collect()
    }

    #[test]
    fn objects_are_found_by_name_and_tags_in_the_order_of_names() {
        let mut foreign = listed("payments-c");
        foreign.tags.clear();
        let objects = [
            listed("payments-b"),
            foreign,
            listed("orders-a"),
            listed("payments-a"),
        ];
        let by_name = finder(serde_json::json!({"namePattern": "^payments-"}));
        assert_eq!(
            names(&by_name, &objects),
            ["payments-a", "payments-b", "payments-c"]
        );
        let both =
            finder(serde_json::json!({"namePattern": "^payments-", "tags": {"team": "payments"}}));
        assert_eq!(names(&both, &objects), ["payments-a", "payments-b"]);
        let tag = finder(serde_json::json!({"tags": {"team": "Payments"}}));
        assert!(names(&tag, &objects).is_empty());
        let within = finder(serde_json::json!({"namePattern": "s-a"}));
        assert_eq!(names(&within, &objects), ["orders-a", "payments-a"]);
    }

    #[test]
    fn the_other_half_of_a_certificate_is_found_as_certificate_only() {
        let mut half = listed("web");
        half.managed = true;
        let mut whole = listed("web");
        whole.kind = FindKind::Certificate;
        whole.managed = true;
        let objects = [half, whole];
        let kinds = |kinds: serde_json::Value| {
            let finder = finder(serde_json::json!({"namePattern": ".*", "kinds": kinds}));
            let found = finder.matches(objects.iter()).unwrap().found;
            found.iter().map(|found| found.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(serde_json::json!(["Secret"])), []);
        assert_eq!(
            kinds(serde_json::json!(["Secret", "Certificate"])),
            [FindKind::Certificate]
        );
    }

    #[test]
    fn a_disabled_object_is_absent_only_where_that_is_asked_for() {
        let mut off = listed("a");
        off.enabled = false;
        let asked = |exclude: bool| {
            let finder =
                finder(serde_json::json!({"namePattern": "a", "excludeDisabled": exclude}));
            finder.takes(&off)
        };
        assert!(asked(false) && !asked(true));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_field() {
        let parse = |json: serde_json::Value| {
            let find: FindSource = serde_json::from_value(json).unwrap();
            Finder::parse("spec.dataFrom[2]", &find, None).unwrap_err()
        };
        let problem = parse(serde_json::json!({"namePattern": "a[b"}));
        assert_eq!(problem.reason, Reason::InvalidSpec);
        assert!(
            problem
                .message
                .contains("spec.dataFrom[2].find.namePattern"),
            "{problem}"
        );
        assert!(problem.message.contains("at character 2"), "{problem}");
        let problem = parse(serde_json::json!({}));
        assert!(problem.message.contains("namePattern or tags"), "{problem}");
    }

    #[test]
    fn more_than_a_secret_holds_is_told() {
        let objects: Vec<Listed> = (0..=MAX_FOUND).map(|n| listed(&format!("s-{n}"))).collect();
        let problem = finder(serde_json::json!({"namePattern": "s"}))
            .matches(objects.iter())
            .unwrap_err();
        assert_eq!(problem.reason, Reason::TooLarge);
    }
}
