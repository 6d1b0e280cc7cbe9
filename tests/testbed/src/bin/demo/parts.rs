//! The parts of the demo, in order.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::json;
use testbed::{Fault, FaultRule, binaries};

use crate::say::{Say, line};
use crate::watch::{Cluster, NAMESPACE, values};
use crate::world::{VAULT, World};

const SHOP: (&str, &str) = ("VaultSecretSync", "shop");
const IDENTITIES: &[(&str, &str, &str)] = &[
    ("AzureIdentity", "main", "by a client secret"),
    (
        "AzureIdentity",
        "federated",
        "by a ServiceAccount, without any secret",
    ),
    (
        "ClusterAzureIdentity",
        "shared",
        "lent by an administrator to the team's namespaces",
    ),
];

/// Keys and values of a Secret.
type Values = &'static [(&'static str, &'static str)];

/// Secrets that the samples make: name, what there is to see, values.
const ARRIVALS: &[(&str, &str, Values)] = &[
    (
        "shop",
        "has two objects of the vault",
        &[("DB_PASSWORD", "horse"), ("API_KEY", "demo-key-1")],
    ),
    (
        "reports-login",
        "has members of a JSON object and a decoded file, with a type and labels",
        &[
            ("username", "reporter"),
            ("password", "staple"),
            ("licence.txt", "Licensed to the demo\n"),
        ],
    ),
    (
        "mailer",
        "of somebody else, who consents, got a key beside its own",
        &[
            ("SMTP_USER", "mailer@example.com"),
            ("SMTP_PASSWORD", "pigeon"),
        ],
    ),
];

/// What the parts share.
pub(crate) struct Demo<'a> {
    pub(crate) say: &'a Say,
    pub(crate) world: &'a World,
    pub(crate) cluster: Cluster,
}

