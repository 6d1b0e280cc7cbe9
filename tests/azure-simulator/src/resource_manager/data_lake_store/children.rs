//! What lies below a store: firewall rules, rules for subnets, trusted identity providers
//! (<https://learn.microsoft.com/rest/api/datalakestore/firewall-rules>).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{KIND, body::invalid, find};
use crate::{
    resource_manager::{context::Context, lists},
    wire::reply::Reply,
    world::{
        failure::Failure,
        lake_store::{AddressSpan, LakeStoreSpec, NamedProvider, NamedSubnet},
        networks::Span,
    },
};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resource_manager) enum Kind {
    Firewall,
    Subnet,
    Provider,
}

impl Kind {
    /// By a segment of a path.
    pub(super) fn of(segment: &str) -> Option<Self> {
        [Self::Firewall, Self::Subnet, Self::Provider]
            .into_iter()
            .find(|kind| kind.segment().eq_ignore_ascii_case(segment))
    }

    /// In paths, and as a field of a store.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Firewall => "firewallRules",
            Self::Subnet => "virtualNetworkRules",
            Self::Provider => "trustedIdProviders",
        }
    }

    /// The journal's word, and the action that is needed.
    pub(super) fn deed(self, method: &str) -> Option<(&'static str, &'static str)> {
        let [list, get, put, delete] = match self {
            Self::Firewall => [
                "ListDataLakeFirewallRules",
                "GetDataLakeFirewallRule",
                "SetDataLakeFirewallRule",
                "DeleteDataLakeFirewallRule",
            ],
            Self::Subnet => [
                "ListDataLakeSubnetRules",
                "GetDataLakeSubnetRule",
                "SetDataLakeSubnetRule",
                "DeleteDataLakeSubnetRule",
            ],
            Self::Provider => [
                "ListDataLakeIdProviders",
                "GetDataLakeIdProvider",
                "SetDataLakeIdProvider",
                "DeleteDataLakeIdProvider",
            ],
        };
        let [read, write, remove] = match self {
            Self::Firewall => [
                "Microsoft.DataLakeStore/accounts/firewallRules/read",
                "Microsoft.DataLakeStore/accounts/firewallRules/write",
                "Microsoft.DataLakeStore/accounts/firewallRules/delete",
            ],
            Self::Subnet => [
                "Microsoft.DataLakeStore/accounts/virtualNetworkRules/read",
                "Microsoft.DataLakeStore/accounts/virtualNetworkRules/write",
                "Microsoft.DataLakeStore/accounts/virtualNetworkRules/delete",
            ],
            Self::Provider => [
                "Microsoft.DataLakeStore/accounts/trustedIdProviders/read",
                "Microsoft.DataLakeStore/accounts/trustedIdProviders/write",
                "Microsoft.DataLakeStore/accounts/trustedIdProviders/delete",
            ],
        };
        match method {
            "LIST" => Some((list, read)),
            "GET" => Some((get, read)),
            "PUT" | "PATCH" => Some((put, write)),
            "DELETE" => Some((delete, remove)),
            _ => None,
        }
    }
}

/// Names and properties of all of a kind.
fn entries(spec: &LakeStoreSpec, kind: Kind) -> Vec<(String, Value)> {
    match kind {
        Kind::Firewall => spec
            .firewall_rules
            .iter()
            .map(|rule| {
                let span = json!({"startIpAddress": rule.start_ip_address, "endIpAddress": rule.end_ip_address});
                (rule.name.clone(), span)
            })
            .collect(),
        Kind::Subnet => spec
            .virtual_network_rules
            .iter()
            .map(|rule| (rule.name.clone(), json!({"subnetId": rule.subnet_id})))
            .collect(),
        Kind::Provider => spec
            .trusted_id_providers
            .iter()
            .map(|one| (one.name.clone(), json!({"idProvider": one.id_provider})))
            .collect(),
    }
}

fn document(spec: &LakeStoreSpec, kind: Kind, name: &str, properties: &Value) -> Value {
    let segment = kind.segment();
    json!({
        "properties": properties,
        "id": format!("{}/{segment}/{name}", spec.id()),
        "name": name,
        "type": format!("{KIND}/{segment}"),
    })
}

