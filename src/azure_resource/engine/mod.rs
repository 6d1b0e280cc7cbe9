//! What carries the plan of a kind out: one thing after the other, until nothing is left or something stands in the way.
//!
//! A kind is a [`Planner`], which decides and says and is pure, and a [`Kind`], which reads and writes what is its own. Everything
//! else is here once: the list of steps of a reconcile, the order of a round, notes before writes, the budget, the finalizer.

pub mod ctx;
mod eyes;
pub mod memories;
pub mod reconcile;
mod resources;
pub mod round;
mod writes;

use std::future::{Future, ready};

pub use self::ctx::{Ctx, Shared};
pub use self::eyes::Eyes;
pub use self::reconcile::reconcile;
pub use self::resources::Resources;
pub use self::round::{Came, Round, Wanted};
use super::planner::{Inputs, Planner};
use super::sight::Sight;
use crate::azure::arm::{Call, Poll, Reply, Subject};
use crate::problem::Problem;

/// A kind of resource, as far as it reads and writes.
pub trait Kind: Planner {
    /// What it needs besides what every kind does, for all its objects.
    type Own: Send + Sync;

    /// Names of `VaultSecretSyncs` that name an object that is being deleted.
    fn named_by(ctx: &Ctx<Self>, valid: &Self::Valid) -> Vec<String>;

    /// What an operation under way is about.
    fn subject(eyes: &Eyes<'_, Self>) -> Subject;

    /// Reads what is asked for, and adds it to what was seen.
    fn look(
        eyes: &Eyes<'_, Self>,
        look: &Self::Look,
        seen: &mut Self::Seen,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// The call of a step that is noted before it is made.
    fn noted(
        eyes: &Eyes<'_, Self>,
        inputs: &Inputs<'_, Self>,
        step: &Self::Step,
        seen: &Self::Seen,
    ) -> Option<Call>;

    /// Adds what such a call has told to what was seen. Gives back the operation that it began, where Azure goes on with it.
    fn answered(
        eyes: &Eyes<'_, Self>,
        step: &Self::Step,
        reply: Result<Reply, Problem>,
        seen: &mut Self::Seen,
    ) -> Result<Option<Poll>, Problem>;

    /// Makes one write that is not noted. Gives back the operation that it began, where Azure goes on with it.
    fn write(
        eyes: &Eyes<'_, Self>,
        inputs: &Inputs<'_, Self>,
        step: &Self::Step,
        seen: &mut Self::Seen,
    ) -> impl Future<Output = Result<Option<Poll>, Problem>> + Send;

    /// Called where the plan rests, also where the round is not [`Round::deep`]: what a kind does beside Resource Manager. That is a second planner of
    /// the same form for its data plane, whose looks and steps are carried out many at once, and what it writes to Kubernetes
    /// for others to use.
    ///
    /// Everything here happens with the resource as the spec says it, as far as [`Sight::seen`] tells. What comes of it goes there,
    /// so that [`Planner::recorded`] and [`Planner::report`] tell it. Where [`Round::is_dry`], nothing is written, and what would be
    /// done is told with [`Sight::plans`]. What was done goes into [`Sight::did`]. Before the first write comes [`Round::hold`];
    /// progress that must survive a crash is kept in [`Round::record`] and written with [`Round::note_down`].
    ///
    /// Gives back what stands in the way, with which the round ends. An error means that the API server did not do what was asked
    /// of it: then the reconcile ends there, and nothing of it is told.
    fn after(
        _round: &mut Round<'_, Self>,
        _eyes: &Eyes<'_, Self>,
        _sight: &mut Sight<Self>,
    ) -> impl Future<Output = Result<Option<Problem>, Problem>> + Send {
        ready(Ok(None))
    }
}