impl Demo<'_> {
    pub(crate) async fn arrival(&self) -> Result<()> {
        let say = self.say;
        say.heading("1. Secrets arrive")?;
        let samples = binaries::repository().join("deploy/samples");
        let kubectl = self.world.control_plane.kubectl();
        say.step(
            "kubectl apply -f deploy/samples/",
            kubectl.apply_dir(&samples),
        )
        .await?;
        say.note("The times of what comes of it count from here.")?;
        let began = Instant::now();
        for (kind, name, how) in IDENTITIES {
            self.cluster.says((kind, name), "Ready", "True").await?;
            say.done(
                &format!("{kind} {name} has a token of Entra ID, {how}"),
                began.elapsed(),
            )?;
        }
        for (name, what, wanted) in ARRIVALS {
            let secret = self.cluster.holds(name, wanted).await?;
            say.done(&format!("Secret {name} {what}"), began.elapsed())?;
            self.show(&secret)?;
        }
        Ok(())
    }

    async fn arrived(&self, name: &str, what: &str, wanted: &[(&str, &str)]) -> Result<()> {
        let secret = self
            .say
            .step(
                &format!("Secret {name} {what}"),
                self.cluster.holds(name, wanted),
            )
            .await?;
        self.show(&secret)
    }

    fn show(&self, secret: &Secret) -> Result<()> {
        let shown: Vec<String> = values(secret)
            .iter()
            .map(|(key, value)| format!("{key}={}", value.trim_end()))
            .collect();
        Ok(self.say.note(&shown.join("   "))?)
    }

    pub(crate) async fn rotation(&self) -> Result<()> {
        let say = self.say;
        say.heading("2. A rotation in the vault arrives")?;
        let version = say
            .step(
                "a new version of shop-db-password in the vault",
                self.rotate("battery"),
            )
            .await?;
        say.note(&format!("version {version}"))?;
        self.look_now("rotated").await?;
        say.note("Without it, the sync's refreshInterval would: 1m here, 5m by default.")?;
        self.arrived(
            "shop",
            "has the new value",
            &[("DB_PASSWORD", "battery"), ("API_KEY", "demo-key-1")],
        )
        .await
    }

    async fn rotate(&self, value: &str) -> Result<String> {
        let admin = self.world.simulator.admin();
        admin.put_secret(VAULT, "shop-db-password", value).await
    }

    async fn look_now(&self, word: &str) -> Result<()> {
        self.say
            .step(
                &format!(
                    "kubectl annotate vss shop lakevault.dev/sync-at={word}: look at the vault now"
                ),
                self.cluster.sync_now(SHOP.1, word),
            )
            .await
    }

    pub(crate) async fn damage(&self) -> Result<()> {
        let say = self.say;
        let whole = [("DB_PASSWORD", "battery"), ("API_KEY", "demo-key-1")];
        say.heading("3. A Secret damaged by hand is healed")?;
        // The operator acts on what it sees, and must have seen its own writes before it can tell those of others.
        self.cluster.says(SHOP, "Synced", "True").await?;
        let damage = json!({"stringData": {"DB_PASSWORD": "damaged", "API_KEY": "damaged"}});
        say.step(
            "kubectl edit secret shop: both values overwritten",
            self.cluster.edit("shop", damage),
        )
        .await?;
        let began = Instant::now();
        let healed = self.cluster.holds("shop", &whole).await?;
        say.done("healed", began.elapsed())?;
        self.show(&healed)?;
        let delete = async {
            let params = DeleteParams::default();
            Ok(self.cluster.secrets().delete("shop", &params).await?)
        };
        say.step("kubectl delete secret shop", delete).await?;
        let began = Instant::now();
        let healed = self.cluster.holds("shop", &whole).await?;
        say.done("made again", began.elapsed())?;
        self.show(&healed)
    }

    pub(crate) async fn outages(&self) -> Result<()> {
        self.say
            .heading("4. Outages of the vault are survived, and the data is kept")?;
        self.outage(
            &format!("every request to {VAULT} is answered with 503"),
            Fault::status(503),
            ("battery", "staple"),
        )
        .await?;
        self.outage(
            &format!("the name {VAULT}.vault.sim.test does not resolve any more"),
            Fault::DnsFailure(true),
            ("staple", "correct"),
        )
        .await
    }

    async fn outage(&self, what: &str, fault: Fault, (before, after): (&str, &str)) -> Result<()> {
        let (say, admin) = (self.say, self.world.simulator.admin());
        let kept = values(&self.cluster.secrets().get("shop").await?);
        let rule = FaultRule::new(&format!("{VAULT}.vault.sim.test"), fault);
        say.step(&format!("outage: {what}"), admin.add_fault(&rule))
            .await?;
        self.rotate(after).await?;
        self.cluster
            .sync_now(SHOP.1, &format!("outage-{after}"))
            .await?;
        let trouble = say
            .step(
                "the sync says what is wrong, in its condition Synced",
                self.cluster.says(SHOP, "Synced", "False"),
            )
            .await?;
        say.note(&format!("{}: {}", trouble.reason, trouble.message))?;
        let held = say
            .step(
                "it stays Ready, and the Secret keeps its values",
                self.unchanged(&kept, before),
            )
            .await?;
        self.show(&held)?;
        admin.clear_faults().await?;
        say.step(
            "the outage ends; the sync recovers by itself",
            self.cluster.says(SHOP, "Synced", "True"),
        )
        .await?;
        self.arrived(
            "shop",
            "has what was rotated meanwhile",
            &[("DB_PASSWORD", after)],
        )
        .await
    }

    async fn unchanged(&self, kept: &BTreeMap<String, String>, before: &str) -> Result<Secret> {
        self.cluster.says(SHOP, "Ready", "True").await?;
        let secret = self.cluster.secrets().get("shop").await?;
        let now = values(&secret);
        ensure!(
            now == *kept && now.get("DB_PASSWORD").is_some_and(|value| value == before),
            "the Secret changed during the outage: {now:?}"
        );
        Ok(secret)
    }

    pub(crate) async fn summary(&self) -> Result<()> {
        let say = self.say;
        say.heading("In the end: kubectl get lakevault -n demo")?;
        let kubectl = self.world.control_plane.kubectl();
        let table = kubectl.run(["get", "lakevault", "-n", NAMESPACE]).await?;
        line("")?;
        table
            .lines()
            .try_for_each(|row| line(format_args!("  {row}")))?;
        let counters = self.world.simulator.admin().counters().await?;
        say.heading("Calls to Azure in all")?;
        for (host, operations) in &counters.operations {
            for (operation, answers) in operations {
                let total: u64 = answers.values().sum();
                let answers: Vec<String> = answers
                    .iter()
                    .map(|(status, count)| format!("{count} × {status}"))
                    .collect();
                line(format_args!(
                    "  {host:<10} {operation:<12} {total:>4}   ({})",
                    answers.join(", ")
                ))?;
            }
        }
        Ok(())
    }
}
