//! Machines with managed identities, as azure-identity asks them.

use std::fs;
use std::io::Write;
use std::path::Path;

use lakevault::azure::auth::Want;
use serde_json::{Value, json};

use crate::compare::{Accepted, check};
use crate::scene::{Scene, clouds, entra};

/// Where clients look for the key files of Azure Arc, and nowhere else.
const ARC_TOKENS: &str = "/var/opt/azcmagent/tokens";

const ACCEPTED: &[Accepted] = &[
    Accepted {
        cases: "machine",
        field: "header accept",
        theirs: "*/*",
        ours: "application/json",
        why: "we say which form we read",
    },
    Accepted {
        cases: "machine appservice",
        field: "header metadata",
        theirs: "true",
        ours: "",
        why: "App Service does not read it; MSAL sends it for Azure Automation, where no operator runs",
    },
    Accepted {
        cases: "machine azureml own",
        field: "query clientid",
        theirs: "",
        ours: "*",
        why: "the compute's own identity must be named, as Azure's SDKs for Go and .NET do by DEFAULT_IDENTITY_CLIENT_ID",
    },
];

#[tokio::test]
async fn machines_are_asked_as_azure_identity_does() {
    let all = ["own", "client", "object", "resource"].as_slice();
    let mut hosts = vec![
        ("imds", all),
        ("appservice", all),
        ("cloudshell", &all[..1]),
        ("azureml", &all[..2]),
        ("servicefabric", &all[..1]),
    ];
    let mut args = Vec::new();
    if fs::create_dir_all(ARC_TOKENS).is_ok() {
        hosts.push(("arc", all));
        args.extend(["--arc-tokens", ARC_TOKENS]);
    } else {
        // The test's own output is shown only where it fails.
        let told = "SKIPPED: Azure Arc: this user cannot make /var/opt/azcmagent/tokens\n";
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    let mut scene = Scene::start("machines", &args).await;
    let mut pairs = Vec::new();
    for (host, kinds) in hosts {
        for which in kinds {
            let pair = scene
                .both(&format!("machine {host} {which}"), async |scene: &Scene| {
                    ask(scene, &entra("V2"), host, which).await;
                })
                .await;
            pairs.push(pair);
        }
    }
    drop(scene);
    for folder in Path::new(ARC_TOKENS).ancestors().take(2) {
        // Where there are other files in it, the folder stays.
        drop(fs::remove_dir(folder));
    }
    check(&pairs, ACCEPTED);
}

#[tokio::test]
async fn the_metadata_service_is_asked_alike_in_every_cloud() {
    let mut pairs = Vec::new();
    for (name, args, cloud) in clouds() {
        let mut scene = Scene::start(&format!("machine-{name}"), &args).await;
        let ours = async |scene: &Scene| ask(scene, &cloud, "imds", "own").await;
        pairs.push(scene.both("machine imds own", ours).await);
    }
    check(&pairs, &ACCEPTED[..1]);
}

async fn ask(scene: &Scene, cloud: &Value, host: &str, which: &str) {
    let known = &scene.credentials;
    let named: Value = match which {
        "own" => json!({}),
        "client" => json!({"clientId": known.machine_user}),
        "object" => json!({"objectId": known.machine_user_object}),
        _ => json!({"resourceId": known.machine_user_resource}),
    };
    let at = &scene.endpoints().managed_identity;
    let header = at.header.as_str();
    let variables: &[(&str, &str)] = match host {
        "imds" => &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &at.imds)],
        "appservice" => &[
            ("IDENTITY_ENDPOINT", &at.app_service),
            ("IDENTITY_HEADER", header),
        ],
        "azureml" => &[
            ("MSI_ENDPOINT", &at.azure_ml),
            ("MSI_SECRET", header),
            ("DEFAULT_IDENTITY_CLIENT_ID", &known.machine_user),
        ],
        "cloudshell" => &[("MSI_ENDPOINT", &at.cloud_shell)],
        "arc" => &[
            ("IDENTITY_ENDPOINT", &at.arc),
            ("IMDS_ENDPOINT", &at.arc_imds),
        ],
        _ => &[
            ("IDENTITY_ENDPOINT", &at.service_fabric),
            ("IDENTITY_HEADER", header),
            ("IDENTITY_SERVER_THUMBPRINT", &at.service_fabric_thumbprint),
        ],
    };
    let spec = json!({"managedIdentity": named, "cloud": cloud, "allow": []});
    let want = Want::ours(scene.vaults());
    scene.token(spec, variables, &want, None).await;
}
