use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::azure::arm::roles;
use crate::azure_identity::api::{IdentityKind, IdentityRef};
use crate::azure_resource::api::Mode;
use crate::key_vault::api::{Bypass, DefaultAction, KeyVault, Sku, Switch};
use crate::key_vault::desired::{Set, differences};
use crate::key_vault::valid::{desired, parse};
use crate::key_vault::vault::{Cidr, Onoff, Principal, Settings, SkuName, Tags};

const ID: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/Kv-a";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const ALICE: &str = "33333333-3333-3333-3333-33333333333a";
const CUSTOM: &str = "99999999-9999-9999-9999-999999999999";

fn id() -> ResourceId {
    ID.parse().unwrap()
}

fn manifest(id: &ResourceId, vault: &Vault, given: &[Assignment], about: &About) -> Manifest {
    super::manifest(id, vault, given, about, Capabilities::ALL)
}

fn about(mode: Mode) -> About {
    About {
        namespace: "team".to_owned(),
        name: "kv-a".to_owned(),
        identity: IdentityRef {
            kind: IdentityKind::AzureIdentity,
            name: "main".to_owned(),
        },
        mode,
    }
}

fn plain() -> Vault {
    Vault {
        id: ID.to_owned(),
        location: "westeurope".to_owned(),
        tags: Tags::new(),
        tenant: TENANT.to_owned(),
        settings: Settings {
            sku: SkuName(Sku::Standard),
            authorization: Authority(Authorization::RBAC),
            network: Network::default(),
            public_access: Onoff(Switch::Enabled),
            for_deployment: false,
            for_disk_encryption: false,
            for_template_deployment: false,
        },
        policies: Policies::new(),
        retention: Some(90),
        purge_protection: false,
        uri: None,
        state: None,
    }
}

fn given(role: &str, principal_type: Option<&str>) -> Assignment {
    Assignment {
        name: Uuid::nil(),
        scope: ID.to_lowercase(),
        role: roles::built_in(role).unwrap_or_else(|| role.parse().unwrap()),
        principal: ALICE.to_owned(),
        principal_type: principal_type.map(str::to_owned),
        created: None,
    }
}

/// The fields in which the vault is not as its own manifest says.
fn left(vault: &Vault, about: &About, cloud: Capabilities) -> Vec<String> {
    let manifest = super::manifest(&id(), vault, &[], about, cloud);
    let object: KeyVault = serde_json::from_value(manifest.object).unwrap();
    let valid = parse(&object).unwrap();
    let wanted = desired(&object.spec, &valid, None, cloud).unwrap();
    let found = differences(&wanted, vault, &Set::default(), "c/team/kv-a/u");
    assert_eq!(valid.id, id());
    found.into_iter().map(|one| one.path).collect()
}

#[test]
fn everything_that_a_vault_has_is_said() {
    let manifest = manifest(&id(), &plain(), &[], &about(Mode::Observe));
    let expected = json!({
        "apiVersion": "lakevault.dev/v1alpha1",
        "kind": "KeyVault",
        "metadata": {"name": "kv-a", "namespace": "team"},
        "spec": {
            "identityRef": {"kind": "AzureIdentity", "name": "main"},
            "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": {"name": "Rg"},
            "location": "westeurope",
            "mode": "Observe",
            "azureName": "Kv-a",
            "deletionPolicy": "Retain",
            "tenantId": TENANT,
            "sku": "Standard",
            "authorization": "RBAC",
            "softDeleteRetentionDays": 90,
            "purgeProtection": false,
            "networkRules": {"defaultAction": "Allow", "bypass": "AzureServices"},
            "publicNetworkAccess": "Enabled",
            "enabledForDeployment": false,
            "enabledForDiskEncryption": false,
            "enabledForTemplateDeployment": false,
        }
    });
    assert_eq!(manifest.object, expected);
    assert_eq!(manifest.notes, [""; 0]);
}

#[test]
fn a_manifest_that_manages_takes_the_vault_over_and_never_deletes_it() {
    let manifest = manifest(&id(), &plain(), &[], &about(Mode::Manage));
    let spec = &manifest.object["spec"];
    let said = ["mode", "adopt", "deletionPolicy"].map(|field| spec[field].clone());
    assert_eq!(said, ["Manage", "Always", "Retain"].map(Value::from));
}

#[test]
fn the_tag_of_an_owner_is_told_and_not_repeated() {
    let mut vault = plain();
    vault
        .tags
        .insert("Lakevault-Owner".to_owned(), "c/n/o/u".to_owned());
    vault.tags.insert("team".to_owned(), "a".to_owned());
    let manifest = manifest(&id(), &vault, &[], &about(Mode::Observe));
    assert_eq!(manifest.object["spec"]["tags"], json!({"team": "a"}));
    assert!(manifest.notes[0].contains("c/n/o/u"), "{manifest:?}");
}

#[test]
fn roles_on_the_vault_itself_are_said_by_name_where_they_have_one() {
    let above = Assignment {
        scope: "/subscriptions/44444444-4444-4444-4444-444444444444".to_owned(),
        ..given("Owner", None)
    };
    let all = [
        above,
        given("Key Vault Secrets User", Some("Group")),
        given(CUSTOM, None),
        given(CUSTOM, None),
        given("Reader", Some("ForeignGroup")),
    ];
    let manifest = manifest(&id(), &plain(), &all, &about(Mode::Observe));
    let expected = json!([
        {"principalId": ALICE, "principalType": "Group", "role": "Key Vault Secrets User"},
        {"principalId": ALICE, "role": CUSTOM},
    ]);
    assert_eq!(manifest.object["spec"]["roleAssignments"], expected);
    assert!(manifest.notes[0].contains("ForeignGroup"), "{manifest:?}");
}

