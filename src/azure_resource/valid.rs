//! What every kind's spec says, parsed into types that cannot be wrong. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube::ResourceExt;
use uuid::Uuid;

use super::api::{
    Adopt, DriftPolicy, Mode, PrincipalType as Principal, ResourceSpec, RoleAssignmentSpec,
};
use super::{DETACH, FORCE_DELETE};
use crate::azure::arm::roles::{self, PrincipalType};
use crate::azure::arm::{GroupId, GroupName, Location, ResourceId, SubscriptionId};
use crate::azure_identity::api::IdentityRef;
use crate::names::{NameError, ObjectId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::SYNC_AT;

/// How often a resource is looked at, where the spec does not say it.
pub const INTERVAL: Duration = Duration::from_mins(15);

/// A spec, as far as it is the same for every kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Uid of the object.
    pub uid: String,
    /// Its generation.
    pub generation: i64,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The identity that it names.
    pub identity: Option<IdentityRef>,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub group: GroupName,
    /// Whether that is created.
    pub create_group: bool,
    /// The resource's id.
    pub id: ResourceId,
    /// The region.
    pub location: Location,
    /// Whether Azure is written.
    pub mode: Mode,
    /// Which resources are taken over.
    pub adopt: Adopt,
    /// What is done about drift.
    pub drift_policy: DriftPolicy,
    /// How often the resource is looked at.
    pub interval: Duration,
    /// Roles.
    pub roles: Vec<Role>,
    /// The value of the annotation that asks for a look now.
    pub sync_at: Option<String>,
    /// Whether the object may go without a word to Azure.
    pub detach: bool,
    /// Whether the resource may be deleted although something speaks against it.
    pub force_delete: bool,
}

/// A role for a principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Role {
    /// Who.
    pub principal: ObjectId,
    /// What that is.
    pub principal_type: PrincipalType,
    /// The role, as the spec names it.
    pub role: String,
    /// Its id; none where it is to be looked up.
    pub definition: Option<Uuid>,
}

/// What is wrong with a spec.
pub fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// A field that cannot be read.
pub fn field(name: &str) -> impl Fn(NameError) -> Problem + '_ {
    move |error| invalid(format!("spec.{name}: {error}"))
}

impl Common {
    /// Reads an object that stands for a resource of this provider, type and name.
    pub fn parse(
        object: &impl ResourceExt,
        spec: &ResourceSpec,
        (provider, type_, azure_name): (&str, &str, &str),
    ) -> Result<Self, Problem> {
        let subscription: SubscriptionId = spec
            .subscription_id
            .parse()
            .map_err(field("subscriptionId"))?;
        let group: GroupName = spec
            .resource_group
            .name
            .parse()
            .map_err(field("resourceGroup.name"))?;
        let id = GroupId::new(subscription.clone(), group.clone())
            .resource(provider, type_, azure_name)
            .map_err(field("azureName"))?;
        let marked = |annotation: &str| {
            let value = object.annotations().get(annotation);
            value.is_some_and(|value| value == "true")
        };
        Ok(Self {
            uid: object.uid().unwrap_or_default(),
            generation: object.meta().generation.unwrap_or_default(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            identity: spec.identity_ref.clone(),
            create_group: spec.resource_group.create,
            location: spec.location.parse().map_err(field("location"))?,
            mode: spec.mode,
            adopt: spec.adopt,
            drift_policy: spec.drift_policy,
            interval: interval(spec)?,
            roles: role_assignments(&spec.role_assignments)?,
            sync_at: object.annotations().get(SYNC_AT).cloned(),
            detach: marked(DETACH),
            force_delete: marked(FORCE_DELETE),
            subscription,
            group,
            id,
        })
    }
}

fn interval(spec: &ResourceSpec) -> Result<Duration, Problem> {
    let Some(said) = spec.refresh_interval else {
        return Ok(INTERVAL);
    };
    let said: Duration = said.into();
    if said < Duration::from_mins(1) {
        return Err(invalid("spec.refreshInterval: it must be at least 1m"));
    }
    Ok(said)
}

fn role_assignments(specs: &[RoleAssignmentSpec]) -> Result<Vec<Role>, Problem> {
    let each = specs.iter().enumerate().map(|(at, spec)| {
        let path = |part: &str| format!("roleAssignments[{at}].{part}");
        let principal = spec.principal_id.to_ascii_lowercase();
        Ok(Role {
            principal: principal.parse().map_err(field(&path("principalId")))?,
            principal_type: match spec.principal_type {
                Principal::ServicePrincipal => PrincipalType::ServicePrincipal,
                Principal::Group => PrincipalType::Group,
                Principal::User => PrincipalType::User,
            },
            definition: match roles::Role::parse(&spec.role).map_err(field(&path("role")))? {
                roles::Role::Id(id) => Some(id),
                roles::Role::Named(_) => None,
            },
            role: spec.role.clone(),
        })
    });
    each.collect()
}

/// The tags of a spec.
pub fn tags(spec: &ResourceSpec) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeSet::new();
    for (name, value) in &spec.tags {
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(invalid(format!(
                "spec.tags: {name:?} stands twice: names of tags have no case"
            )));
        }
        if value.chars().count() > 256 {
            return Err(invalid(format!(
                "spec.tags: the value of {name:?} has more than 256 characters"
            )));
        }
    }
    Ok(spec.tags.clone())
}
