//! User realm discovery, by which clients learn whether a user's password is Entra's to check.

use serde_json::{Value, json};

use crate::world::World;

/// The document of `/common/userrealm/<user>?api-version=1.0`. A user is managed when a tenant has the domain.
pub(crate) fn document(world: &World, username: &str) -> Value {
    let domain = username.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_known =
        world.home_of(username).is_some() || (!domain.is_empty() && world.tenant(domain).is_some());
    if is_known {
        json!({
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    } else {
        json!({
            "ver": "1.0",
            "account_type": "Unknown",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    }
}
