//! What a `KeyVault` decides and says, for the engine. Pure.

use jiff::Timestamp;

use super::api::{KeyVault, KeyVaultStatus};
use super::desired::{Capabilities, Desired};
use super::plan::{
    Inputs, Look, Next, PROPAGATING, Record, SecretSeen, Seen, Step, assume, created, next,
    propagates,
};
use super::recorded::{keep, kept, recorded};
use super::sight::{copy, imagine, is_absent, is_untouched};
use super::status::{PLANE, status};
use super::valid::{Valid, desired, parse};
use super::vault::described;
use crate::azure::arm::ApiVersions;
use crate::azure::arm::budget::Calls;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::{ResourceSpec, ResourceStatus};
use crate::azure_resource::planner::{Ending, Planner, Report};
use crate::azure_resource::status::READY;
use crate::names::TenantId;
use crate::problem::Problem;
use crate::retry::after;

/// What it is called in messages.
pub(super) const NOUN: &str = "vault";

impl Planner for KeyVault {
    const PLURAL: &'static str = super::PLURAL;
    const WHOLE: &'static [&'static str] = &[READY, PLANE];

    type Valid = Valid;
    type Desired = Desired;
    type Seen = Seen;
    type Look = Look;
    type Step = Step;
    type Record = Record;

    fn said(&self) -> &ResourceSpec {
        &self.spec.resource
    }

    fn noun(_valid: &Valid) -> &'static str {
        NOUN
    }

    fn provider(_valid: &Valid) -> &'static str {
        "Microsoft.KeyVault"
    }

    fn parse(&self) -> Result<Valid, Problem> {
        parse(self)
    }

    fn desired(&self, valid: &Valid, identity: &Usable) -> Result<Desired, Problem> {
        let cloud = Capabilities::of(ApiVersions::of(&identity.profile.cloud));
        let tenant = identity.profile.tenant.as_ref().map(TenantId::as_str);
        desired(&self.spec, valid, tenant, cloud)
    }

    fn next(inputs: &Inputs<'_>, seen: &Seen) -> Next {
        next(inputs, seen)
    }

    fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
        assume(inputs, step, seen);
    }

    fn is_only_planned(look: &Look, real: &Seen) -> bool {
        is_absent(real) && !is_untouched(look, real)
    }

    fn imagine(look: &Look, seen: &mut Seen) {
        imagine(look, seen);
    }

    fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
        copy(look, real, seen);
    }

    fn recorded(inputs: &Inputs<'_>, seen: &Seen, ending: Ending) -> Record {
        recorded(inputs, seen, ending)
    }

    fn keep(status: &mut KeyVaultStatus, record: &Record) {
        keep(status, record);
    }

    fn kept(status: &KeyVaultStatus) -> Record {
        kept(status)
    }

    fn resource(status: &KeyVaultStatus) -> &ResourceStatus {
        &status.resource
    }

    fn report(
        old: &KeyVaultStatus,
        generation: Option<i64>,
        report: &Report<'_, Self>,
        now: Timestamp,
    ) -> KeyVaultStatus {
        status(old, generation, report, now)
    }

    /// One that finds no vault looks for a deleted one and for the group, checks the name and creates it.
    fn takes(is_new: bool) -> Calls {
        let (reads, writes) = if is_new { (3, 2) } else { (1, 1) };
        Calls {
            reads,
            writes,
            deletes: 0,
        }
    }

    /// When the next secret is made up anew, and while roles may not be known yet that were given just now.
    fn rotation(valid: &Valid, seen: &Seen, now: Timestamp) -> Option<Timestamp> {
        let ends = valid.seeds.iter().filter_map(|seed| {
            let SecretSeen::Present {
                created: Some(created),
                ours: true,
                ..
            } = seen.secrets.get(seed.name.as_str())?
            else {
                return None;
            };
            Some(after(*created, seed.rotate_after?))
        });
        let settling = propagates(valid, seen, now).map(|_| after(now, PROPAGATING));
        ends.chain(settling).min()
    }

    fn described(inputs: &Inputs<'_>) -> Vec<(String, String)> {
        described(&created(inputs))
    }
}
