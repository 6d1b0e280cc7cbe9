//! Resource groups: calls and answers ("Resource Groups - REST API"). Pure.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::{ApiVersions, Call, GroupId, Location, Reply, incomplete, operation};
use crate::problem::Problem;

/// A resource group as Azure has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its region.
    pub location: Location,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// Reads a group. One that is not there is a 404 `ResourceGroupNotFound`.
pub fn get(versions: &ApiVersions, group: &GroupId) -> Call {
    Call {
        operation: "GetResourceGroup",
        method: Method::GET,
        path: group.path(),
        query: Vec::new(),
        api_version: versions.resources,
        subscription: group.subscription.clone(),
        what: format!("resource group {:?}", group.group.as_str()),
        body: None,
        action: "Microsoft.Resources/subscriptions/resourceGroups/read",
    }
}

/// Makes a group. For one that exists this replaces its tags, so it is for those that do not.
pub fn put(
    versions: &ApiVersions,
    group: &GroupId,
    location: &Location,
    tags: &BTreeMap<String, String>,
) -> Call {
    Call {
        operation: "PutResourceGroup",
        method: Method::PUT,
        body: Some(json!({ "location": location.as_str(), "tags": tags })),
        action: "Microsoft.Resources/subscriptions/resourceGroups/write",
        ..get(versions, group)
    }
}

/// The group in an answer.
pub fn read(reply: &Reply) -> Result<Group, Problem> {
    group(&reply.body).ok_or_else(|| incomplete("a resource group", "its id and location"))
}

fn group(body: &Value) -> Option<Group> {
    let state = operation::state(body).unwrap_or_default();
    Some(Group {
        id: body.get("id")?.as_str()?.parse().ok()?,
        location: body.get("location")?.as_str()?.parse().ok()?,
        tags: tags(body),
        deleting: state.eq_ignore_ascii_case("Deleting"),
    })
}

/// The tags of a resource.
pub fn tags(body: &Value) -> BTreeMap<String, String> {
    let tags = body.get("tags").and_then(Value::as_object);
    tags.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: Value) -> Reply {
        Reply {
            status: 200,
            body,
            operation: None,
            retry_after: None,
        }
    }

    #[test]
    fn a_group_is_read_and_a_half_told_one_is_not() {
        let id = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg";
        let body = json!({"id": id, "name": "rg", "type": "Microsoft.Resources/resourceGroups",
            "location": "westus2", "tags": {"a": "b"}, "properties": {"provisioningState": "Deleting"}});
        let group = read(&reply(body)).unwrap();
        assert_eq!(
            (group.id.to_string(), group.deleting),
            (id.to_owned(), true)
        );
        assert_eq!(group.tags["a"], "b");
        assert!(read(&reply(json!({"id": id}))).is_err());
        assert!(read(&reply(Value::Null)).is_err());
    }
}
