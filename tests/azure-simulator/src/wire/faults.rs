//! Faults on demand: which requests they meet, and what they do to them.

use std::{sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

use globset::{GlobBuilder, GlobMatcher};
use http::Method;
use parking_lot::RwLock;
use regex::Regex;
use serde::Serialize;

use super::fault_spec::{Effect, FaultSpec, Kind};

#[derive(Debug)]
struct Fault {
    id: u64,
    spec: FaultSpec,
    host: GlobMatcher,
    path: Option<Regex>,
    methods: Vec<Method>,
    kind: Kind,
    left: Option<AtomicUsize>,
}

impl Fault {
    fn of_spec(id: u64, spec: FaultSpec) -> Result<Self, String> {
        let kind = spec.fault.kind()?;
        if let Kind::Effect(Effect::Status { status, .. }) = kind
            && http::StatusCode::from_u16(status).is_err()
        {
            return Err(format!("status {status} is none"));
        }
        if let Kind::Effect(Effect::ClaimsChallenge(wanted)) = &kind
            && !matches!(
                serde_json::from_str(&wanted.claims),
                Ok(serde_json::Value::Object(_))
            )
        {
            return Err("claims must be the text of a JSON object".to_owned());
        }
        if !(0.0..=1.0).contains(&spec.share) {
            return Err("share must be 0 to 1".to_owned());
        }
        let of_host = matches!(
            kind,
            Kind::DnsFailure | Kind::UntrustedCertificate | Kind::ConnectionRefused
        );
        if of_host
            && (spec.path.is_some()
                || !spec.operations.is_empty()
                || !spec.methods.is_empty()
                || spec.count.is_some()
                || spec.share < 1.0)
        {
            return Err(
                "dnsFailure, untrustedCertificate and connectionRefused are about a host: no path, methods, operations, \
                 share or count"
                    .to_owned(),
            );
        }
        let glob = spec.host.to_ascii_lowercase();
        let host = GlobBuilder::new(&glob)
            .build()
            .map_err(|error| error.to_string())?
            .compile_matcher();
        let path = spec
            .path
            .as_deref()
            .map(Regex::new)
            .transpose()
            .map_err(|error| error.to_string())?;
        let methods = spec
            .methods
            .iter()
            .map(|method| Method::from_bytes(method.to_ascii_uppercase().as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let left = spec.count.map(AtomicUsize::new);
        Ok(Self {
            id,
            spec,
            host,
            path,
            methods,
            kind,
            left,
        })
    }

    /// Whether this fault hits the request; a hit is counted.
    fn hits(&self, host: &str, path: &str, method: &Method, operation: &str) -> bool {
        self.host.is_match(host)
            && self.path.as_ref().is_none_or(|regex| regex.is_match(path))
            && (self.methods.is_empty() || self.methods.contains(method))
            && (self.spec.operations.is_empty()
                || self
                    .spec
                    .operations
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(operation)))
            && (self.spec.share >= 1.0 || rand::random::<f64>() < self.spec.share)
            && self.left.as_ref().is_none_or(|left| {
                left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                    count.checked_sub(1)
                })
                .is_ok()
            })
    }
}

/// What the faults in force say about one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) latency: Duration,
    pub(crate) effect: Option<Effect>,
    /// Id of the fault with the effect.
    pub(crate) fault: u64,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    faults: Vec<Fault>,
}

/// A fault in force, as the admin API lists it.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    id: u64,
    #[serde(flatten)]
    spec: FaultSpec,
    /// Hits left, when they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
}

/// The faults in force, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults(RwLock<State>);

impl Faults {
    /// Adds a fault and gives its id.
    pub(crate) fn add(&self, spec: FaultSpec) -> Result<u64, String> {
        let mut state = self.0.write();
        let id = state.next_id + 1;
        let fault = Fault::of_spec(id, spec)?;
        state.next_id = id;
        state.faults.push(fault);
        Ok(id)
    }

