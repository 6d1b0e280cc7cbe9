//! What a ClusterAzureIdentity lends: to whom, for which vaults and objects, and what happens when it is withdrawn.

use anyhow::{Result, ensure};
use jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use lakevault::azure_identity::api::ClusterAzureIdentity;
use serde_json::{Value, json};

use crate::kit::{Kit, teaches};
use crate::lane::unknown_to_entra;
use crate::scene::{looks, neighbour};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        lent_by_name,
        lent_by_label,
        vault_not_lent,
        object_not_lent,
        object_lent_by_label,
        grant_withdrawn,
        default_identity,
    ]
}

/// An identity that is lent, and sync `app` of key `K` that uses it.
struct Loan {
    kit: Kit,
    /// The ClusterAzureIdentity.
    name: String,
}

impl Loan {
    /// The identity with these grants. Its credential is in the operator's namespace.
    async fn make(kit: Kit, name: &str, allow: Value) -> Result<Self> {
        let credential = format!("sp-{}", kit.namespace);
        let system = Kit {
            namespace: "lakevault-system".to_owned(),
            ..kit.clone()
        };
        system
            .make_credential(&credential, &kit.client_secret)
            .await?;
        let mut identity = kit.identity(
            name,
            json!({"clientSecret": {"name": credential, "key": "secret"}}),
        );
        identity["kind"] = json!("ClusterAzureIdentity");
        identity["metadata"] = json!({"name": name});
        identity["spec"]["allow"] = allow;
        kit.apply(identity).await?;
        let name = name.to_owned();
        Ok(Self { kit, name })
    }

    async fn allow(&self, allow: Value) -> Result<()> {
        let identities: Api<ClusterAzureIdentity> = Api::all(self.kit.client());
        let patch = Patch::Merge(json!({"spec": {"allow": allow}}));
        identities
            .patch(&self.name, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    /// A sync of this vault with this identity.
    fn sync(&self, name: &str, data: &[(&str, &str)]) -> Value {
        self.sync_of(&self.kit, name, data)
    }

    fn sync_of(&self, kit: &Kit, name: &str, data: &[(&str, &str)]) -> Value {
        kit.sync(name, data, |spec| {
            spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": self.name});
        })
    }

    async fn refused(&self, words: &[&str]) -> Result<()> {
        let message = self
            .kit
            .says("app", "Synced", "False", "IdentityNotAllowed")
            .await?;
        teaches(&message, words)
    }

    /// Sync `app` has this value, though nobody asked for a look.
    async fn works(&self, value: &str) -> Result<()> {
        self.kit.holds("app", &[("K", value)]).await?;
        self.kit.is_synced("app").await
    }
}

/// A name that no other test's ClusterAzureIdentity has.
fn own_name(kit: &Kit) -> String {
    format!("lent-{}", kit.namespace)
}

fn by_name(kit: &Kit) -> Value {
    json!({"names": [kit.namespace]})
}

async fn label(kit: &Kit, label: &str) -> Result<()> {
    let kubectl = kit.world.control_plane.kubectl();
    kubectl
        .run(["label", "namespace", &kit.namespace, label])
        .await
        .map(drop)
}

async fn reads(kit: &Kit) -> Result<usize> {
    Ok(looks(kit, &kit.vault).await?.len())
}

async fn lent_by_name(kit: Kit) -> Result<()> {
    let allow = json!([{"namespaces": by_name(&kit)}]);
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, allow).await?;
    let (value, _) = loan.kit.plant("s", "one").await?;
    loan.kit.apply(loan.sync("app", &[("K", "s")])).await?;
    loan.works(&value).await?;
    let stranger = neighbour(&loan.kit).await?;
    let app = loan.sync_of(&stranger, "app", &[("K", "s")]);
    stranger.apply(app).await?;
    let message = stranger
        .says("app", "Synced", "False", "IdentityNotAllowed")
        .await?;
    teaches(
        &message,
        &[&name, &stranger.namespace, "spec.allow[].namespaces"],
    )?;
    ensure!(
        stranger.secrets().get_opt("app").await?.is_none(),
        "the stranger has a Secret"
    );
    ensure!(
        reads(&stranger).await? == 0,
        "a vault was asked for the stranger"
    );
    Ok(())
}

async fn lent_by_label(kit: Kit) -> Result<()> {
    let team = kit.namespace.clone();
    let allow = json!([{"namespaces": {"matchLabels": {"team": team}}}]);
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, allow).await?;
    let (first, _) = loan.kit.plant("s", "one").await?;
    loan.kit.apply(loan.sync("app", &[("K", "s")])).await?;
    loan.refused(&["does not allow namespace"]).await?;
    label(&loan.kit, &format!("team={team}")).await?;
    loan.works(&first).await?;
    label(&loan.kit, "team-").await?;
    loan.refused(&["does not allow namespace"]).await?;
    loan.kit.holds("app", &[("K", &first)]).await
}

async fn vault_not_lent(kit: Kit) -> Result<()> {
    let allow = |vault: &str| json!([{"namespaces": by_name(&kit), "vaults": [vault]}]);
    let (other, right) = (allow("kv-other"), allow(&kit.vault));
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, other).await?;
    let (value, _) = loan.kit.plant("s", "one").await?;
    loan.kit.apply(loan.sync("app", &[("K", "s")])).await?;
    loan.refused(&[&loan.kit.vault, "spec.allow[].vaults"])
        .await?;
    ensure!(reads(&loan.kit).await? == 0, "the vault was asked");
    loan.allow(right).await?;
    loan.works(&value).await
}

