//! The items that `find` gives: by what lists of vaults tell, or where there is none by what is recorded on the Secret. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::azure::key_vault::{Kind, Object};
use crate::certificate::bundle::Chain;
use crate::hub::want::Listing;
use crate::names::{SecretKey, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::OnMissing;
use crate::vault_secret_sync::api::certificates::ChainSpec;
use crate::vault_secret_sync::api::sources::{DataFromEntry, FindKind};
use crate::vault_secret_sync::items::find::{Finder, Found, Listed};
use crate::vault_secret_sync::items::item::{CertificatePart, Item, Located, SecretPart, Source};
use crate::vault_secret_sync::items::origin;
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::valid::Valid;

/// A `find` of the spec.
#[derive(Debug, Clone)]
pub struct Find {
    /// Where it stands, such as `spec.dataFrom[0]`.
    pub at: String,
    /// The vault; none is the sync's own.
    pub vault: Option<VaultUri>,
    /// How many of the sync's items go before what it finds.
    pub after: usize,
    /// As it stands in the spec.
    pub spec: DataFromEntry,
    /// What decides.
    pub finder: Finder,
}

impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        let all = |find: &Self| (find.at.clone(), find.vault.clone(), find.after);
        all(self) == all(other) && self.spec == other.spec
    }
}

impl Eq for Find {}

/// What lists told, by vault and kind; a vault of none is the sync's own.
pub type Listings = BTreeMap<(Option<VaultUri>, Kind), Result<Arc<Listing>, Problem>>;

/// Something that is wrong with a source and with no single key of the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where the source stands in the spec.
    pub at: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What became of keys that were found earlier, and what is wrong with finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Keys whose object is not found any more, or may not be, and that stay.
    pub kept: BTreeSet<String>,
    /// Keys whose object is not found any more, and that go.
    pub gone: BTreeSet<String>,
    /// What is wrong.
    pub told: Vec<Told>,
}

impl Past {
    /// Nothing was found earlier.
    pub const NONE: &'static Self = &Self {
        kept: BTreeSet::new(),
        gone: BTreeSet::new(),
        told: Vec::new(),
    };
}

/// The kind of list that tells about a kind of object.
pub fn listed_kind(kind: FindKind) -> Kind {
    match kind {
        FindKind::Secret => Kind::Secret,
        FindKind::Certificate => Kind::Certificate,
    }
}

/// All items of a sync, in the order of precedence. `lends` tells whether the identity lends an object: what it does not lend
/// is as if it were not there.
pub fn resolve(
    valid: &Valid,
    share: &Share,
    listings: &Listings,
    lends: impl Fn(&Located) -> bool,
) -> (Vec<Item>, Past) {
    let mut past = Past::default();
    let mut taken: BTreeMap<SecretKey, String> = BTreeMap::new();
    for item in &valid.items {
        let given = item.keys().into_iter();
        taken.extend(given.map(|given| (given.key, item.at.clone())));
    }
    let mut items = Vec::new();
    let mut rest = valid.items.iter();
    for find in &valid.finds {
        while rest.len() + find.after > valid.items.len() {
            items.extend(rest.next().cloned());
        }
        let found = match listed(find, listings, &lends) {
            Some(Ok(listed)) => matches(find, &listed, &mut past.told),
            Some(Err(problem)) => {
                past.told.push(told(&find.at, problem));
                recorded(find, share)
            }
            None => recorded(find, share),
        };
        for item in found {
            let mut keys = item.keys().into_iter().map(|given| given.key);
            let double = keys.find_map(|key| Some((taken.get(&key)?.clone(), key)));
            if let Some((first, key)) = double {
                let problem = collision(&key, &first, &item.at);
                past.told.push(told(&find.at, problem));
                continue;
            }
            let given = item.keys().into_iter();
            taken.extend(given.map(|given| (given.key, item.at.clone())));
            items.push(item);
        }
    }
    items.extend(rest.cloned());
    earlier(valid, share, listings, &taken, &mut past);
    (items, past)
}

fn told(at: &str, problem: Problem) -> Told {
    Told {
        at: at.to_owned(),
        problem,
    }
}

/// The problem of two sources that give one key.
pub fn collision(key: impl std::fmt::Display, first: &str, second: &str) -> Problem {
    let message = format!(
        "{first} and {second} both give the key {key}; the first counts, and it is left out of the second; set rename"
    );
    Problem::new(Reason::KeyCollision, Retry::OnChange, message)
}

