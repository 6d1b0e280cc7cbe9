//! The stage of the fault tests: syncs that work, the fault, and what must go on beside it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule};

use crate::kit::{Kit, condition, teaches};

/// Sync `app` has key `K` of secret `s` and key `O` of secret `o`; sync `beside` has key `B` of secret `b` in another vault.
/// All are synced when a fault comes.
pub struct Scene {
    pub kit: Kit,
    /// The same namespace and identity, the other vault.
    pub beside: Kit,
    /// How the value of `s` is stored in the vault: plain, or packed in something that the sync takes it out of.
    pack: fn(&str) -> String,
    /// What `K` holds.
    k: String,
    /// What `O` holds.
    o: String,
    count: u32,
}

impl Scene {
    pub async fn set(kit: Kit) -> Result<Self> {
        Self::set_with(kit, str::to_owned, |_| ()).await
    }

    /// A scene whose entry `K` is `change`d, and takes its value out of what `pack` makes of it.
    pub async fn set_with(
        kit: Kit,
        pack: fn(&str) -> String,
        change: impl FnOnce(&mut Value),
    ) -> Result<Self> {
        kit.make_identity().await?;
        let beside = Kit {
            vault: format!("{}-beside", kit.vault),
            ..kit.clone()
        };
        beside.make_vault(&beside.vault).await?;
        let mut scene = Self {
            kit,
            beside,
            pack,
            k: String::new(),
            o: String::new(),
            count: 0,
        };
        scene.k = scene.rotate("s").await?;
        scene.o = scene.rotate("o").await?;
        let app = scene.kit.sync("app", &[("K", "s"), ("O", "o")], |spec| {
            change(&mut spec["data"][0]["secret"]);
        });
        scene.kit.apply(app).await?;
        scene.beside.plant("b", "0").await?;
        scene
            .kit
            .apply(scene.beside.sync("beside", &[("B", "b")], |_| ()))
            .await?;
        scene.holds().await?;
        scene.kit.is_synced("app").await?;
        scene.kit.is_synced("beside").await?;
        Ok(scene)
    }

    /// The vault's host.
    pub fn host(&self) -> String {
        format!(
            "{}.{}",
            self.kit.vault,
            self.kit.endpoints().key_vault_suffix
        )
    }

    /// A fault of the whole vault. Gives back its id.
    pub async fn fault(&self, fault: Fault) -> Result<Value> {
        self.kit
            .admin()
            .add_fault(&FaultRule::new(&self.host(), fault))
            .await
    }

    /// A fault of secret `s` alone, which has a version that nobody has seen: a list of the vault's secrets says that it
    /// must be read.
    pub async fn fault_of_s(&self, fault: Fault) -> Result<Value> {
        let rule = FaultRule::new(&self.host(), fault).on_path("^/secrets/s/");
        let added = self.kit.admin().add_fault(&rule).await?;
        let value = format!("{}{}-s-unseen", crate::kit::PLANTED, self.kit.vault);
        self.kit.put("s", &(self.pack)(&value)).await?;
        Ok(added)
    }

    pub async fn lift(&self, fault: &Value) -> Result<()> {
        self.kit.admin().remove_fault(fault).await
    }

    /// A new version of a secret. Gives back what its key must hold.
    async fn rotate(&mut self, secret: &str) -> Result<String> {
        self.count += 1;
        let value = format!(
            "{}{}-{secret}-{}",
            crate::kit::PLANTED,
            self.kit.vault,
            self.count
        );
        let stored = if secret == "s" {
            (self.pack)(&value)
        } else {
            value.clone()
        };
        self.kit.put(secret, &stored).await?;
        Ok(value)
    }

    /// `K` is to hold something that was not rotated here.
    pub fn k_is(&mut self, value: String) {
        self.k = value;
    }

    /// Secret `app` holds the last good values.
    pub async fn holds(&self) -> Result<()> {
        self.kit
            .holds("app", &[("K", &self.k), ("O", &self.o)])
            .await
    }

