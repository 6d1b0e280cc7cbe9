//! What is in files, and the properties of paths.

use http::{StatusCode, header};

use crate::{
    storage_lake::{
        checksum,
        context::{Context, Done, empty, http_date, of_node, with},
        leases, requests,
        tree::{
            Flush,
            caller::Rights,
            lease,
            node::{ContentHeaders, Node},
            refusal::Refusal,
        },
    },
    wire::reply::Reply,
};

const PLAIN: &str = "application/octet-stream";

/// Refuses a body that is not what its checksum says.
pub(in crate::storage_lake) fn check_body(context: &Context<'_>) -> Done<()> {
    let call = context.call;
    let md5 = call.header("content-md5");
    let crc = call.header("x-ms-content-crc64");
    if md5.is_some_and(|given| given != checksum::md5(&call.body)) {
        return Err(Refusal::Md5Mismatch.into());
    }
    if crc.is_some_and(|given| given != checksum::crc64(&call.body)) {
        return Err(Refusal::Crc64Mismatch.into());
    }
    Ok(())
}

pub(super) fn append(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let position: u64 =
        requests::number(call, "position")?.ok_or(Refusal::MissingRequiredQueryParameter)?;
    check_body(context)?;
    let flush = requests::flag(call, "flush")?.unwrap_or(false);
    let caller = context.caller(&filesystem)?;
    let lease = leases::before_write(context, &filesystem, &key, &caller)?;
    let data = call.body.clone();
    let end = position + data.len() as u64;
    let md5 = call.header("content-md5").map(str::to_owned);
    let reply = context.write(&filesystem, |found| {
        let (tree, now) = (&mut found.tree, context.now);
        tree.append(&caller, &key, position, data, lease.as_deref(), now)?;
        if !flush {
            return Ok(empty(StatusCode::ACCEPTED));
        }
        let flush = Flush {
            position: end,
            lease: lease.clone(),
            ..Flush::default()
        };
        let node = tree.flush(&caller, &key, &flush, now)?;
        Ok(of_node(empty(StatusCode::ACCEPTED), node))
    })?;
    leases::after_write(context, &filesystem, &key, &caller, lease)?;
    let reply = match md5 {
        Some(md5) => reply.with(header::HeaderName::from_static("content-md5"), &md5),
        None => with(
            reply,
            "x-ms-content-crc64",
            &checksum::crc64(&context.call.body),
        ),
    };
    Ok(with(reply, "x-ms-request-server-encrypted", "true"))
}

pub(super) fn flush(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    if !call.body.is_empty() {
        return Err(Refusal::ContentLengthMustBeZero.into());
    }
    let caller = context.caller(&filesystem)?;
    let lease = leases::before_write(context, &filesystem, &key, &caller)?;
    let flush = Flush {
        position: requests::number(call, "position")?
            .ok_or(Refusal::MissingRequiredQueryParameter)?,
        retain: requests::flag(call, "retainUncommittedData")?.unwrap_or(false),
        headers: requests::content_headers(call, "x-ms-"),
        conditions: context.conditions()?,
        lease: lease.clone(),
    };
    let reply = context.write(&filesystem, |found| {
        let node = found.tree.flush(&caller, &key, &flush, context.now)?;
        Ok(of_node(empty(StatusCode::OK), node))
    })?;
    leases::after_write(context, &filesystem, &key, &caller, lease)?;
    Ok(with(reply, "x-ms-request-server-encrypted", "false"))
}

pub(super) fn read(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    context.read(&filesystem, |found| {
        let node = found.tree.read(&caller, &key, &conditions)?;
        let length = node.length();
        let reply = described(context, node);
        let Some(body) = node.body() else {
            return Ok(reply.with(header::CONTENT_LENGTH, "0"));
        };
        let Some((first, last)) = requests::range(context.call, length)? else {
            return Ok(Reply {
                body: body.data.clone(),
                ..reply
            });
        };
        let range = format!("bytes {first}-{last}/{length}");
        let part = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let data = body.data.slice(part(first)..=part(last));
        let wants_md5 = context.call.header("x-ms-range-get-content-md5") == Some("true");
        let mut reply = reply.with(header::CONTENT_RANGE, &range);
        if wants_md5 {
            let md5 = checksum::md5(&data);
            reply = reply.with(header::HeaderName::from_static("content-md5"), &md5);
        }
        Ok(Reply {
            status: StatusCode::PARTIAL_CONTENT,
            body: data,
            ..reply
        })
    })
}

/// Everything that is told of a path along with its contents.
fn described(context: &Context<'_>, node: &Node) -> Reply {
    let body = node.body();
    let headers = body.map(|body| &body.headers);
    let kind = headers.and_then(|headers| headers.content_type.as_deref());
    let state = lease::state(node.lease(), context.now);
    let access = &node.access;
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
            (header::HeaderName::from_static("content-md5"), &headers.md5),
        ]
    });
    for (name, value) in told {
        if let Some(value) = value {
            reply = reply.with(name, value);
        }
    }
    let data = body.map(|body| &*body.data).unwrap_or_default();
    let all = [
        ("x-ms-content-crc64", checksum::crc64(data)),
        ("x-ms-lease-state", state.word().to_owned()),
        ("x-ms-lease-status", state.status().to_owned()),
        (
            "x-ms-properties",
            requests::properties_text(node.properties()),
        ),
        ("x-ms-server-encrypted", "true".to_owned()),
        ("x-ms-resource-type", kind_of(node).to_owned()),
        ("x-ms-owner", access.owner.to_string()),
        ("x-ms-group", access.group.to_string()),
        ("x-ms-permissions", access.permissions()),
    ];
    all.into_iter()
        .fold(reply, |reply, (name, value)| with(reply, name, &value))
}

fn kind_of(node: &Node) -> &'static str {
    if node.is_directory() {
        "directory"
    } else {
        "file"
    }
}

pub(super) fn properties(context: &Context<'_>, status_alone: bool) -> Done {
    let (filesystem, key) = context.place()?;
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    let rights = Rights::READ | Rights::EXECUTE | Rights::LIST;
    context.read(&filesystem, |found| {
        let node = found.tree.look(&caller, &key, rights)?;
        conditions.check_read(node)?;
        let reply = if status_alone {
            let access = &node.access;
            let all = [
                ("x-ms-creation-time", http_date(node.created_at())),
                ("x-ms-server-encrypted", "true".to_owned()),
                ("x-ms-resource-type", kind_of(node).to_owned()),
                ("x-ms-owner", access.owner.to_string()),
                ("x-ms-group", access.group.to_string()),
                ("x-ms-permissions", access.permissions()),
            ];
            all.into_iter().fold(
                of_node(Reply::empty(StatusCode::OK), node),
                |reply, (name, value)| with(reply, name, &value),
            )
        } else {
            described(context, node)
        };
        Ok(reply.with(header::CONTENT_LENGTH, &node.length().to_string()))
    })
}

pub(super) fn set_properties(context: &Context<'_>) -> Done {
    let (filesystem, key) = context.place()?;
    let call = context.call;
    let properties = requests::properties(call)?;
    let headers = requests::content_headers(call, "x-ms-");
    let given = headers != ContentHeaders::default();
    let conditions = context.conditions()?;
    let caller = context.caller(&filesystem)?;
    let lease = context.lease();
    context.write(&filesystem, |found| {
        let node = found.tree.change_properties(
            &caller,
            &key,
            properties,
            given.then_some(headers),
            (&conditions, lease.as_deref()),
            context.now,
        )?;
        Ok(of_node(empty(StatusCode::OK), node))
    })
}