#[test]
fn what_cannot_be_said_is_told_and_makes_no_difference() {
    let mut vault = plain();
    vault.settings.authorization = Authority(Authorization::AccessPolicies);
    let storage = Permissions {
        storage: BTreeSet::from(["get".to_owned()]),
        ..Permissions::default()
    };
    let who = Principal {
        object: ALICE.to_owned(),
        application: None,
    };
    vault.policies.insert(who, storage);
    for number in 0..60 {
        vault.tags.insert(format!("t{number:02}"), "x".to_owned());
    }
    let notes = manifest(&id(), &vault, &[], &about(Mode::Observe)).notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert_eq!(
        left(&vault, &about(Mode::Observe), Capabilities::ALL),
        ["tags.lakevault-owner"]
    );
    // Policies that do not count are no policies of the spec, which may not say them.
    vault.settings.authorization = Authority(Authorization::RBAC);
    let manifest = manifest(&id(), &vault, &[], &about(Mode::Observe));
    assert!(manifest.object["spec"].get("accessPolicies").is_none());
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set(prop::sample::select(of), 0..3)
        .prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

fn guid() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string())
}

fn permissions() -> impl Strategy<Value = Permissions> {
    let all = (
        words(&["get", "list", "set", "all"]),
        words(&["sign", "wrapkey"]),
        words(&["get", "import"]),
        words(&["get"]),
    );
    all.prop_map(|(secrets, keys, certificates, storage)| Permissions {
        secrets,
        keys,
        certificates,
        storage,
    })
}

fn policy() -> impl Strategy<Value = (Principal, Permissions)> {
    let who = (guid(), prop::option::of(guid()));
    let who = who.prop_map(|(object, application)| Principal {
        object,
        application,
    });
    (who, permissions())
}

fn rules() -> impl Strategy<Value = Network> {
    let range = (any::<u32>(), 0..=32_u8).prop_map(|(address, bits)| {
        Cidr::parse(&format!("{}/{bits}", std::net::Ipv4Addr::from(address))).unwrap()
    });
    let subnet = ("[a-z0-9]{1,8}", any::<bool>()).prop_map(|(name, ignore)| {
        let id = format!("/subscriptions/44444444-4444-4444-4444-444444444444/resourcegroups/rg/providers/microsoft.network/virtualnetworks/v/subnets/{name}");
        (id, ignore)
    });
    let all = (
        prop::sample::select(vec![DefaultAction::Allow, DefaultAction::Deny]),
        prop::sample::select(vec![Bypass::AzureServices, Bypass::None]),
        prop::collection::btree_set(range, 0..4),
        prop::collection::vec(subnet, 0..3),
    );
    all.prop_map(|(default, bypass, addresses, subnets)| Network {
        default,
        bypass,
        addresses,
        subnets: subnets.into_iter().collect::<BTreeMap<_, _>>(),
    })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let all = (
        prop::sample::select(vec![Sku::Standard, Sku::Premium]),
        prop::sample::select(vec![Authorization::RBAC, Authorization::AccessPolicies]),
        rules(),
        prop::sample::select(vec![Switch::Enabled, Switch::Disabled]),
        any::<[bool; 3]>(),
    );
    all.prop_map(|(sku, authorization, network, public, switches)| {
        let [for_deployment, for_disk_encryption, for_template_deployment] = switches;
        Settings {
            sku: SkuName(sku),
            authorization: Authority(authorization),
            network,
            public_access: Onoff(public),
            for_deployment,
            for_disk_encryption,
            for_template_deployment,
        }
    })
}

fn vault() -> impl Strategy<Value = Vault> {
    let tags = prop::collection::vec(("[A-Za-z][A-Za-z0-9 :_.-]{0,9}", ".{0,20}"), 0..4);
    let all = (
        any_settings(),
        prop::collection::vec(policy(), 0..4),
        tags,
        prop::option::of(7..=90_u16),
        any::<bool>(),
    );
    all.prop_map(|(settings, policies, tags, retention, protected)| {
        // Names of tags have no case.
        let mut named = BTreeMap::new();
        for (name, value) in tags {
            named.insert(name.to_ascii_lowercase(), (name, value));
        }
        Vault {
            settings,
            policies: policies.into_iter().collect(),
            tags: named.into_values().collect(),
            retention,
            purge_protection: protected,
            ..plain()
        }
    })
}

proptest! {
    #[test]
    fn a_vault_is_as_its_own_manifest_says(vault in vault(), manages in any::<bool>()) {
        let mode = if manages { Mode::Manage } else { Mode::Observe };
        prop_assert_eq!(left(&vault, &about(mode), Capabilities::ALL), ["tags.lakevault-owner"]);
    }

    #[test]
    fn so_is_one_of_azure_stack(vault in vault()) {
        let cloud = Capabilities { rbac: false, soft_delete: false, network: false, premium: false };
        // What its version does not tell is as it is where nothing is said.
        let settings = Settings {
            sku: SkuName(Sku::Standard),
            authorization: Authority(Authorization::AccessPolicies),
            network: Network::default(),
            public_access: Onoff(Switch::Enabled),
            ..vault.settings.clone()
        };
        let vault = Vault { settings, retention: None, purge_protection: false, ..vault };
        prop_assert_eq!(left(&vault, &about(Mode::Observe), cloud), ["tags.lakevault-owner"]);
    }

    #[test]
    fn what_is_written_is_read_back(vault in vault()) {
        let manifest = manifest(&id(), &vault, &[], &about(Mode::Observe));
        let yaml = crate::cli::imported(&manifest).unwrap();
        let read: Value = serde_saphyr::from_str(&yaml).unwrap();
        prop_assert_eq!(read, manifest.object);
    }
}