    /// Lifts one; `false` when there is none of that id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut state = self.0.write();
        let before = state.faults.len();
        state.faults.retain(|fault| fault.id != id);
        state.faults.len() != before
    }

    pub(crate) fn clear(&self) {
        self.0.write().faults.clear();
    }

    pub(crate) fn list(&self) -> Vec<Listed> {
        let shown = |fault: &Fault| Listed {
            id: fault.id,
            spec: fault.spec.clone(),
            left: fault.left.as_ref().map(|left| left.load(Ordering::Acquire)),
        };
        self.0.read().faults.iter().map(shown).collect()
    }

    /// Latencies add up; the first other fault that hits ends the search.
    pub(crate) fn meet(&self, host: &str, path: &str, method: &Method, operation: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for fault in &self.0.read().faults {
            if !fault.hits(host, path, method, operation) {
                continue;
            }
            verdict.effect = match &fault.kind {
                Kind::Latency(latency) => {
                    verdict.latency += *latency;
                    continue;
                }
                Kind::Effect(effect) => {
                    verdict.fault = fault.id;
                    Some(effect.clone())
                }
                // Reached by the path form or an open connection: the name would not have resolved, or not verified.
                Kind::DnsFailure | Kind::UntrustedCertificate | Kind::ConnectionRefused => {
                    Some(Effect::Unreachable)
                }
            };
            break;
        }
        verdict
    }

    /// Whether the name shall not resolve.
    pub(crate) fn dns_failure(&self, host: &str) -> bool {
        self.any_of_host(host, &Kind::DnsFailure)
    }

    /// Whether the host shows a certificate of an unknown CA.
    pub(crate) fn untrusted_certificate(&self, host: &str) -> bool {
        self.any_of_host(host, &Kind::UntrustedCertificate)
    }

    /// Whether the host's name leads to where nobody listens.
    pub(crate) fn refused_connection(&self, host: &str) -> bool {
        self.any_of_host(host, &Kind::ConnectionRefused)
    }

    fn any_of_host(&self, host: &str, kind: &Kind) -> bool {
        self.0
            .read()
            .faults
            .iter()
            .any(|fault| fault.kind == *kind && fault.host.is_match(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(specs: &[&str]) -> Faults {
        let faults = Faults::default();
        for spec in specs {
            faults.add(serde_json::from_str(spec).unwrap()).unwrap();
        }
        faults
    }

    fn status_at(faults: &Faults, host: &str, path: &str, method: &Method) -> bool {
        faults.meet(host, path, method, "Op").effect.is_some()
    }

    #[test]
    fn a_fault_meets_its_host_path_and_method_only() {
        let faults = faults(&[
            r#"{"host":"kv-*.vault.sim.test","path":"^/secrets/.*","methods":["get"],"fault":{"status":500}}"#,
        ]);
        assert!(status_at(
            &faults,
            "kv-a.vault.sim.test",
            "/secrets/x",
            &Method::GET
        ));
        assert!(!status_at(
            &faults,
            "other.vault.sim.test",
            "/secrets/x",
            &Method::GET
        ));
        assert!(!status_at(
            &faults,
            "kv-a.vault.sim.test",
            "/deletedsecrets/x",
            &Method::GET
        ));
        assert!(!status_at(
            &faults,
            "kv-a.vault.sim.test",
            "/secrets/x",
            &Method::PUT
        ));
    }

    #[test]
    fn a_fault_meets_its_operations_only() {
        let faults = faults(&[r#"{"operations":["getVault"],"fault":{"cut":true}}"#]);
        let met = |operation| faults.meet("h", "/", &Method::GET, operation).effect;
        assert_eq!(met("GetVault"), Some(Effect::Unreachable));
        assert_eq!(met("DeleteVault"), None);
    }

    #[test]
    fn a_count_runs_out() {
        let faults = faults(&[r#"{"count":2,"fault":{"hang":true}}"#]);
        let hits = (0..5)
            .filter(|_| status_at(&faults, "h", "/", &Method::GET))
            .count();
        assert_eq!(hits, 2);
    }

    #[test]
    fn a_share_of_none_hits_nothing_and_of_half_some() {
        assert!(!status_at(
            &faults(&[r#"{"share":0.0,"fault":{"hang":true}}"#]),
            "h",
            "/",
            &Method::GET
        ));
        let faults = faults(&[r#"{"share":0.5,"fault":{"hang":true}}"#]);
        let hits = (0..2000)
            .filter(|_| status_at(&faults, "h", "/", &Method::GET))
            .count();
        assert!((700..1300).contains(&hits), "{hits}");
    }

    #[test]
    fn latencies_add_up_before_the_first_effect() {
        let faults = faults(&[
            r#"{"fault":{"latencyMs":10}}"#,
            r#"{"fault":{"latencyMs":20}}"#,
            r#"{"fault":{"emptyBody":true}}"#,
            r#"{"fault":{"latencyMs":40}}"#,
        ]);
        let verdict = faults.meet("h", "/", &Method::GET, "Op");
        assert_eq!(
            verdict,
            Verdict {
                latency: Duration::from_millis(30),
                effect: Some(Effect::EmptyBody),
                fault: 3,
            }
        );
    }

    #[test]
    fn a_fault_of_no_kind_or_two_is_refused() {
        let refused = |spec: &str| {
            Faults::default()
                .add(serde_json::from_str(spec).unwrap())
                .is_err()
        };
        assert!(refused(r#"{"fault":{}}"#));
        assert!(refused(r#"{"fault":{"hang":true,"emptyBody":true}}"#));
        assert!(refused(r#"{"fault":{"hang":true,"retryAfter":3}}"#));
        assert!(refused(r#"{"path":"^/x","fault":{"dnsFailure":true}}"#));
        assert!(refused(r#"{"path":"(","fault":{"hang":true}}"#));
        assert!(refused(r#"{"fault":{"status":99}}"#));
        assert!(refused(r#"{"fault":{"claimsChallenge":{"claims":"x"}}}"#));
    }

    #[test]
    fn a_dns_fault_is_about_its_host() {
        let faults = faults(&[r#"{"host":"a.*","fault":{"dnsFailure":true}}"#]);
        assert!(faults.dns_failure("a.vault.sim.test"));
        assert!(!faults.dns_failure("b.vault.sim.test"));
        assert!(!faults.untrusted_certificate("a.vault.sim.test"));
    }
}
