//! The v1 endpoint and ADFS, as adal asks them.

use lakevault::azure::auth::Want;
use lakevault::azure::resource::Resource;
use serde_json::{Value, json};

use crate::compare::{Accepted, check};
use crate::people::{password, refresh, sign_in};
use crate::scene::{Scene, adfs, entra};

/// adal asks ADFS as it asks the v1 endpoint.
const RFC_8628: &str =
    "ADFS takes the request of RFC 8628, and adal's as an alternative ([MS-OAPX] §3.2.5.2.1.1)";

const ACCEPTED: &[Accepted] = &[
    Accepted {
        cases: "adal",
        field: "header accept",
        theirs: "*/*",
        ours: "application/json",
        why: "we say which form we read",
    },
    Accepted {
        cases: "adal adfs device",
        field: "query api-version",
        theirs: "1.0",
        ours: "",
        why: RFC_8628,
    },
    Accepted {
        cases: "adal adfs device",
        field: "form grant_type",
        theirs: "device_code",
        ours: "urn:ietf:params:oauth:grant-type:device_code",
        why: RFC_8628,
    },
    Accepted {
        cases: "adal adfs device",
        field: "form code",
        theirs: "*",
        ours: "",
        why: RFC_8628,
    },
    Accepted {
        cases: "adal adfs device",
        field: "form device_code",
        theirs: "",
        ours: "*",
        why: RFC_8628,
    },
    Accepted {
        cases: "adal adfs device",
        field: "form resource",
        theirs: "*",
        ours: "",
        why: RFC_8628,
    },
];

#[tokio::test]
async fn the_older_endpoints_are_asked_as_adal_does() {
    let mut scene = Scene::start("older", &[]).await;
    let mut pairs = Vec::new();
    for (provider, cloud) in [("aad", entra("V1")), ("adfs", adfs())] {
        for case in ["secret", "certificate", "password", "refresh", "device"] {
            let pair = scene
                .both(&format!("adal {provider} {case}"), async |scene: &Scene| {
                    ask(scene, &cloud, case).await;
                })
                .await;
            pairs.push(pair);
        }
    }
    check(&pairs, ACCEPTED);
}

/// adal knows no federated tokens, so that there is nothing to compare with.
#[tokio::test]
async fn a_federated_token_signs_in_at_the_v1_endpoint() {
    let scene = Scene::start("federated", &[]).await;
    let proof = [(
        "AZURE_FEDERATED_TOKEN_FILE",
        scene.credentials.token.as_str(),
    )];
    let spec = json!({"default": {}, "cloud": entra("V1"), "allow": []});
    let want = Want::ours(scene.vaults());
    let token = scene
        .token(spec, &scene.application(&proof), &want, None)
        .await;
    assert!(!token.value.is_empty());
}

async fn ask(scene: &Scene, cloud: &Value, case: &str) {
    let known = &scene.credentials;
    let profile = scene.native(cloud.clone());
    let resource = if profile.cloud.has_tenants() {
        scene.vaults()
    } else {
        Resource::new(&known.stack_vault)
    };
    let want = Want::handed_out(resource.clone());
    let proof = match case {
        "secret" => ("AZURE_CLIENT_SECRET", known.secret.as_str()),
        "certificate" => ("AZURE_CLIENT_CERTIFICATE_PATH", known.certificate.as_str()),
        "password" => {
            scene.granted(&profile, &password(scene), &want).await;
            return;
        }
        "refresh" => return refresh(scene, &profile, resource.clone(), resource).await,
        _ => return sign_in(scene, &profile, &resource).await,
    };
    let spec = json!({"default": {}, "cloud": cloud, "allow": []});
    scene
        .token(spec, &scene.application(&[proof]), &want, None)
        .await;
}