/// What lists tell; none while one of them is missing.
fn listed(
    find: &Find,
    listings: &Listings,
    lends: impl Fn(&Located) -> bool,
) -> Option<Result<Vec<Listed>, Problem>> {
    let mut all = Vec::new();
    for kind in find.finder.kinds() {
        let listing = match listings.get(&(find.vault.clone(), listed_kind(*kind)))? {
            Ok(listing) => listing,
            Err(problem) => return Some(Err(problem.clone())),
        };
        for object in listing.values() {
            let name = object.name.as_str().to_ascii_lowercase();
            let Ok(name) = name.parse() else { continue };
            let located = Located {
                vault: find.vault.clone(),
                object: Object {
                    kind: Kind::Secret,
                    name,
                    version: None,
                },
            };
            if lends(&located) {
                all.push(Listed {
                    kind: *kind,
                    name: located.object.name,
                    tags: object.tags.clone(),
                    content_type: object.content_type.clone(),
                    enabled: object.enabled,
                    managed: object.managed,
                });
            }
        }
    }
    Some(Ok(all))
}

fn matches(find: &Find, listed: &[Listed], problems: &mut Vec<Told>) -> Vec<Item> {
    match find.finder.matches(listed.iter()) {
        Ok(matches) => {
            problems.extend(matches.told.into_iter().map(|it| told(&find.at, it)));
            let found = matches.found.into_iter();
            found.map(|found| item(find, found)).collect()
        }
        Err(problem) => {
            problems.push(told(&find.at, problem));
            Vec::new()
        }
    }
}

fn item(find: &Find, found: Found) -> Item {
    let Found { kind, name, key } = found;
    let at = format!("{} ({name})", find.at);
    let id = Located {
        vault: find.vault.clone(),
        object: Object {
            kind: Kind::Secret,
            name,
            version: None,
        },
    };
    let source = match kind {
        FindKind::Secret => Source::Secret {
            key,
            part: SecretPart {
                id,
                property: None,
                decode: crate::vault_secret_sync::api::Decode::None,
            },
        },
        FindKind::Certificate => Source::Certificate(CertificatePart {
            id,
            prefix: Some(key),
            chain: match ChainSpec::default() {
                ChainSpec::LeafFirst => Chain::LeafFirst {
                    include_root: false,
                },
                ChainSpec::LeafOnly => Chain::LeafOnly,
            },
            keystores: Vec::new(),
        }),
    };
    Item {
        at,
        source,
        optional: true,
        found: true,
    }
}

/// The items that a record tells of. They are followed as long as there is no list.
fn recorded(find: &Find, share: &Share) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (key, line) in &share.record.keys {
        let Some((kind, name)) = origin::found(line, find.vault.as_ref()) else {
            continue;
        };
        let key = match kind {
            FindKind::Secret => Some(key.as_str()),
            FindKind::Certificate => key.strip_suffix(".key"),
        };
        let key = key.and_then(|key| key.parse().ok());
        let name_text = name;
        let Some((name, key)) = name.parse().ok().zip(key) else {
            continue;
        };
        if find.finder.may_take(kind, name_text) {
            let item = item(find, Found { kind, name, key });
            // An item is one only where its line is the one that stands there.
            if origin::states(&item, line).is_some() {
                items.push(item);
            }
        }
    }
    items
}

/// What becomes of keys that were found earlier and are not found now.
fn earlier(
    valid: &Valid,
    share: &Share,
    listings: &Listings,
    taken: &BTreeMap<SecretKey, String>,
    past: &mut Past,
) {
    // What came of a vault that is waited for cannot be told from what has left the spec.
    let unsure = !valid.referred.waiting.is_empty();
    let opened = |line: &str| {
        let mut open = valid.items.iter().filter(|item| item.is_open());
        open.any(|item| origin::states(item, line).is_some() || origin::expanded(item, line))
    };
    for (key, line) in &share.record.keys {
        let is_taken = key
            .parse()
            .is_ok_and(|key: SecretKey| taken.contains_key(&key));
        if is_taken {
            continue;
        }
        let may_take = |find: &&Find| {
            origin::found(line, find.vault.as_ref())
                .is_some_and(|(kind, name)| find.finder.may_take(kind, name))
        };
        let mut finds = valid.finds.iter().filter(may_take).peekable();
        if finds.peek().is_none() {
            if unsure && !opened(line) {
                past.kept.insert(key.clone());
            }
            continue;
        }
        let known = finds.all(|find| {
            let mut kinds = find.finder.kinds().iter();
            kinds.all(|kind| {
                let list = listings.get(&(find.vault.clone(), listed_kind(*kind)));
                list.is_some_and(Result::is_ok)
            })
        });
        if known && valid.on_missing == OnMissing::Remove {
            past.gone.insert(key.clone());
        } else {
            past.kept.insert(key.clone());
        }
    }
}

#[cfg(test)]
#[path = "found_tests.rs"]
mod tests;