    /// Key `K` fails for `reason` and keeps its value; key `O` of the same sync is brought up to date, and the other vault's
    /// sync goes on.
    pub async fn one_key_fails(&mut self, reason: &str, words: &[&str]) -> Result<()> {
        self.o = self.rotate("o").await?;
        self.kit.look("app").await?;
        let message = self.fails(reason, words).await?;
        teaches(&message, &["K: "])?;
        let status = self
            .kit
            .status_when("app", "key K has an error", |status| {
                let of_k = status.keys.iter().find(|key| key.key == "K");
                of_k.and_then(|key| key.error.as_ref())
                    .is_some_and(|error| error.reason == reason)
            })
            .await?;
        ensure!(status.summary.as_deref() == Some("2/2"), "{status:?}");
        ensure!(
            status
                .keys
                .iter()
                .any(|key| key.key == "O" && key.error.is_none()),
            "key O has an error: {status:?}"
        );
        self.beside_goes_on().await
    }

    /// The whole sync fails for `reason` and keeps its values; the other vault's sync goes on.
    pub async fn all_keys_fail(&self, reason: &str, words: &[&str]) -> Result<()> {
        self.kit.look("app").await?;
        self.fails(reason, words).await?;
        self.beside_goes_on().await
    }

    /// The sync says so, and nothing that was synced is lost.
    pub async fn fails(&self, reason: &str, words: &[&str]) -> Result<String> {
        let message = self.kit.says("app", "Synced", "False", reason).await?;
        teaches(&message, words)?;
        self.kit.says("app", "Degraded", "True", reason).await?;
        self.kit
            .says("app", "Ready", "True", "AllKeysPresent")
            .await?;
        self.holds().await?;
        Ok(message)
    }

    /// The sync of the other vault follows a rotation.
    pub async fn beside_goes_on(&self) -> Result<()> {
        let (value, _) = self
            .beside
            .plant("b", &Timestamp::now().to_string())
            .await?;
        self.kit.look("beside").await?;
        self.kit.is_synced("beside").await?;
        self.kit.holds("beside", &[("B", &value)]).await
    }

    /// After the mend: a new version of `s` arrives, and all is well.
    pub async fn recovers(&mut self) -> Result<()> {
        self.k = self.rotate("s").await?;
        self.kit.sync_now("app").await?;
        self.is_well().await
    }

    /// As [`Self::recovers`], but nobody asks for a look.
    pub async fn recovers_by_itself(&mut self) -> Result<()> {
        self.k = self.rotate("s").await?;
        self.is_well().await
    }

    /// All is well, with the values that are expected.
    pub async fn is_well(&self) -> Result<()> {
        self.holds().await?;
        self.kit.is_synced("app").await?;
        let status = self
            .kit
            .status_when("app", "has a status", |_| true)
            .await?;
        let degraded = condition(&status, "Degraded").context("no condition Degraded")?;
        ensure!(degraded.status == "False", "{degraded:?}");
        Ok(())
    }
}

/// Another namespace, with an application and a vault of its own.
pub async fn neighbour(kit: &Kit) -> Result<Kit> {
    Kit::new(Arc::clone(&kit.world), "neighbour").await
}

/// The requests that a vault (or `login`, `management`, any other host) got.
pub async fn requests(kit: &Kit, vault: &str, operation: &str) -> Result<Vec<JournalEntry>> {
    let mut all = kit.admin().journal_of(vault).await?;
    all.retain(|entry| entry.operation == operation);
    Ok(all)
}

/// The requests by which a vault was looked at: reads of secrets, and lists of them.
pub async fn looks(kit: &Kit, vault: &str) -> Result<Vec<JournalEntry>> {
    let mut looks = requests(kit, vault, "GetSecret").await?;
    looks.extend(requests(kit, vault, "ListSecrets").await?);
    Ok(looks)
}

/// How many tokens this test's application was given.
pub async fn tokens_given(kit: &Kit) -> Result<usize> {
    let given = requests(kit, "login", "GetToken").await?;
    let ours = |entry: &&JournalEntry| {
        let principal = entry.principal.as_ref();
        principal.is_some_and(|principal| principal.client_id == kit.client_id)
    };
    Ok(given.iter().filter(ours).count())
}

/// When the simulator ended a request.
pub fn ended(entry: &JournalEntry) -> Result<Timestamp> {
    Ok(entry.time.parse()?)
}
