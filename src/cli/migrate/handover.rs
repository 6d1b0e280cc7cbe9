//! The commands by which a Secret that is there changes hands, in an order in which it is never deleted. Pure.
//!
//! Whoever owns the Secret first is made to let go of it: an owner that is deleted takes what it owns along. Only then it
//! consents to the sync, which writes what marks it as its own, and values only where they differ. The old object is deleted
//! when the sync is ready.

use serde_json::{Value, json};

use crate::vault_secret_sync::ALLOW_SYNC;
use crate::vault_secret_sync::push::ALLOW_PUSH;

/// Who has the Secret now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Peer {
    /// An `ExternalSecret`; whether it owns the Secret.
    External(String, bool),
    /// `AzureKeyVaultSecrets`.
    Akv2k8s(Vec<String>),
    /// A `SecretProviderClass`.
    Csi(String),
    /// A `PushSecret` that reads it.
    Push(String),
}

/// A Secret that changes hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Handover {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) secret: String,
    /// The sync.
    pub(super) sync: String,
    /// Who has it now.
    pub(super) peer: Peer,
}

impl Handover {
    /// The annotation by which the Secret consents.
    pub(super) fn consent(&self) -> &'static str {
        match self.peer {
            Peer::Push(_) => ALLOW_PUSH,
            Peer::External(..) | Peer::Akv2k8s(_) | Peer::Csi(_) => ALLOW_SYNC,
        }
    }

    /// What is done, in a sentence.
    pub(super) fn title(&self) -> String {
        let (secret, sync) = (&self.secret, &self.sync);
        match &self.peer {
            Peer::Push(name) => format!(
                "To push Secret {secret} by {sync} in the place of PushSecret {name}, after kubectl apply of this file:"
            ),
            Peer::External(name, _) => format!(
                "To take over Secret {secret} from ExternalSecret {name}, after kubectl apply of this file:"
            ),
            Peer::Akv2k8s(names) => format!(
                "To take over Secret {secret} from AzureKeyVaultSecret {}, after kubectl apply of this file:",
                names.join(", ")
            ),
            Peer::Csi(name) => format!(
                "To take over Secret {secret} from SecretProviderClass {name}, after kubectl apply of this file:"
            ),
        }
    }

    /// The commands. `consents` are all syncs that the Secret lets in by the same annotation, separated by commas.
    pub(super) fn steps(&self, consents: &str) -> Vec<String> {
        let Self {
            namespace,
            secret,
            sync,
            peer,
        } = self;
        let in_namespace = |rest: &str| format!("kubectl -n {namespace} {rest}");
        let patch = |what: &str, patch: &Value| {
            in_namespace(&format!("patch {what} --type=merge -p '{patch}'"))
        };
        let secret = format!("secret {secret}");
        let ready = in_namespace(&format!(
            "wait vaultsecretsync/{sync} --for=condition=Ready --timeout=120s"
        ));
        let consent = in_namespace(&format!(
            "annotate {secret} --overwrite {}={consents}",
            self.consent()
        ));
        let released = |more: Value| {
            let mut metadata =
                json!({"ownerReferences": null, "annotations": {ALLOW_SYNC: consents}});
            if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), more) {
                metadata.extend(more);
            }
            patch(&secret, &json!({ "metadata": metadata }))
        };
        match peer {
            Peer::External(name, false) => vec![
                consent,
                ready,
                in_namespace(&format!("delete externalsecret {name} --cascade=orphan")),
            ],
            Peer::External(name, true) => {
                let target = json!({"creationPolicy": "Orphan", "deletionPolicy": "Retain"});
                let labels = json!({"reconcile.external-secrets.io/created-by": null, "reconcile.external-secrets.io/managed": null});
                let metadata = json!({"labels": labels, "annotations": {"reconcile.external-secrets.io/data-hash": null}});
                vec![
                    patch(
                        &format!("externalsecret {name}"),
                        &json!({"spec": {"target": target}}),
                    ),
                    released(json!({})),
                    ready,
                    in_namespace(&format!("delete externalsecret {name} --cascade=orphan")),
                    patch(&secret, &json!({ "metadata": metadata })),
                ]
            }
            Peer::Akv2k8s(names) => vec![
                "kubectl -n akv2k8s scale deployment akv2k8s-controller --replicas=0".to_owned(),
                released(json!({})),
                ready,
                in_namespace(&format!(
                    "delete azurekeyvaultsecret {} --cascade=orphan",
                    names.join(" ")
                )),
            ],
            Peer::Csi(name) => vec![
                patch(
                    &format!("secretproviderclass {name}"),
                    &json!({"spec": {"secretObjects": null}}),
                ),
                released(json!({"labels": {"secrets-store.csi.k8s.io/managed": null}})),
                ready,
            ],
            Peer::Push(name) => vec![
                patch(
                    &format!("pushsecret {name}"),
                    &json!({"spec": {"deletionPolicy": "None"}}),
                ),
                consent,
                in_namespace(&format!(
                    "wait vaultsecretsync/{sync} --for=condition=Pushed --timeout=120s"
                )),
                in_namespace(&format!("delete pushsecret {name}")),
            ],
        }
    }

    /// What is left to do by hand.
    pub(super) fn after(&self) -> Option<&'static str> {
        match &self.peer {
            Peer::Akv2k8s(_) => Some(
                "akv2k8s' controller rests because it takes the keys of a deleted AzureKeyVaultSecret out of the Secret: scale it up again when all are deleted",
            ),
            Peer::Csi(_) => Some(
                "then take the volume of the class out of the pods, and delete the class when no pod mounts it any more",
            ),
            Peer::External(..) | Peer::Push(_) => None,
        }
    }
}
