//! Carries the steps out, by the same code as the operator's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{Method as HttpMethod, header};
use jiff::Timestamp;
use kube::Client;
use url::Url;

use super::check::{Findings, Step};
use super::target::Target;
use crate::azure::auth::Want;
use crate::azure::auth::chain::Link;
use crate::azure::cloud::Cloud;
use crate::azure::http::{Http, Request};
use crate::azure::key_vault::{self, Object};
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::{IdentityKey, Method, Usable, Valid};
use crate::cli::Failure;
use crate::cli::cluster::Cluster;
use crate::cli::lender::Lender;
use crate::cli::objects;
use crate::hub::reader::Reader;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::items::item::{Item, ObjectId, TokenOf};
use crate::vault_secret_sync::{lender, valid as sync_valid};

const PROBE: Duration = Duration::from_secs(10);

/// What the steps need of the world.
pub(super) struct Steps<'a> {
    client: &'a Client,
    /// The cluster's own objects, where there is a cluster.
    live: Option<&'a Client>,
    lender: Lender,
    http: Http,
}

impl<'a> Steps<'a> {
    /// In the environment of this process.
    pub(super) fn new(cluster: &'a Cluster, http: Http) -> Self {
        Self {
            client: &cluster.client,
            live: cluster.live.as_ref(),
            lender: Lender::new(cluster, http.clone()),
            http,
        }
    }

    /// Takes all steps of an object.
    pub(super) async fn look(&self, target: &Target) -> Result<Findings, Failure> {
        let mut findings = Findings::new(target.to_string());
        match target {
            Target::Identity(key) => self.identity(&mut findings, key).await?,
            Target::Sync { namespace, name } => self.sync(&mut findings, namespace, name).await?,
        }
        Ok(findings.whole())
    }

    async fn identity(&self, findings: &mut Findings, key: &IdentityKey) -> Result<(), Failure> {
        let found = objects::identity(self.client, key).await?;
        let found = found.ok_or_else(|| Failure::usage(format!("there is no {key}")))?;
        let parsed = self.lender.parse(&found);
        let identities = self.lender.identities(Some(found), None);
        if let Some(valid) = taken(findings, Step::Spec, parsed) {
            let told = format!("{} is set as it must be", valid.method.word());
            findings.passed(Step::Spec, &told);
            let usable = self.usable(findings, &identities, valid, None).await;
            if usable.is_some() {
                let why = "an identity has no vault of its own: diagnose a VaultSecretSync";
                findings.skipped(Step::Vault, why);
                findings.skipped(Step::Role, why);
            }
        }
        Ok(())
    }

    async fn sync(
        &self,
        findings: &mut Findings,
        namespace: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let client = self.client;
        let sync = objects::sync(client, namespace, name).await?;
        let sync = sync.ok_or_else(|| {
            Failure::usage(format!("there is no VaultSecretSync {namespace}/{name}"))
        })?;
        // A file does not know where a vault is.
        let told = objects::told(self.live.unwrap_or(client), &sync).await?;
        let parsed = sync_valid::parse_among(&sync, |key_vault| told.get(key_vault).cloned());
        let Some(sync) = taken(findings, Step::Spec, parsed) else {
            return Ok(());
        };
        if !needs_identity(&sync) {
            findings.passed(Step::Spec, "it needs no identity");
            let why = "a login at a Machine Learning Server is not tried: it would be one more session there";
            let rest = Step::ALL.into_iter().filter(|step| *step != Step::Spec);
            rest.for_each(|step| findings.skipped(step, why));
            return Ok(());
        }
        let key = key_of(&sync.namespace, sync.identity.as_ref());
        findings.identity = Some(key.to_string());
        let found = objects::identity(client, &key).await?;
        let parsed = found.as_ref().map(|found| self.lender.parse(found));
        let labels = objects::namespace(client, namespace).await;
        let identities = self.lender.identities(found, labels);
        let valid = match parsed {
            Some(parsed) => parsed,
            // What the operator would say.
            None => identities
                .resolve(&sync.namespace, sync.identity.as_ref())
                .await
                .map(|usable| usable.valid.as_ref().clone()),
        };
        let lent = valid.and_then(|valid| lent(&identities, &valid, &sync).map(|()| valid));
        let Some(valid) = taken(findings, Step::Spec, lent) else {
            return Ok(());
        };
        findings.passed(Step::Spec, &format!("it may be read with {key}"));
        let usable = self.usable(findings, &identities, valid, Some(&sync));
        if let Some(usable) = usable.await {
            self.vault(findings, &identities, &usable, &sync).await;
        }
        Ok(())
    }

