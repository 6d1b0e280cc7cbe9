use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::azure::arm::roles;
use crate::azure::lake::access::Access;
use crate::azure::lake::{Acl, Owner, Properties};
use crate::azure_identity::api::{IdentityKind, IdentityRef};
use crate::azure_resource::api::{DefaultAction, Mode};
use crate::data_lake_account::account::{
    Identities, Network, ResourceRule, Settings, StorageAccount,
};
use crate::data_lake_account::api::{Bypass, DataLakeAccount};
use crate::data_lake_account::desired::{
    differences, lifecycle_differences, soft_delete_differences,
};
use crate::data_lake_account::lake::access::{Told, Verdict, compare};
use crate::data_lake_account::plan::fixtures::versions;
use crate::data_lake_account::valid::{desired, parse};

const ID: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/Rg/providers/Microsoft.Storage/storageAccounts/lakea";
const SUBNET: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourcegroups/rg/providers/microsoft.network/virtualnetworks/vnet/subnets/pods";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const ADA: &str = "33333333-3333-3333-3333-333333333333";
const KEEPER: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/lake";

fn about() -> About {
    About {
        namespace: "team".to_owned(),
        name: "lakea".to_owned(),
        identity: IdentityRef {
            kind: IdentityKind::AzureIdentity,
            name: "main".to_owned(),
        },
        mode: Mode::Manage,
    }
}

/// What is there, owned.
#[derive(Clone)]
struct There {
    account: StorageAccount,
    soft_delete: SoftDelete,
    lifecycle: Lifecycle,
    filesystems: Vec<Filesystem>,
}

fn plain() -> There {
    There {
        account: StorageAccount {
            id: ID.to_owned(),
            location: "westeurope".to_owned(),
            tags: BTreeMap::new(),
            kind: Word::new("StorageV2"),
            hierarchical: true,
            nfs_v3: false,
            settings: Settings::new(Word::new("Standard_LRS")),
            identities: Identities::default(),
            endpoints: BTreeMap::new(),
            keys_made: BTreeMap::new(),
            state: Some("Succeeded".to_owned()),
            migrating: false,
        },
        soft_delete: SoftDelete::default(),
        lifecycle: Lifecycle::new(),
        filesystems: Vec::new(),
    }
}

fn access(owner: &str, permissions: &str, acl: &str) -> Access {
    Access {
        etag: None,
        owner: Owner::told(owner),
        group: Owner::told("$superuser"),
        permissions: permissions.parse().unwrap(),
        acl: Acl::told(acl).unwrap(),
        told: acl.to_owned(),
    }
}

/// Something of everything.
fn rich() -> There {
    let mut there = plain();
    let settings = &mut there.account.settings;
    settings.sku = Word::new("Standard_ZRS");
    settings.access_tier = Some(Word::new("Cool"));
    settings.shared_keys = true;
    settings.sftp = true;
    settings.network = Network {
        default: DefaultAction::Deny,
        bypass: BTreeSet::from([Bypass::Metrics]),
        addresses: ["203.0.113.7", "198.51.100.0/24"]
            .map(|text| Cidr::parse(text).unwrap())
            .into(),
        subnets: BTreeSet::from([SUBNET.to_owned()]),
        resources: BTreeSet::from([ResourceRule {
            tenant: TENANT.to_owned(),
            id: "/subscriptions/s/*".to_owned(),
        }]),
    };
    settings.encryption = Encryption::Customer(CustomerKey::new(
        "https://kv-a.vault.azure.net/",
        "lake",
        None,
        Some(KEEPER),
    ));
    there.account.identities.assigned.insert(KEEPER.to_owned());
    there.account.tags = BTreeMap::from([("team".to_owned(), "payments".to_owned())]);
    there.soft_delete.blob_days = Some(7);
    let rule = LifecycleRule {
        prefixes: BTreeSet::from(["raw/logs/".to_owned()]),
        cool: Some(30),
        delete: Some(365),
        ..LifecycleRule::default()
    };
    there.lifecycle.insert("old-logs".to_owned(), rule);
    let named = format!("user::rwx,user:{ADA}:r-x,group::r-x,mask::r-x,other::---");
    let handed = format!("{named},default:user::rwx,default:group::r-x,default:other::---");
    let properties = BTreeMap::from([("team".to_owned(), "Zürich".to_owned())]);
    there.filesystems.push(Filesystem {
        name: "raw".parse().unwrap(),
        properties: Properties::new(properties).unwrap(),
        scope: Some("$account-encryption-key".to_owned()),
        root: access("$superuser", "rwxr-x---", "user::rwx,group::r-x,other::---"),
        directories: vec![
            (
                "inbox".parse().unwrap(),
                access(ADA, "rwxrwx--T", "user::rwx,group::rwx,other::---"),
            ),
            ("sales".parse().unwrap(), access(ADA, "rwxr-x---", &handed)),
        ],
    });
    there
}

