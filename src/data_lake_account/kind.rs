//! What a `DataLakeAccount` reads and writes, for the engine.

use super::api::DataLakeAccount;
use super::calls;
use super::links::Links;
use super::observe::Eyes;
use super::plan::{Inputs, Look, Seen, Step};
use super::steps::answered;
use super::supply::supply;
use super::tend;
use super::valid::Valid;
use crate::azure::arm::{Call, Poll, Reply, Subject};
use crate::azure::lake::client::Lakes;
use crate::azure_resource::engine::{self, Kind, Round};
use crate::azure_resource::sight::Sight;
use crate::problem::Problem;
use crate::vault_secret_sync::vault_refs::Told;

/// What reconciling accounts needs.
pub type Ctx = engine::Ctx<DataLakeAccount>;

/// What accounts need besides what every kind does.
pub struct Own {
    /// The client of data lakes.
    pub lakes: Lakes,
    /// What the `KeyVault` of a namespace and name tells.
    pub vaults: Vaults,
    /// What accounts have to do with in Kubernetes.
    pub links: Links,
}

/// Tells of `KeyVaults`, by namespace and name.
pub type Vaults = Box<dyn Fn(&str, &str) -> Option<Told> + Send + Sync>;

impl Kind for DataLakeAccount {
    type Own = Own;

    /// Syncs name vaults alone.
    fn named_by(_ctx: &Ctx, _valid: &Valid) -> Vec<String> {
        Vec::new()
    }

    fn subject(eyes: &Eyes<'_>) -> Subject {
        calls::get(eyes.versions, eyes.valid).subject()
    }

    async fn look(eyes: &Eyes<'_>, look: &Look, seen: &mut Seen) -> Result<(), Problem> {
        eyes.read(look, seen).await
    }

    fn noted(eyes: &Eyes<'_>, inputs: &Inputs<'_>, step: &Step, seen: &Seen) -> Option<Call> {
        eyes.call_of(inputs, step, seen)
    }

    fn answered(
        eyes: &Eyes<'_>,
        step: &Step,
        reply: Result<Reply, Problem>,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        answered(eyes.valid, step, reply, seen)
    }

    async fn write(
        eyes: &Eyes<'_>,
        inputs: &Inputs<'_>,
        step: &Step,
        seen: &mut Seen,
    ) -> Result<Option<Poll>, Problem> {
        eyes.make(inputs, step, seen).await
    }

    async fn after(
        round: &mut Round<'_, Self>,
        eyes: &Eyes<'_>,
        sight: &mut Sight<Self>,
    ) -> Result<Option<Problem>, Problem> {
        // Who uses the account is told of it also where something in it is in trouble.
        let lake = tend::lake(round, eyes, sight).await?;
        let outputs = supply(round, eyes, sight).await?;
        Ok(lake.or(outputs))
    }
}
