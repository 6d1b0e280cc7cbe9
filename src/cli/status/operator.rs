//! How an operator stands, from its Deployment and its Lease. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use serde::Serialize;

use super::standing::{Finding, State};

/// The name of the Lease where nothing else is said.
pub(super) const LEASE: &str = "lakevault";
/// The label of the chart.
pub(super) const SELECTOR: &str = "app.kubernetes.io/name=lakevault";
/// Another replica leads by now where the Lease is so old; a clock that is wrong by seconds does no harm.
const STALE: SignedDuration = SignedDuration::from_secs(30);

/// What came of reading something.
pub(super) enum Look<T> {
    /// It is there.
    Found(T),
    /// It is not there.
    Absent,
    /// The caller may not read it, or it could not be read.
    Unread(String),
}

/// An operator, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operator {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Replicas that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<i32>,
    /// Replicas that there should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replicas: Option<i32>,
    /// Who leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader: Option<String>,
    /// When the Lease was last renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) renewed: Option<Timestamp>,
    /// The worst of what is to be known.
    pub(super) state: State,
    /// What is to be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<Finding>,
}

/// The Lease by which the replicas of a Deployment agree; none where they do not.
pub(super) fn lease_name(deployment: &Deployment) -> Option<String> {
    let spec = deployment.spec.template.spec.as_ref()?;
    let container = spec.containers.first()?;
    let arguments: Vec<&str> = container
        .args
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let elects = |argument: &&str| matches!(*argument, "--leader-elect" | "--leader-elect=true");
    arguments.iter().find(|argument| elects(argument))?;
    let named = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--lease-name="));
    Some(named.unwrap_or(LEASE).to_owned())
}

impl Operator {
    /// Judges an operator. `lease` is none where its replicas do not agree by one.
    pub(super) fn of(
        namespace: &str,
        deployment: &Look<Deployment>,
        lease: Option<&Look<Lease>>,
        now: Timestamp,
    ) -> Self {
        let mut operator = Self::nothing(namespace);
        match deployment {
            Look::Found(found) => operator.runs(found),
            Look::Absent => {}
            Look::Unread(why) => operator.unread("Deployments", why),
        }
        match lease {
            Some(Look::Found(found)) => operator.leads(found, now),
            Some(Look::Unread(why)) => operator.unread("the Lease", why),
            Some(Look::Absent) if operator.deployment.is_some() => operator.nobody(None),
            Some(Look::Absent) | None => {}
        }
        if operator == Self::nothing(namespace) {
            let message = format!(
                "namespace {namespace} has neither a Deployment with the label {SELECTOR} nor a Lease {LEASE}. Mend: name its namespace with --operator-namespace, or install it"
            );
            operator.tell(State::Warning, "OperatorNotFound", &message, None);
        }
        let worst = operator.findings.iter().map(|finding| finding.state).max();
        operator.state = worst.unwrap_or(State::Ok);
        operator
    }

    fn nothing(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            deployment: None,
            version: None,
            ready: None,
            replicas: None,
            leader: None,
            renewed: None,
            state: State::Ok,
            findings: Vec::new(),
        }
    }

    fn tell(&mut self, state: State, reason: &str, message: &str, since: Option<Timestamp>) {
        self.findings
            .push(Finding::new(state, reason, message, since));
    }

    fn unread(&mut self, what: &str, why: &str) {
        let message = format!(
            "{what} in namespace {} could not be read: {why}",
            self.namespace
        );
        self.tell(State::Warning, "NotReadable", &message, None);
    }

    fn runs(&mut self, deployment: &Deployment) {
        let labels = deployment.metadata.labels.as_ref();
        let version = labels.and_then(|labels| labels.get("app.kubernetes.io/version"));
        let wanted = deployment.spec.replicas;
        let ready = deployment
            .status
            .as_ref()
            .and_then(|status| status.ready_replicas);
        let (wanted, ready) = (wanted.unwrap_or(1), ready.unwrap_or_default());
        let name = deployment.metadata.name.clone().unwrap_or_default();
        let look = format!(
            "kubectl -n {} describe deployment {name}; kubectl -n {} logs deployment/{name}",
            self.namespace, self.namespace
        );
        self.version = version.cloned();
        (self.ready, self.replicas) = (Some(ready), Some(wanted));
        if wanted == 0 {
            let message = format!(
                "its Deployment is scaled to 0. Mend: kubectl -n {} scale deployment {name} --replicas 2",
                self.namespace
            );
            self.tell(State::Problem, "ScaledToZero", &message, None);
        } else if ready == 0 {
            let message = format!("none of its {wanted} replicas is ready. Mend: {look}");
            self.tell(State::Problem, "NotReady", &message, None);
        } else if ready < wanted {
            let message = format!("{ready} of its {wanted} replicas are ready. Mend: {look}");
            self.tell(State::Warning, "NotAllReady", &message, None);
        }
        self.deployment = Some(name);
    }

    fn leads(&mut self, lease: &Lease, now: Timestamp) {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref());
        let holder = holder.filter(|holder| !holder.is_empty());
        let renewed = spec.and_then(|spec| spec.renew_time.as_ref().map(|time| time.0));
        self.renewed = renewed;
        let stale = renewed.is_none_or(|renewed| now.duration_since(renewed) > STALE);
        match holder {
            // What follows the name of the pod tells one process from the next.
            Some(holder) if !stale => {
                let pod = holder.rsplit_once('_').map_or(holder, |(pod, _)| pod);
                self.leader = Some(pod.to_owned());
            }
            _ if stale => self.nobody(renewed),
            _ => {
                let message = "the last leader has just given the Lease back";
                self.tell(State::Waiting, "NobodyLeads", message, renewed);
            }
        }
    }

    fn nobody(&mut self, since: Option<Timestamp>) {
        let message = format!(
            "nobody holds its Lease, so nothing is looked at. Mend: see whether its pods run and what they log: kubectl -n {} get pods -l {SELECTOR}",
            self.namespace
        );
        self.tell(State::Problem, "NobodyLeads", &message, since);
    }
}

#[cfg(test)]
#[path = "operator_tests.rs"]
mod tests;