fn imported(there: &There) -> Manifest {
    let live = Live {
        id: &ID.parse().unwrap(),
        account: &there.account,
        soft_delete: there.soft_delete,
        lifecycle: &there.lifecycle,
        given: &[],
        filesystems: &there.filesystems,
    };
    manifest(&live, &about(), Vec::new())
}

/// Where what is there is not as its own manifest says.
fn left(there: &There) -> Vec<String> {
    let object: DataLakeAccount = serde_json::from_value(imported(there).object).unwrap();
    let valid = parse(&object).unwrap();
    assert_eq!(valid.id.to_string().to_lowercase(), ID.to_lowercase());
    let wanted = desired(&object.spec, &valid, versions()).unwrap();
    let wanted = wanted.services().unwrap();
    let mut found = differences(wanted, &there.account, (&[], "c/team/lakea/u"), None);
    found.extend(soft_delete_differences(
        wanted.soft_delete,
        there.soft_delete,
    ));
    if let Some(wanted) = &wanted.lifecycle {
        found.extend(lifecycle_differences(wanted, &there.lifecycle));
    }
    let mut found: Vec<String> = found.into_iter().map(|one| one.path).collect();
    for filesystem in &there.filesystems {
        let wanted = &valid.lake.filesystems[&filesystem.name];
        let root = ("/".parse().unwrap(), filesystem.root.clone());
        for (path, told) in filesystem.directories.iter().chain([&root]) {
            let told = Told {
                owner: Some(told.owner.clone()),
                group: Some(told.group.clone()),
                permissions: Some(told.permissions),
                acl: Some(told.acl.clone()),
            };
            let verdict = compare(&wanted.nodes[path].access, &told);
            if verdict != Ok(Verdict::Fits) {
                found.push(path.to_string());
            }
        }
    }
    found
}

#[test]
fn everything_that_an_account_has_is_said() {
    let named = format!("user:{ADA}:r-x");
    let filesystems = json!([{
        "name": "raw", "properties": {"team": "Zürich"},
        "root": {
            "owner": "$superuser", "group": "$superuser",
            "acl": ["user::rwx", "group::r-x", "other::---"],
        },
        "directories": [
            {"path": "inbox", "owner": ADA, "group": "$superuser", "permissions": "rwxrwx--T"},
            {"path": "sales", "owner": ADA, "group": "$superuser", "acl": [
                "user::rwx", named, "group::r-x", "mask::r-x", "other::---",
                "default:user::rwx", "default:group::r-x", "default:other::---",
            ]},
        ],
    }]);
    let expected = json!({
        "apiVersion": "lakevault.dev/v1alpha1",
        "kind": "DataLakeAccount",
        "metadata": {"name": "lakea", "namespace": "team"},
        "spec": {
            "identityRef": {"kind": "AzureIdentity", "name": "main"},
            "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": {"name": "Rg"},
            "location": "westeurope",
            "tags": {"team": "payments"},
            "mode": "Manage", "adopt": "Always", "deletionPolicy": "Retain",
            "azureName": "lakea",
            "sku": "Standard_ZRS", "accessTier": "Cool", "minimumTlsVersion": "TLS1_2",
            "sharedKeyAccess": true, "blobPublicAccess": false, "sftp": true, "nfsV3": false,
            "publicNetworkAccess": "Enabled",
            "networkRules": {
                "defaultAction": "Deny", "bypass": ["Metrics"],
                "ipRules": ["198.51.100.0/24", "203.0.113.7"],
                "subnets": [SUBNET],
                "resources": [{"tenantId": TENANT, "resourceId": "/subscriptions/s/*"}],
            },
            "softDelete": {"blobDays": 7, "containerDays": 0},
            "lifecycleRules": [{
                "name": "old-logs", "prefixes": ["raw/logs/"],
                "tierToCoolAfterDays": 30, "deleteAfterDays": 365,
            }],
            "encryption": {
                "key": {"vaultUri": "https://kv-a.vault.azure.net", "name": "lake"},
                "userAssignedIdentity": KEEPER,
            },
            "filesystems": filesystems,
        }
    });
    let manifest = imported(&rich());
    assert_eq!(manifest.object, expected);
    assert_eq!(manifest.notes, [""; 0]);
}

