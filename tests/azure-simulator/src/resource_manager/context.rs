//! What an operation works with.

use http::Method;
use serde::de::DeserializeOwned;

use super::route::Ask;
use crate::{
    app::App,
    wire::{call::Call, journal::Principal},
    world::{World, failure::Failure, moment::Moment, scope, stack::StackSpec},
};

/// A call that has passed the gates.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) app: &'a App,
    pub(super) call: &'a Call,
    pub(super) ask: &'a Ask,
    pub(super) stack: Option<&'a StackSpec>,
    pub(super) caller: &'a Principal,
    pub(super) now: Moment,
    /// The api-version.
    pub(super) version: &'a str,
    /// Id of the subscription, as it is written; empty when none is named.
    pub(super) subscription: &'a str,
    /// Its tenant.
    pub(super) tenant: &'a str,
    /// The caller may not read all that a list is about: each entry is to be asked for.
    pub(super) filtered: bool,
}

impl Context<'_> {
    pub(super) fn is(&self, method: &Method) -> bool {
        self.call.method == *method
    }

    /// The body, as JSON.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.call.body).map_err(|error| {
            Failure::gateway(
                400,
                "InvalidRequestContent",
                format!(
                    "The request content was invalid and could not be deserialized: '{error}'."
                ),
            )
        })
    }

    /// Whether the caller may do an action on a scope.
    pub(super) fn may(&self, world: &World, action: &str, id: &str) -> bool {
        let key = scope::key(id);
        world
            .assignments
            .deciding(&key, &self.caller.object_id, self.now, |role| {
                role.allows(action)
            })
            .is_some()
    }

    /// Whether an entry of a list is shown to the caller.
    pub(super) fn shows(&self, world: &World, action: &str, id: &str) -> bool {
        !self.filtered || self.may(world, action, id)
    }

    /// The URL of a path at this host, as the caller names the host.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.call.route.base)
    }
}