    /// The steps up to the token: for Key Vault, and for whatever else the sync hands out tokens for.
    async fn usable(
        &self,
        findings: &mut Findings,
        identities: &Identities,
        valid: Valid,
        sync: Option<&sync_valid::Valid>,
    ) -> Option<Usable> {
        let vaults = sync.map(sync_valid::Valid::vaults).unwrap_or_default();
        let usable = identities.usable(valid).await.and_then(|usable| {
            let mut vaults = vaults.iter();
            vaults.try_for_each(|vault| grant::vault_in_cloud(&usable, vault))?;
            Ok(usable)
        });
        let usable = taken(findings, Step::Cloud, usable)?;
        let cloud = &usable.profile.cloud;
        let told = format!(
            "tokens come from {}, vaults are <name>.{}",
            cloud.authority, cloud.vault_suffix
        );
        findings.passed(Step::Cloud, &told);
        self.authority(findings, &usable).await?;
        tokens(findings, identities, &usable, &wants(&usable, sync)).await?;
        Some(usable)
    }

    /// DNS and TLS of whoever gives the tokens.
    async fn authority(&self, findings: &mut Findings, usable: &Usable) -> Option<()> {
        let why = match &usable.valid.method {
            Method::ManagedIdentity(_) => "the machine's own endpoint gives the tokens",
            Method::Default => "it is not known before the token where it comes from",
            Method::ClientSecret(_)
            | Method::ClientCertificate { .. }
            | Method::WorkloadIdentity { .. }
            | Method::OwnWorkloadIdentity
            | Method::UsernamePassword { .. } => {
                return self.reach(findings, &usable.profile.cloud).await;
            }
        };
        findings.skipped(Step::Dns, why);
        findings.skipped(Step::Tls, why);
        Some(())
    }

    /// Whether the authority has an address, and answers with a certificate that is trusted. What it answers does not matter.
    async fn reach(&self, findings: &mut Findings, cloud: &Cloud) -> Option<()> {
        let authority = &cloud.authority;
        let answered = self.probe(cloud).await;
        let reason = answered.as_ref().err().map(|problem| problem.reason);
        if reason != Some(Reason::HostNotFound) {
            let url = Url::parse(authority).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or(authority);
            findings.passed(Step::Dns, &format!("{host} has an address"));
        }
        let step = if reason == Some(Reason::HostNotFound) {
            Step::Dns
        } else {
            Step::Tls
        };
        taken(findings, step, answered)?;
        findings.passed(
            Step::Tls,
            &format!("{authority} answers, with a certificate that is trusted"),
        );
        Some(())
    }

