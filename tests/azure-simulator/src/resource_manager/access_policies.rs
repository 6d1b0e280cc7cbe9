//! Changes of a vault's access policies one by one
//! (<https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy>).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    context::Context,
    policy_body::{self, PolicyBody},
    vault_document,
    vaults::{find, keep},
};
use crate::{
    wire::reply::Reply,
    world::{
        failure::Failure,
        spec::{AccessPolicy, VaultSpec},
    },
};

#[derive(Deserialize)]
struct PoliciesBody {
    properties: PoliciesProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PoliciesProperties {
    access_policies: Vec<PolicyBody>,
}

/// Adds permissions, replaces those of the named principals, or removes them.
pub(super) fn update(
    context: &Context<'_>,
    group: &str,
    name: &str,
    kind: &str,
) -> Result<Reply, Failure> {
    let body: PoliciesBody = context.body()?;
    let given = policy_body::read(body.properties.access_policies)?;
    let mut world = context.app.world.write();
    let mut spec = VaultSpec::clone(&find(context, &world, group, name)?.spec);
    let change: fn(&mut AccessPolicy, &AccessPolicy) = match kind.to_ascii_lowercase().as_str() {
        "add" => AccessPolicy::add,
        "replace" => AccessPolicy::replace,
        "remove" => AccessPolicy::remove,
        _ => {
            return Err(Failure::bad_request(format!(
                "An invalid operation kind was provided: '{kind}'. It is one of add, replace, remove."
            )));
        }
    };
    for policy in &given {
        let same = |one: &&mut AccessPolicy| one.is_of(policy);
        match spec.access_policies.iter_mut().find(same) {
            Some(present) => change(present, policy),
            None if kind.eq_ignore_ascii_case("remove") => {}
            None => spec.access_policies.push(policy.clone()),
        }
    }
    spec.access_policies.retain(|policy| !policy.is_empty());
    let shown = json!({
        "id": format!("{}/accessPolicies/", spec.id()),
        "type": "Microsoft.KeyVault/vaults/accessPolicies",
        "properties": {"accessPolicies": vault_document::policies(&spec)},
    });
    keep(context, &mut world, spec, false)?;
    Ok(Reply::json(StatusCode::OK, &shown))
}
