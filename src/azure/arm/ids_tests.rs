use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const SUBSCRIPTION: &str = "44444444-4444-4444-4444-44444444AAAA";

fn vault() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/Team_(1).a/providers/Microsoft.KeyVault/vaults/kv-A"
    )
}

#[test]
fn a_resource_id_gives_its_parts_as_they_were_written() {
    let id: ResourceId = vault().parse().unwrap();
    assert_eq!(id.to_string(), vault());
    assert_eq!(
        id.subscription().as_str(),
        SUBSCRIPTION.to_ascii_lowercase()
    );
    assert_eq!(id.group().group.as_str(), "Team_(1).a");
    assert_eq!((id.namespace(), id.name()), ("Microsoft.KeyVault", "kv-A"));
    assert!(id.is_a("microsoft.keyvault/VAULTS"));
    let subnet = vault().replace(
        "Microsoft.KeyVault/vaults/kv-A",
        "Microsoft.Network/virtualNetworks/v/subnets/s",
    );
    let subnet: ResourceId = subnet.parse().unwrap();
    assert_eq!(subnet.kind(), "Microsoft.Network/virtualNetworks/subnets");
    assert_eq!(subnet.name(), "s");
}

#[test]
fn ids_are_compared_without_case() {
    let [first, second]: [ResourceId; 2] =
        [vault(), vault().to_ascii_uppercase()].map(|text| text.parse().unwrap());
    assert_eq!(first, second);
    assert_eq!(first.cmp(&second), Ordering::Equal);
    assert_eq!(BTreeSet::from([first.clone(), second.clone()]).len(), 1);
    assert_eq!(
        std::collections::HashSet::from([first.clone(), second]).len(),
        1
    );
    let other: ResourceId = vault().replace("kv-A", "kv-b").parse().unwrap();
    assert!(first < other);
}

#[test]
fn what_would_leave_its_path_is_no_id() {
    for name in [
        "",
        ".",
        "..",
        "...",
        "a/../b",
        "a%2F..%2Fb",
        "a b",
        "a?x=1",
        "a#b",
        "a\\b",
        "ä",
        "a;b",
        "a@b",
        "a\n",
        "a/b",
    ] {
        let text = vault().replace("kv-A", name);
        assert!(text.parse::<ResourceId>().is_err(), "{text:?} was accepted");
    }
    for text in [
        vault().replace("Team_(1).a", ".."),
        vault().replace("Team_(1).a", "a."),
        vault().replace("Microsoft.KeyVault", "Microsoft..KeyVault"),
        vault().replace("Microsoft.KeyVault", ".."),
        vault().replace("vaults", ".."),
        vault().replace("/providers/", "/../"),
        vault().replace(SUBSCRIPTION, ".."),
        vault().replace(SUBSCRIPTION, "{44444444-4444-4444-4444-444444444444}"),
        vault().replacen('/', "", 1),
        format!("https://management.azure.com{}", vault()),
        format!("/{}", vault()),
        format!("{}/", vault()),
        "/providers/Microsoft.KeyVault/vaults/kv".to_owned(),
    ] {
        assert!(text.parse::<ResourceId>().is_err(), "{text:?} was accepted");
    }
}

#[test]
fn a_name_stays_in_its_place() {
    let group = vault().parse::<ResourceId>().unwrap().group().clone();
    let made = |name: &str| group.resource("Microsoft.KeyVault", "vaults", name);
    assert_eq!(made("kv-A").unwrap(), vault().parse().unwrap());
    for bad in ["a/b/c", "a/secrets/b", "..", "a/../../vaults/b", ""] {
        assert!(made(bad).is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn groups_and_subscriptions_are_checked() {
    assert_eq!(
        SUBSCRIPTION.parse::<SubscriptionId>().unwrap().as_str(),
        SUBSCRIPTION.to_ascii_lowercase()
    );
    for bad in ["", "..", "44444444444444444444444444444444", "default"] {
        assert!(bad.parse::<SubscriptionId>().is_err(), "{bad:?}");
    }
    assert_eq!(
        "RG-a".parse::<GroupName>().unwrap(),
        "rg-A".parse::<GroupName>().unwrap()
    );
    for bad in ["", "a.", "..", "a/b", "a%2f", "a b", &"x".repeat(91)] {
        assert!(bad.parse::<GroupName>().is_err(), "{bad:?}");
    }
    for bad in ["", "a/b", "..", "west\neurope", "   "] {
        assert!(bad.parse::<Location>().is_err(), "{bad:?}");
    }
    let region = |text: &str| text.parse::<Location>().unwrap();
    assert_eq!(region("West Europe"), region("westeurope"));
    assert_eq!(region("West Europe").as_str(), "westeurope");
}

#[test]
fn a_scope_holds_what_lies_in_it_and_no_neighbour() {
    let scope = |text: String| text.parse::<Scope>().unwrap();
    let subscription = scope(format!("/subscriptions/{SUBSCRIPTION}"));
    let group = scope(format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/team_(1).A"
    ));
    let vault = scope(vault());
    assert!(subscription.holds(&group) && subscription.holds(&vault) && group.holds(&group));
    assert!(group.holds(&vault) && !vault.holds(&group));
    let neighbour = scope(format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/team_(1).AB"
    ));
    assert!(!group.holds(&neighbour));
    for bad in [
        "",
        "/",
        "/subscriptions",
        "/subscriptions/..",
        "/providers/x",
    ] {
        assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
    }
}

proptest! {
    /// Whatever is parsed lies, as a URL, under the very path that it says, on the very host.
    #[test]
    fn nothing_that_is_parsed_changes_a_url(tail in "[ -~ä]{0,30}", name in "[a-zA-Z0-9._()/%-]{0,20}") {
        for text in [vault() + &tail, vault().replace("kv-A", &name), vault().replace("Team_(1).a", &name)] {
            if let Ok(id) = text.parse::<ResourceId>() {
                let url = url::Url::parse(&format!("https://management.azure.com{}", id.path())).unwrap();
                prop_assert_eq!(url.path(), text.as_str());
                prop_assert_eq!(url.query(), None);
            }
        }
    }
}
