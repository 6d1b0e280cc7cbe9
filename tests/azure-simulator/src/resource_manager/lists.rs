//! Lists, whole or in pages.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{context::Context, data_lake_store, storage, vaults};
use crate::{
    wire::reply::Reply,
    world::{World, failure::Failure},
};

/// Rows of a page when `$top` does not say.
const PAGE_ROWS: usize = 100;

/// A list that is given as a whole.
#[allow(clippy::needless_pass_by_value, reason = "what is given away is gone")]
pub(super) fn whole(value: Vec<Value>) -> Reply {
    Reply::json(StatusCode::OK, &json!({"value": value}))
}

/// One page of rows that come in the order of their keys.
pub(super) fn page<'a>(
    context: &Context<'_>,
    rows: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Reply, Failure> {
    let asked = context.call.query("$top");
    let top =
        match asked.or_else(|| context.call.query("$maxpagesize")) {
            None => PAGE_ROWS,
            Some(text) => text.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
                Failure::bad_request(format!("Invalid value '{text}' for '$top'."))
            })?,
        };
    let marker = context
        .call
        .query("$skiptoken")
        .map(|token| {
            URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| Failure::bad_request("The $skiptoken is not valid."))
        })
        .transpose()?;
    let mut rows = rows
        .skip_while(|(key, _)| marker.as_deref().is_some_and(|marker| *key <= marker))
        .peekable();
    let mut value = Vec::new();
    let mut last = "";
    while value.len() < top
        && let Some((key, row)) = rows.next()
    {
        last = key;
        value.push(row);
    }
    let mut shown = json!({"value": value});
    if rows.peek().is_some() {
        let token = URL_SAFE_NO_PAD.encode(last);
        let others = context
            .call
            .query
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("$skiptoken", &token)
            .finish();
        let link = context.url(&format!("{}?{query}", context.call.route.path));
        shown = json!({"value": shown["value"], "nextLink": link});
    }
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// The resources of a subscription: vaults, storage accounts and Data Lake Stores.
pub(super) fn resources(context: &Context<'_>) -> Result<Reply, Failure> {
    let filter = context.call.query("$filter").unwrap_or_default();
    let lower = filter.to_ascii_lowercase();
    let wanted = |kind: &str| {
        let kind = format!("'{}'", kind.to_ascii_lowercase());
        !lower.contains("resourcetype") || lower.contains(&kind)
    };
    let world = context.app.world.read();
    let mut rows = Vec::new();
    if wanted(vaults::KIND) {
        rows.extend(self::vaults(context, &world).map(|(_, vault)| {
            let spec = &vault.spec;
            json!({"id": spec.id(), "name": spec.name, "type": vaults::KIND, "location": spec.location,
                   "tags": spec.tags})
        }));
    }
    if wanted(storage::KIND) {
        rows.extend(
            storage::of_subscription(context, &world, None).map(|(_, one)| storage::list_row(one)),
        );
    }
    if wanted(data_lake_store::KIND) {
        let stores = data_lake_store::of_subscription(context, &world, None);
        rows.extend(stores.map(|(_, one)| data_lake_store::list_row(one)));
    }
    let mut rows: Vec<(String, Value)> = rows
        .into_iter()
        .filter_map(|row| Some((row["id"].as_str()?.to_ascii_lowercase(), row)))
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    page(
        context,
        rows.iter().map(|(key, row)| (key.as_str(), row.clone())),
    )
}

/// The vaults of the subscription that the caller may see, with their keys.
pub(super) fn vaults<'a>(
    context: &'a Context<'_>,
    world: &'a World,
) -> impl Iterator<Item = (&'a str, &'a crate::world::vault::Vault)> {
    world
        .vaults
        .iter()
        .filter(|(_, vault)| {
            let spec = &vault.spec;
            spec.subscription_id
                .eq_ignore_ascii_case(context.subscription)
                && context.shows(world, "Microsoft.KeyVault/vaults/read", &spec.id())
        })
        .map(|(key, vault)| (key.as_str(), vault))
}
