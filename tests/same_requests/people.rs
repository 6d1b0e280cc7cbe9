//! Users that sign in at Entra's v2 endpoint, as azure-identity does.

use lakevault::azure::auth::{Credential, Profile, Want, device};
use lakevault::azure::resource::Resource;
use lakevault::secret::SecretValue;

use crate::compare::{Accepted, check};
use crate::scene::{Scene, clouds};

const ACCEPTED: &[Accepted] = &[
    Accepted {
        cases: "entra",
        field: "form client_info",
        theirs: "1",
        ours: "",
        why: "MSAL asks for the account that its cache is keyed by; ours is keyed by the identity",
    },
    Accepted {
        cases: "entra device",
        field: "header accept",
        theirs: "*/*",
        ours: "application/json",
        why: "we say which form we read",
    },
    Accepted {
        cases: "entra device",
        field: "form code",
        theirs: "*",
        ours: "",
        why: "MSAL adds the code under its name of v1; v2 reads device_code (RFC 8628 §3.4)",
    },
];

#[tokio::test]
async fn users_ask_as_azure_identity_does_in_every_cloud() {
    let mut pairs = Vec::new();
    for (name, args, cloud) in clouds() {
        let mut scene = Scene::start(&format!("people-{name}"), &args).await;
        for case in ["password", "refresh", "device"] {
            let ours = async |scene: &Scene| ask(scene, &scene.native(cloud.clone()), case).await;
            pairs.push(scene.both(&format!("entra {case}"), ours).await);
        }
    }
    check(&pairs, ACCEPTED);
}

async fn ask(scene: &Scene, profile: &Profile, case: &str) {
    match case {
        "password" => {
            let want = Want::ours(scene.vaults());
            scene.granted(profile, &password(scene), &want).await;
        }
        "refresh" => {
            let other = Resource::new(&scene.credentials.other);
            refresh(scene, profile, scene.vaults(), other).await;
        }
        _ => sign_in(scene, profile, &scene.vaults()).await,
    }
}

pub(crate) fn password(scene: &Scene) -> Credential {
    Credential::Password {
        username: scene.credentials.username.clone(),
        password: SecretValue::from(scene.credentials.password.clone()),
    }
}

/// By password for one resource, then by the refresh token for another.
pub(crate) async fn refresh(scene: &Scene, profile: &Profile, first: Resource, then: Resource) {
    let want = Want::handed_out(first);
    let granted = scene.granted(profile, &password(scene), &want).await;
    let credential = Credential::RefreshToken(granted.refresh_token.unwrap());
    let want = Want::handed_out(then);
    scene.granted(profile, &credential, &want).await;
}

/// By device code, which somebody has typed before the first question.
pub(crate) async fn sign_in(scene: &Scene, profile: &Profile, resource: &Resource) {
    let request = device::request(profile, resource).unwrap();
    let answer = scene.send("DeviceCode", request).await;
    let pending = device::read(profile, &answer, jiff::Timestamp::now()).unwrap();
    scene.approve(&pending.user_code).await;
    let request = device::poll(profile, &pending, resource).unwrap();
    let answer = scene.send("GetToken", request).await;
    let poll = device::read_poll(profile, &answer, jiff::Timestamp::now()).unwrap();
    assert!(matches!(poll, device::Poll::Granted(_)), "{poll:?}");
}
