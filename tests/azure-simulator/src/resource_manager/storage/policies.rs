//! Lifecycle rules of an account (<https://learn.microsoft.com/rest/api/storagerp/management-policies>).

use std::{collections::HashSet, sync::Arc};

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{find, find_made, invalid_values};
use crate::{
    resource_manager::context::Context,
    wire::reply::Reply,
    world::{failure::Failure, storage_account::StorageAccount, storage_spec::StorageAccountSpec},
};

const MAX_RULES: usize = 100;
const BLOB_TYPES: [&str; 2] = ["blockBlob", "appendBlob"];

fn document(account: &StorageAccount, rules: &Value) -> Value {
    json!({
        "id": format!("{}/managementPolicies/default", account.spec.id()),
        "name": "DefaultManagementPolicy",
        "type": "Microsoft.Storage/storageAccounts/managementPolicies",
        "properties": {
            "lastModifiedTime": account.policy_written.timestamp().to_string(),
            "policy": rules,
        },
    })
}

pub(super) fn one(
    context: &Context<'_>,
    group: &str,
    name: &str,
    policy: &str,
) -> Result<Reply, Failure> {
    if !policy.eq_ignore_ascii_case("default") {
        return Err(invalid_values("managementPolicyName"));
    }
    match context.call.method {
        Method::PUT => put(context, group, name),
        Method::DELETE => delete(context, group, name),
        _ => get(context, group, name),
    }
}

fn get(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let account = find(context, &world, group, name)?;
    match &account.spec.management_policy {
        Some(rules) => Ok(Reply::json(StatusCode::OK, &document(account, rules))),
        None => Err(Failure::new(
            404,
            "ManagementPolicyNotFound",
            format!("No ManagementPolicy found for account {name}"),
        )),
    }
}

#[derive(Deserialize)]
struct Body {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    policy: Value,
}

fn put(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let Body { properties } = context.body()?;
    let policy = checked(&properties.policy)?;
    let mut world = context.app.world.write();
    find_made(context, &world, group, name)?;
    let account = keep(&mut world, name, Some(policy.clone()))
        .ok_or_else(|| Failure::no_resource(super::KIND, name, group))?;
    account.policy_written = context.now;
    Ok(Reply::json(StatusCode::OK, &document(account, &policy)))
}

fn delete(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let account = find_made(context, &world, group, name)?;
    if account.spec.management_policy.is_none() {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    keep(&mut world, name, None);
    Ok(Reply::empty(StatusCode::OK))
}

fn keep<'a>(
    world: &'a mut crate::world::World,
    name: &str,
    policy: Option<Value>,
) -> Option<&'a mut StorageAccount> {
    let account = world.storage_account_mut(name)?;
    let mut spec = StorageAccountSpec::clone(&account.spec);
    spec.management_policy = policy;
    account.spec = Arc::new(spec);
    Some(account)
}

/// The policy, with what its rules leave out.
fn checked(policy: &Value) -> Result<Value, Failure> {
    let mut policy = policy.clone();
    let field = "policy.rules";
    let rules = policy["rules"].as_array_mut();
    let rules = rules.ok_or_else(|| invalid_values(field))?;
    if rules.is_empty() || rules.len() > MAX_RULES {
        return Err(invalid_values(field));
    }
    let mut names = HashSet::new();
    for rule in rules {
        let name = rule["name"].as_str().unwrap_or_default().to_owned();
        let fits = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fits || !names.insert(name) {
            return Err(invalid_values("policy.rules[*].name"));
        }
        check_rule(rule)?;
        if let Some(fields) = rule.as_object_mut() {
            fields.entry("enabled").or_insert(json!(true));
        }
    }
    Ok(policy)
}

fn check_rule(rule: &Value) -> Result<(), Failure> {
    if rule["type"].as_str() != Some("Lifecycle") {
        return Err(invalid_values("policy.rules[*].type"));
    }
    let definition = &rule["definition"];
    let actions = definition["actions"].as_object();
    if actions.is_none_or(serde_json::Map::is_empty) {
        return Err(invalid_values("policy.rules[*].definition.actions"));
    }
    let filters = &definition["filters"];
    if filters.is_null() {
        return Ok(());
    }
    let types = filters["blobTypes"].as_array();
    let known = |one: &Value| one.as_str().is_some_and(|one| BLOB_TYPES.contains(&one));
    if !types.is_some_and(|types| !types.is_empty() && types.iter().all(known)) {
        return Err(invalid_values(
            "policy.rules[*].definition.filters.blobTypes",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> Value {
        json!({"name": name, "type": "Lifecycle", "definition": {
            "filters": {"blobTypes": ["blockBlob"]},
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 9}}}}})
    }

    #[test]
    fn rules_are_enabled_and_have_names_of_their_own() {
        let policy = |rules: Value| checked(&json!({"rules": rules}));
        let good = policy(json!([rule("a"), rule("b-1")])).unwrap();
        assert_eq!(good["rules"][0]["enabled"], true);
        assert!(policy(json!([rule("a"), rule("a")])).is_err());
        assert!(policy(json!([rule("a b")])).is_err());
        assert!(policy(json!([])).is_err());
        let many: Vec<Value> = (0..101).map(|n| rule(&format!("r{n}"))).collect();
        assert!(policy(json!(many)).is_err());
    }
}