async fn object_not_lent(kit: Kit) -> Result<()> {
    let allow = |patterns: Value| json!([{"namespaces": by_name(&kit), "secrets": patterns}]);
    let (narrow, wide) = (allow(json!(["lent-*"])), allow(json!(["lent-*", "K*"])));
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, narrow).await?;
    let kit = &loan.kit;
    let (lent, _) = kit.plant("lent-a", "one").await?;
    let (kept, _) = kit.plant("kept", "one").await?;
    let data = [("A", "lent-a"), ("K", "kept")];
    kit.apply(loan.sync("app", &data)).await?;
    loan.refused(&["K: ", "secret \"kept\"", "spec.allow[].secrets"])
        .await?;
    kit.holds("app", &[("A", &lent)]).await?;
    let asked = looks(kit, &kit.vault).await?;
    ensure!(
        asked.iter().all(|entry| entry.path.contains("lent-a")),
        "{asked:?}"
    );
    loan.allow(wide).await?;
    kit.holds("app", &[("A", &lent), ("K", &kept)]).await?;
    kit.is_synced("app").await
}

/// One grant lends the vault to the namespace by name, another one more of its objects by label.
async fn object_lent_by_label(kit: Kit) -> Result<()> {
    let team = kit.namespace.clone();
    let allow = json!([
        {"namespaces": by_name(&kit), "secrets": ["lent-*"]},
        {"namespaces": {"matchLabels": {"team": team}}, "secrets": ["team-*"]}
    ]);
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, allow).await?;
    let kit = &loan.kit;
    let (a, _) = kit.plant("lent-a", "one").await?;
    let (b, _) = kit.plant("team-b", "one").await?;
    let data = [("A", "lent-a"), ("B", "team-b")];
    kit.apply(loan.sync("app", &data)).await?;
    loan.refused(&["B: ", "secret \"team-b\""]).await?;
    label(kit, &format!("team={team}")).await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await?;
    kit.is_synced("app").await?;
    label(kit, "team-").await?;
    loan.refused(&["B: ", "secret \"team-b\""]).await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await
}

async fn grant_withdrawn(kit: Kit) -> Result<()> {
    let allow = json!([{"namespaces": by_name(&kit)}]);
    let name = own_name(&kit);
    let loan = Loan::make(kit, &name, allow.clone()).await?;
    let kit = &loan.kit;
    kit.make_identity().await?;
    let (first, _) = kit.plant("s", "one").await?;
    kit.apply(loan.sync("app", &[("K", "s")])).await?;
    loan.works(&first).await?;
    loan.allow(json!([])).await?;
    loan.refused(&[&name, "spec.allow[].namespaces"]).await?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    let before = reads(kit).await?;
    let (second, _) = kit.plant("s", "two").await?;
    kit.look("app").await?;
    kit.holds("app", &[("K", &first)]).await?;
    ensure!(reads(kit).await? == before, "the vault was asked");
    // A sync with an identity of its own goes on.
    kit.apply(kit.sync("beside", &[("B", "s")], |_| ())).await?;
    kit.holds("beside", &[("B", &second)]).await?;
    loan.allow(allow).await?;
    loan.works(&second).await
}

/// The default identity could read what these syncs want, but they name others: one that is not there, and one that is refused.
async fn named_identities_are_not_replaced(kit: &Kit) -> Result<()> {
    kit.make_credential("wrong", &unknown_to_entra()).await?;
    let credential = json!({"clientSecret": {"name": "wrong", "key": "secret"}});
    kit.apply(kit.identity("refused", credential)).await?;
    for (identity, reason) in [
        ("absent", "IdentityNotFound"),
        ("refused", "InvalidClientSecret"),
    ] {
        let sync = kit.sync(identity, &[("K", "s")], |spec| {
            spec["identityRef"]["name"] = json!(identity);
        });
        kit.apply(sync).await?;
        kit.says(identity, "Synced", "False", reason).await?;
        kit.look(identity).await?;
        kit.says(identity, "Synced", "False", reason).await?;
        let there = kit.secrets().get_opt(identity).await?;
        ensure!(there.is_none(), "another identity acted for {identity}");
    }
    Ok(())
}

async fn default_identity(kit: Kit) -> Result<()> {
    let unnamed = |kit: &Kit| {
        kit.sync("app", &[("K", "s")], |spec| {
            spec.as_object_mut().unwrap().remove("identityRef");
        })
    };
    let (value, _) = kit.plant("s", &Timestamp::now().to_string()).await?;
    kit.apply(unnamed(&kit)).await?;
    let message = kit
        .says("app", "Synced", "False", "IdentityNotFound")
        .await?;
    teaches(&message, &["spec.identityRef is not set", "administrator"])?;
    let allow = json!([{"namespaces": by_name(&kit)}]);
    let loan = Loan::make(kit, "default", allow).await?;
    loan.works(&value).await?;
    named_identities_are_not_replaced(&loan.kit).await?;
    let mut stranger = neighbour(&loan.kit).await?;
    stranger.vault.clone_from(&loan.kit.vault);
    stranger.apply(unnamed(&stranger)).await?;
    let message = stranger
        .says("app", "Synced", "False", "IdentityNotAllowed")
        .await?;
    teaches(&message, &["ClusterAzureIdentity default"])?;
    let identities: Api<ClusterAzureIdentity> = Api::all(loan.kit.client());
    identities
        .delete("default", &DeleteParams::default())
        .await?;
    loan.kit
        .says("app", "Synced", "False", "IdentityNotFound")
        .await?;
    loan.kit.holds("app", &[("K", &value)]).await
}
