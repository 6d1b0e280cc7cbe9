//! What a `DataLakeAccount` decides and says, for the engine. Pure.

use jiff::Timestamp;

use super::api::{DataLakeAccount, DataLakeAccountStatus, Generation};
use super::generation::{Desired, words};
use super::plan::{Inputs, Look, Next, Record, Seen, Step, assume, created, next};
use super::recorded::{begins, keep, kept, recorded};
use super::sight::{copy, imagine, is_absent, is_untouched};
use super::status::status;
use super::valid::{Valid, desired, parse};
use crate::azure::arm::ApiVersions;
use crate::azure::arm::budget::Calls;
use crate::azure::webhdfs;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::{ResourceSpec, ResourceStatus};
use crate::azure_resource::planner::{Ending, Planner, Report};
use crate::azure_resource::status::READY;
use crate::problem::Problem;

impl Planner for DataLakeAccount {
    const PLURAL: &'static str = super::PLURAL;
    const WHOLE: &'static [&'static str] = &[READY];

    type Valid = Valid;
    type Desired = Desired;
    type Seen = Seen;
    type Look = Look;
    type Step = Step;
    type Record = Record;

    fn said(&self) -> &ResourceSpec {
        &self.spec.resource
    }

    fn noun(valid: &Valid) -> &'static str {
        words(valid.service).noun
    }

    fn provider(valid: &Valid) -> &'static str {
        words(valid.service).provider
    }

    fn parse(&self) -> Result<Valid, Problem> {
        parse(self)
    }

    fn desired(&self, valid: &Valid, identity: &Usable) -> Result<Desired, Problem> {
        if valid.service == Generation::Gen1 {
            webhdfs::store(&identity.profile)?;
        }
        let versions = ApiVersions::of(&identity.profile.cloud);
        desired(&self.spec, valid, versions)
    }

    fn next(inputs: &Inputs<'_>, seen: &Seen) -> Next {
        next(inputs, seen)
    }

    fn assume(inputs: &Inputs<'_>, step: &Step, seen: &mut Seen) {
        assume(inputs, step, seen);
    }

    fn is_only_planned(look: &Look, real: &Seen) -> bool {
        is_absent(real) && !is_untouched(look)
    }

    fn imagine(look: &Look, seen: &mut Seen) {
        imagine(look, seen);
    }

    fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
        copy(look, real, seen);
    }

    fn begins(record: &mut Record, step: &Step) {
        begins(record, step);
    }

    fn recorded(inputs: &Inputs<'_>, seen: &Seen, ending: Ending) -> Record {
        recorded(inputs, seen, ending)
    }

    fn keep(status: &mut DataLakeAccountStatus, record: &Record) {
        keep(status, record);
    }

    fn kept(status: &DataLakeAccountStatus) -> Record {
        kept(status)
    }

    fn resource(status: &DataLakeAccountStatus) -> &ResourceStatus {
        &status.resource
    }

    fn report(
        old: &DataLakeAccountStatus,
        generation: Option<i64>,
        report: &Report<'_, Self>,
        now: Timestamp,
    ) -> DataLakeAccountStatus {
        status(old, generation, report, now)
    }

    /// One that finds no account looks for the group, checks the name and creates it.
    fn takes(is_new: bool) -> Calls {
        let (reads, writes) = if is_new { (2, 2) } else { (1, 1) };
        Calls {
            reads,
            writes,
            deletes: 0,
        }
    }

    fn rotation(_valid: &Valid, seen: &Seen, now: Timestamp) -> Option<Timestamp> {
        seen.due.filter(|due| *due > now)
    }

    fn described(inputs: &Inputs<'_>) -> Vec<(String, String)> {
        created(inputs, None).described()
    }
}
