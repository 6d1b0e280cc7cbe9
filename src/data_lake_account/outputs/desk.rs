//! The world as it is, for one round of one account.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::carry::{Azure, CameTo, Given, Renewed, World, carry_out};
use super::cluster::Cluster;
use super::record::{Record, name_of};
use super::sas::time;
use super::seen::{Key, Keys, Kind as Output, Target, Targets};
use super::wanted::Wanted;
use crate::azure::arm::storage;
use crate::azure::lake::Lake;
use crate::azure::lake::client::Lakes;
use crate::azure::lake::delegation::DelegationKey;
use crate::azure_resource::engine::{Eyes, Kind, Round};
use crate::data_lake_account::api::AccountKey;
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// What outputs take besides a round.
pub struct Tools<'a, K: Kind> {
    /// The client of data lakes.
    pub lakes: &'a Lakes,
    /// The account's lake.
    pub lake: &'a Lake,
    /// Puts what is kept of outputs into what is kept of the account, for a note that is written before a key is made anew.
    pub keep: fn(&mut K::Record, Record),
}

/// Writes all outputs of an account in a round. What is kept goes into `record`, which the status gets at the round's end. An error
/// means that the API server did not do what was asked of it.
pub async fn outputs<K: Kind>(
    round: &mut Round<'_, K>,
    eyes: &Eyes<'_, K>,
    tools: Tools<'_, K>,
    given: &Given<'_>,
    record: &mut Record,
) -> Result<CameTo, Problem> {
    let kube = round.ctx.kube.clone();
    let mut desk = Desk {
        cluster: Cluster {
            kube: &kube,
            owner: given.owner,
        },
        round,
        eyes,
        tools,
    };
    carry_out(&mut desk, given, record).await
}

struct Desk<'r, 'c, 'e, K: Kind> {
    cluster: Cluster<'r>,
    round: &'r mut Round<'c, K>,
    eyes: &'r Eyes<'e, K>,
    tools: Tools<'r, K>,
}

impl<K: Kind> Azure for Desk<'_, '_, '_, K> {
    async fn keys(&mut self) -> Result<Keys, Problem> {
        let call = storage::keys(self.eyes.versions, &self.eyes.valid.id);
        both(storage::read_keys(self.eyes.call(&call).await?)?)
    }

    async fn renew(&mut self, key: AccountKey, noted: &Record) -> Result<Renewed, Problem> {
        let (eyes, id) = (self.eyes, &self.eyes.valid.id);
        let call = storage::regenerate(eyes.versions, id, name_of(key));
        // A place first: what is noted is sent at once.
        let place = match eyes.reserve(&call).await {
            Ok(place) => place,
            Err(problem) => return Ok(Renewed::NotSent(problem)),
        };
        (self.tools.keep)(&mut self.round.record, noted.clone());
        self.round.note_down().await?;
        if !noted.may_be_sent(Timestamp::now()) {
            return Ok(Renewed::Sent(Err(belated(key))));
        }
        let reply = eyes.call_in(Some(place), &call).await;
        let keys = reply.and_then(storage::read_keys);
        Ok(Renewed::Sent(keys.and_then(both)))
    }

    async fn delegation(
        &mut self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<DelegationKey, Problem> {
        let (from, until) = (time(from), time(until));
        let Tools { lakes, lake, .. } = &self.tools;
        let identity = self.eyes.identity;
        lakes.delegation_key(identity, lake, (&from, &until)).await
    }
}

impl<K: Kind> World for Desk<'_, '_, '_, K> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn targets(&mut self, wanted: &Wanted) -> Result<Targets, Problem> {
        self.cluster.targets(wanted).await
    }

    async fn held(&mut self, secret: &ResourceName) -> Result<Option<SecretValue>, Problem> {
        self.cluster.held(secret).await
    }

    async fn write_config_map(
        &mut self,
        name: &ResourceName,
        data: BTreeMap<String, String>,
        seen: Option<&Target>,
    ) -> Result<Target, Problem> {
        self.round.hold().await?;
        self.cluster.write_config_map(name, data, seen).await
    }

    async fn write_secret(
        &mut self,
        name: &ResourceName,
        data: BTreeMap<String, SecretValue>,
        seen: Option<&Target>,
    ) -> Result<Target, Problem> {
        self.round.hold().await?;
        self.cluster.write_secret(name, data, seen).await
    }

    async fn delete(&mut self, kind: Output, name: &str, uid: &str) -> Result<(), Problem> {
        self.cluster.delete(kind, name, uid).await
    }
}

/// It was noted, and may have been too long ago by now. The note stays until it is over.
fn belated(key: AccountKey) -> Problem {
    let message = format!(
        "{} was to be made anew, and was not asked for: this process stood still meanwhile. It is once that note can have no effect any more",
        name_of(key)
    );
    Problem::new(Reason::OperationUnderWay, Retry::Backoff, message)
}

/// The two keys of an account, out of all that Azure tells: it has others, for Kerberos.
fn both(all: Vec<storage::Key>) -> Result<Keys, Problem> {
    let (mut key1, mut key2) = (None, None);
    for storage::Key { name, value, made } in all {
        let key = Some(Key { made, value });
        match name.as_str() {
            "key1" => key1 = key,
            "key2" => key2 = key,
            _ => {}
        }
    }
    let both = key1.zip(key2).map(|(key1, key2)| Keys { key1, key2 });
    both.ok_or_else(|| {
        let message =
            "Azure told the keys of a storage account without key1 or key2; it is asked again";
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
    })
}
