//! Applications that sign in at Entra's v2 endpoint, as azure-identity does.

use lakevault::azure::auth::{Claims, Want};
use serde_json::{Value, json};

use crate::compare::{Accepted, check};
use crate::scene::{Scene, clouds};

/// MSAL does as we do; azure-identity gives it no more than the SHA-1 thumbprint.
const SHA_256: &str = "Microsoft asks for PS256 and a SHA-256 thumbprint";

const ACCEPTED: &[Accepted] = &[
    Accepted {
        cases: "entra",
        field: "form client_info",
        theirs: "1",
        ours: "",
        why: "MSAL asks for the account that its cache is keyed by; ours is keyed by the identity",
    },
    Accepted {
        cases: "entra workload",
        field: "header accept",
        theirs: "*/*",
        ours: "application/json",
        why: "we say which form we read",
    },
    Accepted {
        cases: "entra",
        field: "assertion claim iat",
        theirs: "at most five minutes ago",
        ours: "",
        why: "optional (RFC 7523 §3), and a server whose clock is behind may refuse one from its future",
    },
    Accepted {
        cases: "entra",
        field: "assertion claim nbf",
        theirs: "",
        ours: "at most five minutes ago",
        why: "Microsoft's description of assertions has it, and adal sends it",
    },
    Accepted {
        cases: "entra certificate",
        field: "assertion header alg",
        theirs: "RS256",
        ours: "PS256",
        why: SHA_256,
    },
    Accepted {
        cases: "entra certificate",
        field: "assertion header x5t",
        theirs: "*",
        ours: "",
        why: SHA_256,
    },
    Accepted {
        cases: "entra certificate",
        field: "assertion header x5t#S256",
        theirs: "",
        ours: "*",
        why: SHA_256,
    },
    Accepted {
        cases: "entra chain",
        field: "assertion header alg",
        theirs: "RS256",
        ours: "PS256",
        why: SHA_256,
    },
    Accepted {
        cases: "entra chain",
        field: "assertion header x5t",
        theirs: "*",
        ours: "",
        why: SHA_256,
    },
    Accepted {
        cases: "entra chain",
        field: "assertion header x5t#S256",
        theirs: "",
        ours: "*",
        why: SHA_256,
    },
    Accepted {
        cases: "entra chain",
        field: "assertion header x5c 2",
        theirs: "*",
        ours: "",
        why: "the root: whoever checks the chain has it, or must not trust it (RFC 5280 §6.1)",
    },
];

#[tokio::test]
async fn applications_ask_as_azure_identity_does_in_every_cloud() {
    let cases = [
        "secret",
        "handed-out",
        "challenged",
        "certificate",
        "chain",
        "msal",
        "workload",
    ];
    let mut pairs = Vec::new();
    for (name, args, cloud) in clouds() {
        let mut scene = Scene::start(&format!("applications-{name}"), &args).await;
        for case in cases {
            let ours = async |scene: &Scene| ask(scene, &cloud, case).await;
            pairs.push(scene.both(&format!("entra {case}"), ours).await);
        }
    }
    check(&pairs, ACCEPTED);
}

async fn ask(scene: &Scene, cloud: &Value, case: &str) {
    let known = &scene.credentials;
    let proof: &[(&str, &str)] = match case {
        "certificate" | "msal" => &[("AZURE_CLIENT_CERTIFICATE_PATH", &known.certificate)],
        "chain" => &[
            ("AZURE_CLIENT_CERTIFICATE_PATH", &known.chain),
            ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true"),
        ],
        "workload" => &[("AZURE_FEDERATED_TOKEN_FILE", &known.token)],
        _ => &[("AZURE_CLIENT_SECRET", &known.secret)],
    };
    let want = match case {
        "handed-out" => Want::handed_out(scene.vaults()),
        _ => Want::ours(scene.vaults()),
    };
    let claims = (case == "challenged").then(|| Claims(known.challenge.clone()));
    let spec = json!({"default": {}, "cloud": cloud, "allow": []});
    scene
        .token(spec, &scene.application(proof), &want, claims.as_ref())
        .await;
}
