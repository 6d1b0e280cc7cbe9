//! Which workloads of the files mount a `SecretProviderClass`. Pure.

use serde_json::Value;

use super::input::{Document, Input};

/// Where the pods of a workload are described.
const PODS: [&str; 3] = [
    "/spec/template/spec",
    "/spec/jobTemplate/spec/template/spec",
    "/spec",
];

/// What workloads say of whoever signs in for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Their ServiceAccount.
    pub(super) account: Option<String>,
    /// The Secret with the client that signs in.
    pub(super) secret: Option<String>,
}

/// What the first of them says that mounts the class.
pub(super) fn using(input: &Input, class: &Document) -> Used {
    let near = input.all().filter(|one| one.namespace == class.namespace);
    let pods = near.flat_map(|one| PODS.iter().filter_map(|place| one.value.pointer(place)));
    let mut found = pods.filter_map(|pod| used(pod, &class.name));
    found.next().unwrap_or_default()
}

fn used(pod: &Value, class: &str) -> Option<Used> {
    let volumes = pod.get("volumes")?.as_array()?;
    let named = |volume: &&Value| {
        let name = volume.pointer("/csi/volumeAttributes/secretProviderClass");
        name.and_then(Value::as_str) == Some(class)
    };
    let volume = volumes.iter().find(named)?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    Some(Used {
        account: text(pod.get("serviceAccountName")).or_else(|| Some("default".to_owned())),
        secret: text(volume.pointer("/csi/nodePublishSecretRef/name")),
    })
}
