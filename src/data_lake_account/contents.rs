//! Reads what files are to hold: keys of ConfigMaps, and of Secrets that consent.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use super::api::{FileSource, KeyOf};
use super::lake::valid::Kind;
use super::lake::{Content, Lake, Place, Turn};
use crate::azure::lake::files::md5;
use crate::k8s::api::Kube;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Annotation of a Secret whose keys may become files: names of DataLakeAccounts, with commas between them.
pub const ALLOW_FILE: &str = "lakevault.dev/allow-file";

/// What files are to hold, or why that is not known.
pub(super) type Wanted = BTreeMap<Place, Result<SecretValue, Problem>>;

/// Reads what the files of a lake are to hold whose turn it is, or that are asked for, for the object of this namespace and name.
pub(super) async fn read(
    kube: &Kube,
    (namespace, name): (&str, &str),
    lake: &Lake,
    (turn, asked): (Option<Turn>, &BTreeSet<Place>),
) -> Wanted {
    let mut all = Wanted::new();
    for (filesystem, wanted) in &lake.filesystems {
        for (path, node) in &wanted.nodes {
            let Kind::File(source) = &node.kind else {
                continue;
            };
            let place = Place::new(filesystem, path);
            let is_turn = turn.is_none_or(|turn| turn.has(filesystem, path));
            if is_turn || asked.contains(&place) {
                let content = content(kube, (namespace, name), source).await;
                all.insert(place, content);
            }
        }
    }
    all
}

/// What decisions are made on.
pub(super) fn told(all: &Wanted) -> BTreeMap<Place, Result<Content, Problem>> {
    let told = |content: &SecretValue| Content {
        length: u64::try_from(content.len()).unwrap_or(u64::MAX),
        md5: md5(content),
    };
    all.iter()
        .map(|(place, content)| {
            (
                place.clone(),
                content.as_ref().map(told).map_err(Clone::clone),
            )
        })
        .collect()
}

async fn content(
    kube: &Kube,
    (namespace, account): (&str, &str),
    source: &FileSource,
) -> Result<SecretValue, Problem> {
    if let Some(from) = &source.secret {
        let what = format!("Secret {namespace}/{}", from.name);
        let found = kube.secret(namespace, &from.name).await?;
        let found = found.ok_or_else(|| missing(&format!("there is no {what}")))?;
        let allow = found.annotations().get(ALLOW_FILE);
        let mut names = allow.into_iter().flat_map(|names| names.split(','));
        if !names.any(|name| name.trim() == account) {
            let message = format!(
                "{what} does not consent to become a file of DataLakeAccount {account}. Mend: kubectl -n {namespace} annotate secret {} {ALLOW_FILE}={account} (several names are separated by commas)",
                from.name
            );
            return Err(Problem::new(
                Reason::FileNotAllowed,
                Retry::Backoff,
                message,
            ));
        }
        let value = found.data.unwrap_or_default().remove(&from.key);
        let value = value.map(|bytes| SecretValue::new(bytes.0));
        return value.ok_or_else(|| no_key(&what, from));
    }
    let Some(from) = &source.config_map else {
        let message = "exactly one of configMap and secret must be set".to_owned();
        return Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
    };
    let what = format!("ConfigMap {namespace}/{}", from.name);
    let found = kube.config_map(namespace, &from.name).await?;
    let found = found.ok_or_else(|| missing(&format!("there is no {what}")))?;
    let text = found.data.unwrap_or_default().remove(&from.key);
    let bytes = found.binary_data.unwrap_or_default().remove(&from.key);
    let value = text.map(SecretValue::from);
    value
        .or_else(|| bytes.map(|bytes| SecretValue::new(bytes.0)))
        .ok_or_else(|| no_key(&what, from))
}

fn no_key(what: &str, from: &KeyOf) -> Problem {
    missing(&format!("{what} has no key {:?}", from.key))
}

fn missing(why: &str) -> Problem {
    let message = format!("{why}, of which a file is to be made. What the lake has stays");
    Problem::new(Reason::FileSourceNotFound, Retry::Backoff, message)
}
