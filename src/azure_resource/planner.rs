//! What a kind decides, for an engine that carries it out. Pure.
//!
//! The engine asks [`Planner::next`] again and again with what was seen so far in a round. It says one thing: what to read, what
//! to write, what to wait for, or that nothing is to be done. The engine carries that out, adds what came of it to what was seen,
//! and asks again. Nothing is written that no read of the same round calls for.

use std::fmt::{Debug, Display};
use std::ops::Deref;

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::core::object::HasStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::{ResourceSpec, ResourceStatus};
use super::note::{self, Note, Polled};
use super::owner::Owner;
use super::valid::Common;
use crate::azure::arm::budget::Calls;
use crate::azure_identity::valid::Usable;
use crate::problem::Problem;

/// What to do next: `L` is what can be read, `S` what can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<L, S> {
    /// Azure must be asked how far the operation under way is.
    Poll,
    /// Something must be read.
    Look(L),
    /// Something must be written.
    Do(S),
    /// Nothing can be done before something changes.
    Wait(Problem),
    /// Everything is as it should be.
    Rest,
}

/// What the last write shows as, after which the object goes.
pub const LETS_GO: &str = "let this object go";

/// A write. It shows as `status.plan` says it.
pub trait Write: Display {
    /// Its word in `status.operation`; none where repeating it harms nobody, so that no note is made of it.
    fn noted(&self) -> Option<&'static str>;

    /// Whether something is lost by it.
    fn destroys(&self) -> bool;

    /// Whether it is the last one: nothing is left to be done in Azure, and the object may go.
    fn lets_go(&self) -> bool;

    /// Whether it makes the resource.
    fn creates(&self) -> bool;
}

/// What reads have shown so far in one round: what is the same for every kind. What is `None` was not looked at.
pub trait Sees: Clone + Default + Send + Sync {
    /// How the operation under way stands.
    fn operation(&mut self) -> &mut Option<Polled>;

    /// Whether a write was refused because the provider is not registered.
    fn unregistered(&mut self) -> &mut bool;
}

/// What is kept of a resource from round to round, in its status: what is the same for every kind.
pub trait Keeps: Clone + Default + PartialEq + Send + Sync {
    /// A write whose outcome is not known.
    fn note(&self) -> Option<&Note>;

    /// Keeps another note.
    fn set_note(&mut self, note: Option<Note>);

    /// Keeps the note of a write that is about to be sent.
    fn notes(&mut self, note: Note) {
        let noted = note::noted(self.note(), note);
        self.set_note(Some(noted));
    }

    /// The generation that was written as a whole.
    fn applied(&self) -> Option<i64>;

    /// The resource's id, since it was first seen.
    fn azure_id(&self) -> Option<&str>;
}

/// How an object stands that is being deleted.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Names of `VaultSecretSyncs` that still name it.
    pub syncs: &'a [String],
}

/// Everything that a decision follows from, apart from what was seen.
#[derive(Debug)]
pub struct Inputs<'a, P: Planner> {
    /// The spec.
    pub valid: &'a P::Valid,
    /// What it wants of the resource.
    pub desired: &'a P::Desired,
    /// Whose the resource is to be.
    pub owner: &'a Owner,
    /// What is known from earlier rounds.
    pub record: &'a P::Record,
    /// How the object stands that is being deleted; none where it is not.
    pub leaving: Option<Leaving<'a>>,
    /// Whether what costs more than a read of the resource itself is looked at, too: roles, its data plane.
    pub deep: bool,
    /// The time.
    pub now: Timestamp,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// Something stands in the way.
    pub problem: bool,
    /// Nothing was written, whatever was planned.
    pub dry: bool,
}

/// What a round came to, for the status.
#[derive(Debug)]
pub struct Report<'a, P: Planner> {
    /// What it was about; none where the spec or the identity could not be used.
    pub inputs: Option<Inputs<'a, P>>,
    /// What was seen.
    pub seen: &'a P::Seen,
    /// What is kept.
    pub record: &'a P::Record,
    /// What would be done, where it is not.
    pub planned: &'a [String],
    /// What stands in the way.
    pub problem: Option<&'a Problem>,
    /// Whether the object is being deleted.
    pub leaving: bool,
    /// The annotation that was acted upon.
    pub sync_at: Option<String>,
}

/// A kind of resource, as far as it decides and says.
pub trait Planner:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + HasStatus<Status: Clone + Debug + Default + PartialEq + Send + Sync>
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Plural name of the kind, for URLs and metrics.
    const PLURAL: &'static str;
    /// Conditions that are `True` where all was done for a spec, so that a restart costs one read.
    const WHOLE: &'static [&'static str];

    /// Its spec, parsed.
    type Valid: Deref<Target = Common> + Clone + Debug + Send + Sync;
    /// What that wants of the resource.
    type Desired: Debug + Send + Sync;
    /// What was seen.
    type Seen: Sees + Debug;
    /// A read.
    type Look: Debug + Send + Sync;
    /// A write.
    type Step: Write + Debug + Send + Sync;
    /// What is kept.
    type Record: Keeps + Debug;

    /// What its spec says in the same way as every kind's.
    fn said(&self) -> &ResourceSpec;

    /// What it is called in messages.
    fn noun(valid: &Self::Valid) -> &'static str;

    /// The resource provider.
    fn provider(valid: &Self::Valid) -> &'static str;

    /// Reads the object.
    fn parse(&self) -> Result<Self::Valid, Problem>;

    /// What the spec wants of the resource, in the cloud and the tenant of its identity.
    fn desired(&self, valid: &Self::Valid, identity: &Usable) -> Result<Self::Desired, Problem>;

    /// Decides what is next.
    fn next(inputs: &Inputs<'_, Self>, seen: &Self::Seen) -> Next<Self::Look, Self::Step>;

    /// Adds to what was seen what a step would change, if it were done.
    fn assume(inputs: &Inputs<'_, Self>, step: &Self::Step, seen: &mut Self::Seen);

    /// Whether a look at what there really is shows nothing of what it would show once all that is planned is done.
    fn is_only_planned(look: &Self::Look, real: &Self::Seen) -> bool;

    /// Adds what such a look would show then.
    fn imagine(look: &Self::Look, seen: &mut Self::Seen);

    /// Adds what a look has really shown to what is assumed.
    fn copy(look: &Self::Look, real: &Self::Seen, seen: &mut Self::Seen);

    /// What is kept after a round.
    fn recorded(inputs: &Inputs<'_, Self>, seen: &Self::Seen, ending: Ending) -> Self::Record;

    /// What is kept no longer, now that a write is about to be sent.
    fn begins(_record: &mut Self::Record, _step: &Self::Step) {}

    /// Writes down what is kept.
    fn keep(status: &mut Self::Status, record: &Self::Record);

    /// Reads it back.
    fn kept(status: &Self::Status) -> Self::Record;

    /// What every resource has in its status.
    fn resource(status: &Self::Status) -> &ResourceStatus;

    /// The status after a round.
    fn report(
        old: &Self::Status,
        generation: Option<i64>,
        report: &Report<'_, Self>,
        now: Timestamp,
    ) -> Self::Status;

    /// How many calls a look takes at least: one that makes the resource, or one that finds it.
    fn takes(is_new: bool) -> Calls;

    /// When a look is due before its time: where something that this object has made is to be made anew, or something settles.
    fn rotation(valid: &Self::Valid, seen: &Self::Seen, now: Timestamp) -> Option<Timestamp>;

    /// What a resource that is not there yet will be: fields as the spec names them, with their values.
    fn described(inputs: &Inputs<'_, Self>) -> Vec<(String, String)>;
}
