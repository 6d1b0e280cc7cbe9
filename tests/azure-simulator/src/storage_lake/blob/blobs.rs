//! Small blobs, which are the files, and directories as blobs see them.

use http::{HeaderName, StatusCode, header};

use super::containers::{metadata, with_metadata};
use crate::{
    storage_lake::{
        checksum,
        context::{Context, Done, empty, http_date, of_node, with},
        dfs, requests,
        tree::{
            Wish,
            caller::Rights,
            lease,
            moving::Deletion,
            node::{ContentHeaders, Node},
            refusal::Refusal,
        },
    },
    wire::reply::Reply,
};

const PLAIN: &str = "application/octet-stream";
/// From which version on a path's owner and permissions are told here, too.
const WITH_OWNERS: &str = "2020-06-12";

fn content_md5() -> HeaderName {
    HeaderName::from_static("content-md5")
}

pub(super) fn put(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    if call.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(Refusal::InvalidHeaderValue.into());
    }
    dfs::check_body(context)?;
    let md5 = checksum::md5(&call.body);
    let given = requests::content_headers(call, "x-ms-blob-");
    let kind = given
        .content_type
        .or_else(|| call.header("content-type").map(str::to_owned));
    let wish = Wish {
        properties: Some(metadata(call)),
        headers: ContentHeaders {
            content_type: kind,
            md5: Some(md5.clone()),
            ..given
        },
        conditions: context.conditions()?,
        lease: context.lease(),
        ..Wish::default()
    };
    let caller = context.caller(&filesystem)?;
    let data = call.body.clone();
    context.write(&filesystem, |found| {
        let node = found.tree.write(&caller, &key, &wish, data, context.now)?;
        let reply = of_node(empty(StatusCode::CREATED), node).with(content_md5(), &md5);
        let reply = with(reply, "x-ms-content-crc64", &checksum::crc64(&call.body));
        Ok(with(reply, "x-ms-request-server-encrypted", "true"))
    })
}

pub(super) fn get(context: &Context<'_>, with_data: bool) -> Done {
    let (filesystem, key) = context.place()?;
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    context.read(&filesystem, |found| {
        let node = if with_data {
            found.tree.read(&caller, &key, &conditions)?
        } else {
            let node = found.tree.look(&caller, &key, Rights::READ)?;
            conditions.check_read(node)?;
            node
        };
        let reply = described(context, node);
        let length = node.length();
        if !with_data {
            return Ok(reply.with(header::CONTENT_LENGTH, &length.to_string()));
        }
        let data = node
            .body()
            .map(|body| body.data.clone())
            .unwrap_or_default();
        match requests::range(context.call, length)? {
            None => Ok(Reply {
                body: data,
                ..reply
            }),
            Some((first, last)) => {
                let range = format!("bytes {first}-{last}/{length}");
                let part = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let reply = reply.with(header::CONTENT_RANGE, &range);
                Ok(Reply {
                    status: StatusCode::PARTIAL_CONTENT,
                    body: data.slice(part(first)..=part(last)),
                    ..reply
                })
            }
        }
    })
}

/// Everything that is told of a blob along with its contents.
fn described(context: &Context<'_>, node: &Node) -> Reply {
    let headers = node.body().map(|body| &body.headers);
    let kind = headers.and_then(|headers| headers.content_type.as_deref());
    let state = lease::state(node.lease(), context.now);
    let mut reply = of_node(Reply::empty(StatusCode::OK), node)
        .with(header::ACCEPT_RANGES, "bytes")
        .with(header::CONTENT_TYPE, kind.unwrap_or(PLAIN));
    if let Some(duration) = state.duration(node.lease()) {
        reply = with(reply, "x-ms-lease-duration", duration);
    }
    let told = headers.into_iter().flat_map(|headers| {
        [
            (header::CONTENT_ENCODING, &headers.encoding),
            (header::CONTENT_LANGUAGE, &headers.language),
            (header::CONTENT_DISPOSITION, &headers.disposition),
            (header::CACHE_CONTROL, &headers.cache_control),
            (content_md5(), &headers.md5),
        ]
    });
    for (name, value) in told {
        if let Some(value) = value {
            reply = reply.with(name, value);
        }
    }
    let tier = if node.is_directory() {
        None
    } else {
        Some("Hot")
    };
    let created = http_date(node.created_at());
    let mut all = vec![
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-creation-time", &created),
        ("x-ms-lease-state", state.word()),
        ("x-ms-lease-status", state.status()),
        ("x-ms-server-encrypted", "true"),
    ];
    if let Some(tier) = tier {
        all.extend([
            ("x-ms-access-tier", tier),
            ("x-ms-access-tier-inferred", "true"),
        ]);
    }
    if node.is_directory() {
        all.push(("x-ms-meta-hdi_isfolder", "true"));
    }
    let access = &node.access;
    let (permissions, list) = (access.permissions(), access.lists.text(&|id| id.to_owned()));
    let version = context.call.header("x-ms-version").unwrap_or_default();
    if context.account.spec.has_namespace() && version >= WITH_OWNERS {
        let kind = if node.is_directory() {
            "directory"
        } else {
            "file"
        };
        all.extend([
            ("x-ms-resource-type", kind),
            ("x-ms-owner", &access.owner),
            ("x-ms-group", &access.group),
            ("x-ms-permissions", &permissions),
            ("x-ms-acl", &list),
        ]);
    }
    let reply = all
        .into_iter()
        .fold(reply, |reply, (name, value)| with(reply, name, value));
    match node.properties() {
        Some(properties) => with_metadata(reply, properties),
        None => reply,
    }
}

pub(super) fn set_metadata(context: &Context<'_>) -> Done {
    let mut given = metadata(context.call);
    // What the service itself says of directories.
    given.remove("hdi_isfolder");
    change(context, Some(given), None)
}

pub(super) fn set_properties(context: &Context<'_>) -> Done {
    let given = requests::content_headers(context.call, "x-ms-blob-");
    change(context, None, Some(given))
}

fn change(
    context: &Context<'_>,
    properties: Option<std::collections::BTreeMap<String, String>>,
    headers: Option<ContentHeaders>,
) -> Done {
    let (filesystem, key) = context.place()?;
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    let lease = context.lease();
    context.write(&filesystem, |found| {
        let node = found.tree.change_properties(
            &caller,
            &key,
            properties,
            headers,
            (&conditions, lease.as_deref()),
            context.now,
        )?;
        Ok(of_node(empty(StatusCode::OK), node))
    })
}

pub(super) fn delete(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let deletion = Deletion {
        conditions: context.conditions()?,
        lease: context.lease(),
        ..Deletion::default()
    };
    let caller = context.caller(&filesystem)?;
    context.write(&filesystem, |found| {
        found.tree.delete(&caller, &key, &deletion, context.now)?;
        Ok(empty(StatusCode::ACCEPTED))
    })
}