/// The lists of a store, as fields of it.
pub(super) fn all(spec: &LakeStoreSpec) -> Vec<(&'static str, Value)> {
    [Kind::Firewall, Kind::Subnet, Kind::Provider]
        .into_iter()
        .map(|kind| {
            let list = entries(spec, kind);
            let list = list
                .iter()
                .map(|(name, properties)| document(spec, kind, name, properties));
            (kind.segment(), list.collect::<Vec<_>>().into())
        })
        .collect()
}

pub(super) fn list(
    context: &Context<'_>,
    group: &str,
    name: &str,
    kind: Kind,
) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let spec = &find(context, &world, group, name)?.spec;
    let entries = entries(spec, kind);
    let rows = entries
        .iter()
        .map(|(name, properties)| document(spec, kind, name, properties));
    Ok(lists::whole(rows.collect()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    properties: Map<String, Value>,
}

pub(super) fn one(
    context: &Context<'_>,
    (group, name): (&str, &str),
    kind: Kind,
    child: &str,
) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let store = find(context, &world, group, name)?;
    let mut spec = LakeStoreSpec::clone(&store.spec);
    let present = entries(&spec, kind);
    let present = present
        .into_iter()
        .find(|(its, _)| its.eq_ignore_ascii_case(child));
    let told = match (context.call.method.clone(), present) {
        (Method::DELETE, None) => return Ok(Reply::empty(StatusCode::NO_CONTENT)),
        (Method::DELETE, Some((its, _))) => {
            remove(&mut spec, kind, &its);
            None
        }
        (Method::GET | Method::PATCH, None) => {
            let below = format!("{KIND}/{}", kind.segment());
            return Err(Failure::no_resource(
                &below,
                &format!("{name}/{child}"),
                group,
            ));
        }
        (Method::GET, Some((its, properties))) => {
            let shown = document(&spec, kind, &its, &properties);
            return Ok(Reply::json(StatusCode::OK, &shown));
        }
        (method, present) => {
            let Body { mut properties } = context.body()?;
            let (its, before) = present.unwrap_or_else(|| (child.to_owned(), json!({})));
            if let (true, Some(before)) = (method == Method::PATCH, before.as_object()) {
                for (field, value) in before {
                    properties.entry(field).or_insert_with(|| value.clone());
                }
            }
            let properties = properties.into();
            put(&mut spec, kind, &its, &properties)?;
            Some(document(&spec, kind, &its, &properties))
        }
    };
    let actor = world.actor(context.caller);
    if let Some(store) = world.lake_store_mut(name) {
        store.spec = Arc::new(spec);
        store.life.touch(actor, context.now);
    }
    Ok(match told {
        Some(shown) => Reply::json(StatusCode::OK, &shown),
        None => Reply::empty(StatusCode::OK),
    })
}

fn remove(spec: &mut LakeStoreSpec, kind: Kind, name: &str) {
    match kind {
        Kind::Firewall => spec.firewall_rules.retain(|one| one.name != name),
        Kind::Subnet => spec.virtual_network_rules.retain(|one| one.name != name),
        Kind::Provider => spec.trusted_id_providers.retain(|one| one.name != name),
    }
}

/// Puts one in, in the place of the one of that name.
pub(super) fn put(
    spec: &mut LakeStoreSpec,
    kind: Kind,
    name: &str,
    properties: &Value,
) -> Result<(), Failure> {
    let text = |field: &str| {
        let text = properties[field].as_str();
        let text = text.filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| invalid(field))
    };
    let name = name.to_owned();
    match kind {
        Kind::Firewall => {
            let rule = AddressSpan {
                name,
                start_ip_address: text("startIpAddress")?,
                end_ip_address: text("endIpAddress")?,
            };
            if Span::of(&rule.start_ip_address, &rule.end_ip_address).is_none() {
                return Err(invalid("startIpAddress"));
            }
            replace(&mut spec.firewall_rules, rule, |rule| &rule.name);
        }
        Kind::Subnet => {
            let subnet_id = text("subnetId")?;
            let rule = NamedSubnet { name, subnet_id };
            replace(&mut spec.virtual_network_rules, rule, |rule| &rule.name);
        }
        Kind::Provider => {
            let id_provider = text("idProvider")?;
            let one = NamedProvider { name, id_provider };
            replace(&mut spec.trusted_id_providers, one, |one| &one.name);
        }
    }
    Ok(())
}

fn replace<T>(list: &mut Vec<T>, new: T, name: impl Fn(&T) -> &String) {
    match list.iter_mut().find(|one| name(one) == name(&new)) {
        Some(present) => *present = new,
        None => list.push(new),
    }
}
