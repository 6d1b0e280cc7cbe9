//! What the tests of all kinds for Azure's resources share.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::PartialObjectMeta;
use serde_json::{Value, json};

use super::api::ResourceSpec;
use super::valid::Common;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// Seconds after some day.
pub(crate) fn at(seconds: u64) -> Timestamp {
    after(
        "2026-11-21T00:00:00Z".parse().unwrap(),
        Duration::from_secs(seconds),
    )
}

pub(crate) fn trouble(reason: Reason) -> Problem {
    Problem::new(reason, Retry::Backoff, format!("{reason:?} happened"))
}

/// A spec, as far as it is the same for every kind; `spec` is added to what each must have.
#[expect(
    clippy::needless_pass_by_value,
    reason = "specs are written where they are used"
)]
pub(crate) fn common(spec: Value) -> Common {
    let mut whole = json!({
        "subscriptionId": "44444444-4444-4444-4444-444444444444",
        "resourceGroup": { "name": "rg" },
        "location": "westeurope",
    });
    for (name, value) in spec.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let spec: ResourceSpec = serde_json::from_value(whole).unwrap();
    let mut object = PartialObjectMeta::<ConfigMap>::default();
    object.metadata.name = Some("res-a".to_owned());
    object.metadata.namespace = Some("team".to_owned());
    object.metadata.uid = Some("uid-1".to_owned());
    object.metadata.generation = Some(1);
    Common::parse(&object, &spec, ("Microsoft.Example", "things", "res-a")).unwrap()
}
