//! Lists of a vault's objects, page by page: names and attributes, no values. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::{Asked, Attributes, Kind, get, malformed, refusal, time, unusable};
use crate::azure::auth::Profile;
use crate::azure::http::{Answer, Request};
use crate::names::{ObjectName, VaultUri};
use crate::problem::Problem;
use crate::secret::SecretValue;

/// The most that a vault puts on a page (Key Vault REST reference, "Get Secrets", maxresults).
const PAGE: u32 = 25;

/// An object as a list tells of it: its newest version, without value or version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, as the vault writes it.
    pub name: ObjectName,
    /// Whether it can be read.
    pub enabled: bool,
    /// When it was last updated, in whole seconds.
    pub updated: Option<Timestamp>,
    /// From when on it is valid.
    pub not_before: Option<Timestamp>,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What a secret is, in the words of whoever stored it.
    pub content_type: Option<String>,
    /// Whether it is the secret or the key of a certificate.
    pub managed: bool,
}

/// Where a list goes on. It lies on the vault that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(Url);

/// One page. It may be empty and still have another one behind it.
#[derive(Debug)]
pub struct Page {
    /// What is on it.
    pub items: Vec<Listed>,
    /// Where the list goes on; none at its end.
    pub next: Option<Next>,
}

/// The request for the first page of a list, or for the one at `next`.
pub fn list(
    profile: &Profile,
    vault: &VaultUri,
    kind: Kind,
    next: Option<&Next>,
    token: &SecretValue,
) -> Result<Request, Problem> {
    let first = || {
        let text = format!(
            "{}/{}?maxresults={PAGE}&api-version={}",
            vault.origin(),
            kind.plural(),
            profile.cloud.vault_api_version
        );
        Url::parse(&text).map_err(|_| unusable(vault, "no URL can be made of it"))
    };
    let url = next.map_or_else(first, |next| Ok(next.0.clone()))?;
    get(profile, vault, url, token)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    /// Null tells of no objects; where it is absent, the answer is somebody else's.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<Vec<WireItem>>,
    next_link: Option<String>,
}

/// Keys are named by `kid`, everything else by `id`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireItem {
    id: Option<String>,
    kid: Option<String>,
    content_type: Option<String>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    managed: Option<bool>,
}

/// Reads the answer to [`list`]. What does not lie on this vault, and what no name can be read from, makes the whole page
/// unreadable: a list with holes would tell of objects as if they were gone.
pub fn read_page(
    profile: &Profile,
    vault: &VaultUri,
    kind: Kind,
    answer: &Answer,
    now: Timestamp,
) -> Result<Page, Problem> {
    if !answer.status.is_success() {
        let asked = Asked::List(kind);
        return Err(refusal::problem(profile, vault, asked, answer, now));
    }
    page(vault, kind, answer).ok_or_else(|| malformed(vault, Asked::List(kind), answer))
}

fn page(vault: &VaultUri, kind: Kind, answer: &Answer) -> Option<Page> {
    let wire: WirePage = serde_json::from_slice(answer.body.bytes()).ok()?;
    let items = wire.value.unwrap_or_default().into_iter();
    let next = match wire.next_link.filter(|link| !link.is_empty()) {
        None => None,
        Some(link) => Some(next(vault, kind, &link)?),
    };
    Some(Page {
        items: items
            .map(|item| listed(kind, item))
            .collect::<Option<_>>()?,
        next,
    })
}

fn listed(kind: Kind, item: WireItem) -> Option<Listed> {
    let url = Url::parse(&item.kid.or(item.id)?).ok()?;
    let mut path = url.path_segments()?;
    let name = (path.next()? == kind.plural()).then(|| path.next())??;
    Some(Listed {
        name: name.parse().ok()?,
        enabled: item.attributes.enabled.unwrap_or(true),
        updated: time(item.attributes.updated),
        not_before: time(item.attributes.nbf),
        expires: time(item.attributes.exp),
        tags: item.tags.unwrap_or_default(),
        content_type: item.content_type,
        managed: item.managed.unwrap_or(false),
    })
}

/// A token goes with the next request, so the link must lead to the same origin and to the same list.
fn next(vault: &VaultUri, kind: Kind, link: &str) -> Option<Next> {
    let url = Url::parse(link).ok()?;
    let own = Url::parse(vault.origin()).ok()?;
    let path = format!("/{}", kind.plural());
    let safe = url.origin() == own.origin()
        && url.path().trim_end_matches('/') == path
        && url.username().is_empty()
        && url.password().is_none();
    safe.then_some(Next(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Next {
        /// A link for tests of what follows links.
        pub(crate) fn at(link: &str) -> Self {
            Self(Url::parse(link).unwrap())
        }

        /// The number at the end of such a link.
        pub(crate) fn number(&self) -> usize {
            self.0.path().trim_start_matches('/').parse().unwrap()
        }
    }
}