#[test]
fn an_imported_account_differs_in_nothing_but_its_owner() {
    let mut premium = rich();
    premium.account.settings.sku = Word::new("Premium_LRS");
    premium.account.settings.access_tier = None;
    let mut allowed = plain();
    allowed.account.nfs_v3 = true;
    for there in [plain(), rich(), premium, allowed] {
        assert_eq!(left(&there), ["tags.lakevault-owner"]);
    }
}

#[test]
fn what_no_spec_says_is_left_out_and_told() {
    type Change = fn(&mut There);
    let rows: [(&str, &str, Change); 8] = [
        ("sku", "StandardV2_LRS", |there| {
            there.account.settings.sku = Word::new("StandardV2_LRS");
        }),
        ("lifecycleRules", "version", |there| {
            let rule = there.lifecycle.get_mut("old-logs").unwrap();
            rule.beyond.insert("version.delete".to_owned());
        }),
        ("lifecycleRules", "does nothing", |there| {
            let nothing = LifecycleRule::default();
            there.lifecycle.insert("nothing".to_owned(), nothing);
        }),
        ("encryption", "own identity", |there| {
            let key = CustomerKey::new("https://kv-a.vault.azure.net", "lake", None, None);
            there.account.settings.encryption = Encryption::Customer(key);
        }),
        ("networkRules", "resource id", |there| {
            let subnets = &mut there.account.settings.network.subnets;
            subnets.insert("/a".to_owned());
        }),
        ("filesystems[raw].root.owner", "object id", |there| {
            there.filesystems[0].root.owner = Owner::told("ada@contoso.com");
        }),
        ("filesystems[raw].root.acl", "in a form", |there| {
            let list = "user::rwx,user:ada@contoso.com:r-x,group::r-x,mask::r-x,other::---";
            there.filesystems[0].root = access(ADA, "rwxr-x---", list);
        }),
        ("filesystems[raw].directories[sales]", "sticky", |there| {
            there.filesystems[0].directories[1].1.permissions.sticky = true;
        }),
    ];
    for (field, word, change) in rows {
        let mut there = rich();
        change(&mut there);
        let notes = imported(&there).notes;
        assert!(
            notes.len() == 1 && notes[0].starts_with(field) && notes[0].contains(word),
            "{field}: {notes:?}"
        );
        assert_eq!(left(&there), ["tags.lakevault-owner"], "{field} {word}");
    }
}

#[test]
fn properties_that_no_spec_says_are_counted() {
    let mut there = rich();
    let all = (0..52).map(|at| (format!("p{at}"), "x".to_owned()));
    there.filesystems[0].properties = Properties::new(all.collect()).unwrap();
    let manifest = imported(&there);
    let said = &manifest.object["spec"]["filesystems"][0]["properties"];
    assert_eq!(said.as_object().unwrap().len(), 50);
    assert!(manifest.notes[0].starts_with("2 of the properties"));
}

#[test]
fn roles_on_the_account_itself_are_said() {
    let there = plain();
    let given = roles::built_in("Storage Blob Data Reader").unwrap();
    let role = |scope: &str| Assignment {
        name: Uuid::nil(),
        scope: scope.to_owned(),
        role: given,
        principal: ADA.to_owned(),
        principal_type: Some("Group".to_owned()),
        created: None,
    };
    let above = "/subscriptions/44444444-4444-4444-4444-444444444444";
    let live = Live {
        id: &ID.parse().unwrap(),
        account: &there.account,
        soft_delete: there.soft_delete,
        lifecycle: &there.lifecycle,
        given: &[role(&ID.to_uppercase()), role(above)],
        filesystems: &[],
    };
    let manifest = manifest(&live, &about(), Vec::new());
    let expected = json!([
        {"principalId": ADA, "principalType": "Group", "role": "Storage Blob Data Reader"}
    ]);
    assert_eq!(manifest.object["spec"]["roleAssignments"], expected);
}
