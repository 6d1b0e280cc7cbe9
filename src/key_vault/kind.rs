//! What a `KeyVault` reads and writes, for the engine.

use std::sync::Arc;

use super::api::KeyVault;
use super::observe::Eyes;
use super::plan::{Inputs, Look, Seen, Step};
use super::steps::answered;
use super::valid::Valid;
use crate::azure::arm::{Call, Poll, Reply, Subject, vaults};
use crate::azure_resource::engine::{self, Kind};
use crate::problem::Problem;
use crate::vault_secret_sync::links::Links;

/// What reconciling vaults needs.
pub type Ctx = engine::Ctx<KeyVault>;

impl Kind for KeyVault {
    /// Which syncs name which vault.
    type Own = Arc<Links>;

    fn named_by(ctx: &Ctx, valid: &Valid) -> Vec<String> {
        ctx.own.syncs_naming(&valid.namespace, &valid.name)
    }

    fn subject(eyes: &Eyes<'_>) -> Subject {
        vaults::get(eyes.versions, &eyes.valid.id).subject()
    }

    async fn look(eyes: &Eyes<'_>, look: &Look, seen: &mut Seen) -> Result<(), Problem> {
        eyes.read(look, seen).await
    }

    fn noted(eyes: &Eyes<'_>, inputs: &Inputs<'_>, step: &Step, seen: &Seen) -> Option<Call> {
        eyes.call_of(inputs, step, seen)
    }

    fn answered(
        _eyes: &Eyes<'_>,
        step: &Step,
        reply: Result<Reply, Problem>,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        answered(step, reply, seen)
    }

    async fn write(
        eyes: &Eyes<'_>,
        inputs: &Inputs<'_>,
        step: &Step,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        eyes.make(inputs, step, seen).await
    }
}
