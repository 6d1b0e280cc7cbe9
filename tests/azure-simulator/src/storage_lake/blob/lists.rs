//! Lists of containers and of blobs.

use crate::storage_lake::{
    context::{Context, Done, http_date, split},
    identity::ContainerVerb,
    lake::Filesystem,
    requests,
    tokens::{self, Kind},
    tree::{lease, node::Node, path, refusal::Refusal},
};

use super::{
    super::plain,
    xml::{Document, escaped},
};

const MOST: usize = 5000;

/// The address of the account, as lists tell it.
fn endpoint(context: &Context<'_>, container: &str) -> String {
    let base = &context.call.route.base;
    let named = escaped(&format!("{base}/"));
    if container.is_empty() {
        format!(" ServiceEndpoint=\"{named}\"")
    } else {
        format!(
            " ServiceEndpoint=\"{named}\" ContainerName=\"{}\"",
            escaped(container)
        )
    }
}

struct Wanted<'a> {
    prefix: &'a str,
    marker: &'a str,
    most: usize,
}

impl<'a> Wanted<'a> {
    fn of(context: &Context<'a>) -> Result<Self, Refusal> {
        let call = context.call;
        Ok(Self {
            prefix: call.query("prefix").unwrap_or_default(),
            marker: call.query("marker").unwrap_or_default(),
            most: requests::page(call, "maxresults", MOST)?,
        })
    }

    fn write(&self, context: &Context<'_>, document: &mut Document) {
        for (name, value) in [("Prefix", self.prefix), ("Marker", self.marker)] {
            if !value.is_empty() {
                document.leaf(name, value);
            }
        }
        if context.call.query("maxresults").is_some() {
            document.leaf("MaxResults", &self.most.to_string());
        }
    }
}

fn includes(context: &Context<'_>, word: &str) -> bool {
    let include = context.call.query("include").unwrap_or_default();
    include.split(',').any(|one| one.eq_ignore_ascii_case(word))
}

/// A container in a list.
struct Shown<'a> {
    name: &'a str,
    filesystem: &'a Filesystem,
    /// Version, time and days left of one that was deleted.
    deleted: Option<(&'a str, String, i64)>,
}

pub(super) fn containers(context: &Context<'_>) -> Done {
    context.check_containers(None, ContainerVerb::List)?;
    let wanted = Wanted::of(context)?;
    let lake = context.lake.read();
    let mut all: Vec<Shown<'_>> = lake
        .all()
        .map(|(name, filesystem)| Shown {
            name,
            filesystem,
            deleted: None,
        })
        .collect();
    if includes(context, "deleted") {
        all.extend(lake.all_deleted(context.now).map(|(version, one)| {
            let past = (context.now.0 - one.since.0).div_euclid(24 * 60 * 60 * 1000);
            let left = i64::from(one.retention_days) - past;
            Shown {
                name: &one.name,
                filesystem: &one.filesystem,
                deleted: Some((version, http_date(one.since), left)),
            }
        }));
        all.sort_by_key(|one| one.name);
    }
    let mut fitting = all
        .iter()
        .filter(|one| one.name.starts_with(wanted.prefix) && one.name >= wanted.marker);
    let mut document = Document::new();
    let metadata = includes(context, "metadata");
    document.element_with("EnumerationResults", &endpoint(context, ""), |document| {
        wanted.write(context, document);
        document.element("Containers", |document| {
            for one in fitting.by_ref().take(wanted.most) {
                document.element("Container", |document| {
                    container(context, document, one, metadata);
                });
            }
        });
        document.leaf("NextMarker", fitting.next().map_or("", |one| one.name));
    });
    Ok(document.reply())
}

fn container(context: &Context<'_>, document: &mut Document, one: &Shown<'_>, metadata: bool) {
    document.leaf("Name", one.name);
    if let Some((version, _, _)) = &one.deleted {
        document.leaf("Deleted", "true");
        document.leaf("Version", version);
    }
    let found = one.filesystem;
    document.element("Properties", |document| {
        document.leaf("Last-Modified", &http_date(found.modified));
        document.leaf("Etag", &format!("\"{}\"", found.etag()));
        let state = lease::state(found.lease.as_ref(), context.now);
        document.leaf("LeaseStatus", state.status());
        document.leaf("LeaseState", state.word());
        document.leaf("DefaultEncryptionScope", &found.encryption_scope);
        let deny = if found.deny_scope_override {
            "true"
        } else {
            "false"
        };
        document.leaf("DenyEncryptionScopeOverride", deny);
        document.leaf("HasImmutabilityPolicy", "false");
        document.leaf("HasLegalHold", "false");
        document.leaf("ImmutableStorageWithVersioningEnabled", "false");
        if let Some((_, deleted, left)) = &one.deleted {
            document.leaf("DeletedTime", deleted);
            document.leaf("RemainingRetentionDays", &left.to_string());
        }
    });
    if metadata {
        document.element("Metadata", |document| {
            for (name, value) in &found.properties {
                document.leaf(name, &plain(value));
            }
        });
    }
}

pub(super) fn blobs(context: &Context<'_>) -> Done {
    let (name, _) = split(&context.call.route.path);
    let wanted = Wanted::of(context)?;
    let flat = context.call.query("delimiter").is_none();
    let caller = context.lister(&name)?;
    // A prefix that ends in a slash is a directory's; any other begins a name in one.
    let (directory, _) = wanted.prefix.rsplit_once('/').unwrap_or(("", ""));
    let directory = path::key(directory)?;
    let (entries, next) = context.read(&name, |found| {
        if found.tree.get(&directory).is_err() {
            return Ok((Vec::new(), None));
        }
        let from = tokens::key(Kind::Paths, found, context.call.query("marker"))?;
        let page = found
            .tree
            .list(&caller, &directory, flat, from.as_deref(), wanted.most)?;
        let entries = page.entries.iter();
        let entries: Vec<(String, Node)> = entries
            .map(|(key, node)| (path::text(key), Node::clone(node)))
            .filter(|(name, _)| name.starts_with(wanted.prefix))
            .collect();
        let next = page.next.map(|key| tokens::token(Kind::Paths, found, key));
        Ok((entries, next))
    })?;
    let mut document = Document::new();
    document.element_with(
        "EnumerationResults",
        &endpoint(context, &name),
        |document| {
            wanted.write(context, document);
            document.element("Blobs", |document| {
                for (name, node) in &entries {
                    if flat || !node.is_directory() {
                        document.element("Blob", |document| blob(document, name, node));
                    } else {
                        document.element("BlobPrefix", |document| {
                            document.leaf("Name", &format!("{name}/"));
                        });
                    }
                }
            });
            document.leaf("NextMarker", next.as_deref().unwrap_or_default());
        },
    );
    Ok(document.reply())
}

fn blob(document: &mut Document, name: &str, node: &Node) {
    document.leaf("Name", name);
    document.element("Properties", |document| {
        document.leaf("Creation-Time", &http_date(node.created_at()));
        document.leaf("Last-Modified", &http_date(node.modified));
        document.leaf("Etag", &node.etag());
        let kind = if node.is_directory() {
            "directory"
        } else {
            "file"
        };
        document.leaf("ResourceType", kind);
        document.leaf("Content-Length", &node.length().to_string());
        let given = node
            .body()
            .and_then(|body| body.headers.content_type.as_deref());
        document.leaf("Content-Type", given.unwrap_or("application/octet-stream"));
        document.leaf("BlobType", "BlockBlob");
        document.leaf("ServerEncrypted", "true");
    });
}
