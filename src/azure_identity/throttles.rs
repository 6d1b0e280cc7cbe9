//! Tenants that limit token requests: nobody asks such a tenant before it allows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::azure::auth::Profile;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// A limit counts for a tenant of an authority.
type Tenant = (String, String);

/// Until when each tenant wants to be left alone.
#[derive(Debug, Default)]
pub struct Throttles(Mutex<BTreeMap<Tenant, (Timestamp, Problem)>>);

impl Throttles {
    /// Whether a tenant may be asked now; if not, the problem that it answered with and the time that is left.
    pub fn admit(&self, profile: &Profile, now: Timestamp) -> Result<(), Problem> {
        let mut throttles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are over are forgotten here, so that the map does not grow.
        throttles.retain(|_, (until, _)| *until > now);
        let Some((until, problem)) = throttles.get(&tenant(profile)) else {
            return Ok(());
        };
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Err(Problem {
            retry: Retry::After(left),
            ..problem.clone()
        })
    }

    /// Notes what an answer said.
    pub fn saw(&self, profile: &Profile, problem: Option<&Problem>, now: Timestamp) {
        if let Some(problem) = problem
            && problem.reason == Reason::Throttled
            && let Retry::After(pause) = problem.retry
            && let Ok(until) = now.checked_add(pause)
        {
            let mut throttles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            throttles.insert(tenant(profile), (until, problem.clone()));
        }
    }
}

fn tenant(profile: &Profile) -> Tenant {
    let tenant = profile.tenant.as_ref().map(ToString::to_string);
    (
        profile.cloud.authority.clone(),
        tenant.unwrap_or_default().to_ascii_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::azure::cloud::Cloud;
    use crate::azure_identity::api::CloudName;

    #[test]
    fn a_limit_is_of_one_tenant_and_ends() {
        let profile = |name: CloudName, tenant: &str| Profile {
            cloud: Arc::new(Cloud::named(name)),
            tenant: Some(tenant.parse().unwrap()),
            client: None,
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let throttles = Throttles::default();
        let limited = Problem::new(
            Reason::Throttled,
            Retry::After(Duration::from_mins(1)),
            "wait",
        );
        throttles.saw(&profile(CloudName::Public, "A.test"), Some(&limited), at(0));
        let admitted = |name, tenant: &str, now| throttles.admit(&profile(name, tenant), at(now));
        let refused = admitted(CloudName::Public, "a.test", 20).unwrap_err();
        assert_eq!(refused.retry, Retry::After(Duration::from_secs(40)));
        assert!(admitted(CloudName::Public, "b.test", 20).is_ok());
        assert!(admitted(CloudName::China, "a.test", 20).is_ok());
        assert!(admitted(CloudName::Public, "a.test", 60).is_ok());
    }
}
