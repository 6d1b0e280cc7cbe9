//! Subscriptions: their state, groups, providers, locks and policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    guards::{LockSpec, PolicySpec},
    moment::Moment,
    object::Tags,
    spec::RoleAssignment,
};

/// Providers that are registered in every subscription.
const ALWAYS: [&str; 2] = ["Microsoft.Resources", "Microsoft.Authorization"];
/// Providers that a subscription may register; where a seed says nothing, they are registered.
const KNOWN: [&str; 5] = [
    "Microsoft.KeyVault",
    "Microsoft.Storage",
    "Microsoft.DataLakeStore",
    "Microsoft.ManagedIdentity",
    "Microsoft.EventGrid",
];

/// State of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum SubscriptionState {
    #[default]
    Enabled,
    /// Nothing can be written.
    Disabled,
    Warned,
}

/// State of a provider in a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Registered {
    Registered,
    NotRegistered,
}

/// A subscription as a seed or the admin API gives it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SubscriptionSpec {
    pub(crate) id: String,
    /// Its directory.
    pub(crate) tenant_id: String,
    /// Region of the Azure Stack Hub that it is on; absent: the simulator's own cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) state: SubscriptionState,
    pub(crate) providers: BTreeMap<String, Registered>,
    pub(crate) resource_groups: Vec<ResourceGroupSpec>,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    pub(crate) locks: Vec<LockSpec>,
    pub(crate) policies: Vec<PolicySpec>,
}

/// A resource group of a seed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceGroupSpec {
    pub(crate) name: String,
    pub(crate) location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Tags>,
}

/// A resource group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    /// It is being deleted, and is gone then (or not, if that fails).
    pub(crate) going: Option<Going>,
}

/// The end of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Going {
    pub(crate) at: Moment,
    pub(crate) fails: bool,
}

/// A provider in a subscription.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) namespace: String,
    pub(crate) registered: bool,
    /// A registration under way: when it ends, and whether it fails.
    pub(crate) registering: Option<Going>,
}

impl Provider {
    /// Azure's word for the state.
    pub(crate) fn state(&self) -> &'static str {
        match (self.registered, self.registering) {
            (true, _) => "Registered",
            (false, Some(_)) => "Registering",
            (false, None) => "NotRegistered",
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    pub(crate) stack: Option<String>,
    pub(crate) display_name: String,
    pub(crate) state: SubscriptionState,
    /// By lower-case namespace.
    pub(crate) providers: BTreeMap<String, Provider>,
    /// By lower-case name.
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) locks: Vec<LockSpec>,
    pub(crate) policies: Vec<PolicySpec>,
}

impl Subscription {
    /// One with nothing in it.
    pub(crate) fn new(id: &str, tenant_id: &str, stack: Option<&str>) -> Self {
        let provider = |namespace: &&str| {
            let provider = Provider {
                namespace: (*namespace).to_owned(),
                registered: true,
                registering: None,
            };
            (namespace.to_ascii_lowercase(), provider)
        };
        Self {
            id: id.to_owned(),
            tenant_id: tenant_id.to_owned(),
            stack: stack.map(str::to_owned),
            display_name: format!("Subscription {id}"),
            state: SubscriptionState::default(),
            providers: ALWAYS.iter().chain(&KNOWN).map(provider).collect(),
            groups: BTreeMap::new(),
            locks: Vec::new(),
            policies: Vec::new(),
        }
    }

    /// Takes in what a seed says; its groups join those that are there.
    pub(crate) fn settle(&mut self, spec: &SubscriptionSpec) -> Result<(), String> {
        self.tenant_id.clone_from(&spec.tenant_id);
        self.stack.clone_from(&spec.stack);
        self.state = spec.state;
        self.locks.clone_from(&spec.locks);
        self.policies.clone_from(&spec.policies);
        if let Some(name) = &spec.display_name {
            self.display_name.clone_from(name);
        }
        for (namespace, state) in &spec.providers {
            let provider = self.providers.get_mut(&namespace.to_ascii_lowercase());
            let Some(provider) = provider else {
                return Err(format!(
                    "subscription {}: there is no provider {namespace:?}; there are {}",
                    spec.id,
                    KNOWN.join(", ")
                ));
            };
            provider.registered = *state == Registered::Registered;
            provider.registering = None;
        }
        for group in &spec.resource_groups {
            self.groups.insert(
                group.name.to_ascii_lowercase(),
                Group {
                    name: group.name.clone(),
                    location: group.location.clone(),
                    tags: group.tags.clone(),
                    going: None,
                },
            );
        }
        Ok(())
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn provider(&self, namespace: &str) -> Option<&Provider> {
        self.providers.get(&namespace.to_ascii_lowercase())
    }
}