    async fn probe(&self, cloud: &Cloud) -> Result<(), Problem> {
        let authority = &cloud.authority;
        let url = Url::parse(authority).map_err(|error| {
            let message = format!("the authority {authority:?} is no URL: {error}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })?;
        let request = Request {
            route: cloud.route.clone(),
            method: HttpMethod::GET,
            url,
            headers: Vec::new(),
            body: None,
            timeout: PROBE,
        };
        match self.http.send("Probe", authority, request).await {
            // More than is wanted is an answer, too.
            Err(problem) if problem.reason == Reason::MalformedAnswer => Ok(()),
            answered => answered.map(drop),
        }
    }

    async fn vault(
        &self,
        findings: &mut Findings,
        identities: &Arc<Identities>,
        usable: &Usable,
        sync: &sync_valid::Valid,
    ) {
        let needs: Vec<ObjectId> = sync.items.iter().flat_map(Item::needs).collect();
        let mut objects = needs.iter().filter_map(ObjectId::located);
        let first = objects.next();
        let first = first.and_then(|located| Some((sync.vault_of(located)?, &located.object)));
        let pushed = sync.pushes.first();
        let pushed = pushed.and_then(|push| Some((sync.vault.as_ref()?, &push.object)));
        let Some((vault, id)) = first.or(pushed) else {
            let why = "the sync wants no object of the vault";
            findings.skipped(Step::Vault, why);
            findings.skipped(Step::Role, why);
            return;
        };
        if taken(
            findings,
            Step::Vault,
            self.challenge(usable, vault, id).await,
        )
        .is_none()
        {
            return;
        }
        let told = format!("{vault} answers, and wants tokens of this identity's cloud");
        findings.passed(Step::Vault, &told);
        if first.is_none() {
            let why = "nothing is read, and what may be written is not tried: see condition Pushed";
            findings.skipped(Step::Role, why);
            return;
        }
        let reader = Reader::new(
            Arc::clone(identities),
            self.http.clone(),
            usable.clone(),
            vault.clone(),
        );
        if let Some(bundle) = taken(findings, Step::Role, reader.get(id).await) {
            let told = format!(
                "{} may read {id} (now at version {})",
                usable.profile, bundle.version
            );
            findings.passed(Step::Role, &told);
        }
    }

    /// Asks the vault without a token: it must refuse, and say that it wants one of this identity's cloud and tenant.
    async fn challenge(
        &self,
        usable: &Usable,
        vault: &VaultUri,
        id: &Object,
    ) -> Result<(), Problem> {
        let profile = &usable.profile;
        let nothing = SecretValue::new(Vec::new());
        let mut request = key_vault::request(profile, vault, id, &nothing)?;
        request
            .headers
            .retain(|(name, _)| name != header::AUTHORIZATION);
        let answer = self.http.send("Probe", vault.origin(), request).await?;
        let read = key_vault::read(profile, vault, id, &answer, Timestamp::now());
        let reached = |reason| {
            matches!(
                reason,
                Reason::Unauthorized
                    | Reason::Forbidden
                    | Reason::RequestRefused
                    | Reason::ObjectNotFound
                    | Reason::ObjectDisabled
            )
        };
        match read {
            Err(problem) if !reached(problem.reason) => Err(problem),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The good outcome, or nothing where the step failed, which is noted.
fn taken<T>(findings: &mut Findings, step: Step, outcome: Result<T, Problem>) -> Option<T> {
    outcome
        .map_err(|problem| findings.failed(step, &problem))
        .ok()
}

/// Whether the sync's vaults are known, and the identity is lent to its namespace for them and for every object.
fn lent(identities: &Identities, valid: &Valid, sync: &sync_valid::Valid) -> Result<(), Problem> {
    let labels = identities.namespace_labels(&sync.namespace);
    let borrower = Borrower {
        namespace: &sync.namespace,
        labels: &labels,
    };
    for vault in &sync.vaults() {
        if let Some(problem) = sync.referred.why_not(vault) {
            return Err(problem.clone());
        }
        grant::allows_vault(valid, borrower, vault)?;
    }
    let mut items = sync.items.iter();
    items.try_for_each(|item| lender::allows(valid, borrower, sync, item))
}

/// Whether anything of the sync comes by an identity.
fn needs_identity(sync: &sync_valid::Valid) -> bool {
    !sync.pushes.is_empty() || sync.items.iter().any(lender::needs_identity)
}

/// The tokens that are needed: one for Key Vault where something is read or written there, and each that is handed out.
fn wants(usable: &Usable, sync: Option<&sync_valid::Valid>) -> Vec<Want> {
    let vaults = || Want::ours(usable.profile.cloud.vault_audience.clone());
    let Some(sync) = sync else {
        return vec![vaults()];
    };
    let want = |need: ObjectId| match need {
        ObjectId::Object(_) => Some(vaults()),
        ObjectId::Token(TokenOf::Identity { resource, .. }) => Some(Want::handed_out(resource)),
        ObjectId::Token(TokenOf::MlServer(_)) => None,
    };
    let wants = sync.items.iter().flat_map(Item::needs).filter_map(want);
    let wants = wants.chain((!sync.pushes.is_empty()).then(vaults));
    wants.collect::<BTreeSet<Want>>().into_iter().collect()
}

async fn tokens(
    findings: &mut Findings,
    identities: &Identities,
    usable: &Usable,
    wants: &[Want],
) -> Option<()> {
    let mut given = Vec::new();
    let mut failed = None;
    for want in wants {
        match identities.token(usable, want).await {
            Ok(token) => given.push(format!("{} until {:.0}", want.resource, token.expires_at)),
            Err(problem) => {
                failed = Some(problem);
                break;
            }
        }
    }
    let report = identities.report(&usable.valid).unwrap_or_default();
    let by = report.winner();
    let by = by.map_or_else(|| usable.valid.method.word(), Link::name);
    if let Some(problem) = &failed {
        findings.failed(Step::Token, problem);
    } else {
        let told = format!("{by} gave a token for {}", given.join(", and for "));
        findings.passed(Step::Token, &told);
    }
    findings.attempted(&report.attempts);
    failed.is_none().then_some(())
}
