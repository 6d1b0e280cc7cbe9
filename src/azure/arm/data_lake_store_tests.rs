use std::fs;

use super::*;
use crate::azure::arm::storage::tests::{reply, versions};
use crate::azure::fixtures::shared;
use crate::azure_resource::values::Cidr;
use crate::problem::Reason;

const ACCOUNT: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.DataLakeStore/accounts/storea";

fn id() -> ResourceId {
    ACCOUNT.parse().unwrap()
}

/// As it was once recorded.
fn plain() -> Value {
    json!({
        "id": ACCOUNT, "name": "storea", "location": "East US 2", "tags": null,
        "properties": {
            "firewallState": "Disabled", "firewallRules": [], "trustedIdProviderState": "Disabled", "trustedIdProviders": [],
            "encryptionConfig": {}, "provisioningState": "Succeeded", "state": "Active",
            "endpoint": "storea.azuredatalakestore.net",
        },
    })
}

fn wanted() -> StoreAccount {
    let range = Range::from(Cidr::parse("203.0.113.0/24").unwrap());
    StoreAccount {
        firewall: Firewall {
            on: true,
            azure: true,
            ranges: [(range.rule(), range)].into(),
            subnets: [("pods".to_owned(), "/subnets/a".to_owned())].into(),
        },
        encryption: StoreEncryption::Customer(StoreKey {
            vault: "/vaults/kv-a".to_owned(),
            name: "lake".to_owned(),
            version: "1".to_owned(),
        }),
        ..read(&reply(plain())).unwrap()
    }
}

#[test]
fn an_account_of_old_days_is_read() {
    let plain = read(&reply(plain())).unwrap();
    assert_eq!(plain.firewall, Firewall::default());
    assert_eq!(plain.encryption, StoreEncryption::Off);
    assert_eq!(plain.location, "eastus2");
    assert_eq!(
        plain.endpoint.as_deref(),
        Some("storea.azuredatalakestore.net")
    );
    assert!(plain.is_at_rest());
}

#[test]
fn what_was_made_is_read_as_it_was_said() {
    let mut body = put(versions(), &id(), &wanted()).body.unwrap();
    assert_eq!(body["identity"]["type"], "SystemAssigned");
    body["id"] = json!(ACCOUNT);
    let made = read(&reply(body)).unwrap();
    assert_eq!(
        (made.firewall, made.encryption),
        (wanted().firewall, wanted().encryption)
    );
}

#[test]
fn what_is_not_understood_is_no_account() {
    let mut odd = plain();
    odd["properties"]["firewallRules"] = json!([{ "name": "a" }]);
    assert_eq!(
        read(&reply(odd)).unwrap_err().reason,
        Reason::MalformedAnswer
    );
    let mut keyless = plain();
    keyless["properties"]["encryptionConfig"] = json!({ "type": "UserManaged" });
    assert!(read(&reply(keyless)).is_err());
}

#[test]
fn a_change_says_what_differs_and_nothing_else() {
    let patched = |path: &str| {
        let one = [Difference::new(path, "a", "b")];
        patch(versions(), &id(), &wanted(), &one).body.unwrap()
    };
    assert_eq!(patched("tags.team"), json!({ "tags": {} }));
    assert_eq!(
        patched("networkRules.defaultAction"),
        json!({ "properties": { "firewallState": "Enabled", "firewallAllowAzureIps": "Enabled" } })
    );
    assert_eq!(
        patched("encryption"),
        json!({ "properties": { "encryptionConfig": { "keyVaultMetaInfo": { "encryptionKeyVersion": "1" } } } })
    );
}

#[test]
fn calls_are_those_of_the_reference() {
    let range = Range::from(Cidr::parse("10.0.0.1").unwrap());
    let at = &"East US 2".parse().unwrap();
    let subscription = "/subscriptions/44444444-4444-4444-4444-444444444444";
    for (call, method, path) in [
        (get(versions(), &id()), Method::GET, ACCOUNT.to_owned()),
        (
            delete(versions(), &id()),
            Method::DELETE,
            ACCOUNT.to_owned(),
        ),
        (
            put_range(versions(), &id(), "a", range).unwrap(),
            Method::PUT,
            format!("{ACCOUNT}/firewallRules/a"),
        ),
        (
            delete_range(versions(), &id(), "a").unwrap(),
            Method::DELETE,
            format!("{ACCOUNT}/firewallRules/a"),
        ),
        (
            put_subnet(versions(), &id(), "a", "/subnets/a").unwrap(),
            Method::PUT,
            format!("{ACCOUNT}/virtualNetworkRules/a"),
        ),
        (
            delete_subnet(versions(), &id(), "a").unwrap(),
            Method::DELETE,
            format!("{ACCOUNT}/virtualNetworkRules/a"),
        ),
        (
            enable_key_vault(versions(), &id()),
            Method::POST,
            format!("{ACCOUNT}/enableKeyVault"),
        ),
        (
            check_name(versions(), &id(), at),
            Method::POST,
            format!(
                "{subscription}/providers/Microsoft.DataLakeStore/locations/eastus2/checkNameAvailability"
            ),
        ),
    ] {
        assert_eq!((call.method, call.path), (method, path));
        assert_eq!(call.api_version, "2016-11-01");
    }
}

#[test]
fn a_rule_that_would_leave_its_path_is_refused() {
    for bad in ["a/../b", "", "a/b", "a/b/c", "a?b"] {
        assert!(delete_range(versions(), &id(), bad).is_err(), "{bad:?}");
    }
}

#[test]
fn accounts_in_the_examples_of_azures_specification_are_read() {
    let path = "azure/specs/specification/datalake-store/resource-manager/Microsoft.DataLakeStore/stable/2016-11-01/examples";
    let Some(folder) = shared(path) else { return };
    for name in ["Accounts_Get", "Accounts_Create", "Accounts_Update"] {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let read = read(&reply(whole["responses"]["200"]["body"].clone())).unwrap();
        assert!(read.firewall.on && read.firewall.azure, "{name}");
        assert_eq!(
            read.firewall.ranges["test_rule"].to_string(),
            "1.1.1.1-2.2.2.2"
        );
        assert!(
            matches!(read.encryption, StoreEncryption::Customer(_)),
            "{name}"
        );
    }
}
