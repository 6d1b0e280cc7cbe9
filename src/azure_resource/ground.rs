//! What every resource stands on: its group, the registration of its provider, and the roles that are given on it. Pure.
//!
//! A kind asks here what is to be read or written of that, and carries it out as part of its own plan.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::api::RoleAssignmentStatus;
use super::planner::{Inputs, Planner};
use super::told;
use super::valid::{Common, Role};
use crate::azure::arm::providers::Registration;
use crate::azure::arm::roles::{self, Assignment};
use crate::azure::arm::{ResourceId, Scope};
use crate::problem::Problem;
use crate::retry::after;

/// A read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Look {
    /// The resource group.
    Group,
    /// Whether the subscription may use the resource provider.
    Provider,
    /// The definition of a role, by its name.
    RoleDefinition(String),
    /// The role assignments on the resource.
    RoleAssignments,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The resource provider is registered.
    Register(&'static str),
    /// The resource group is created.
    CreateGroup,
    /// A role is given.
    Assign(Role),
    /// A role that this object gave is taken back, by the assignment's id.
    Unassign(String),
}

/// As `status.plan` says it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(provider) => write!(f, "register the resource provider {provider}"),
            Self::CreateGroup => f.write_str("create the resource group"),
            Self::Assign(role) => {
                write!(f, "assign role {:?} to {}", role.role, role.principal)
            }
            Self::Unassign(id) => write!(f, "remove role assignment {id}"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Something must be read.
    Look(Look),
    /// Something must be written.
    Do(Step),
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// What was seen. What is `None` was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// The resource group, if there is one.
    pub group: Option<Option<Group>>,
    /// Whether a write was refused because the provider is not registered.
    pub unregistered: bool,
    /// How its registration stands.
    pub provider: Option<Registration>,
    /// Roles by name.
    pub definitions: BTreeMap<String, Option<Uuid>>,
    /// Role assignments that hold on the resource.
    pub assignments: Option<Vec<Assignment>>,
}

/// The resource group must be there.
pub fn group<P: Planner>(inputs: &Inputs<'_, P>, ground: &Ground) -> Result<Option<Need>, Problem> {
    match &ground.group {
        None => Ok(Some(Need::Look(Look::Group))),
        Some(Some(group)) if group.deleting => Err(told::group_goes(inputs)),
        Some(Some(_)) => Ok(None),
        Some(None) if inputs.valid.create_group => Ok(Some(Need::Do(Step::CreateGroup))),
        Some(None) => Err(told::no_group(inputs)),
    }
}

/// Where a write was refused since the subscription does not know the provider, it must be registered.
pub fn provider<P: Planner>(
    inputs: &Inputs<'_, P>,
    ground: &Ground,
) -> Result<Option<Need>, Problem> {
    if !ground.unregistered {
        return Ok(None);
    }
    match ground.provider {
        None => Ok(Some(Need::Look(Look::Provider))),
        Some(Registration::NotRegistered) => {
            Ok(Some(Need::Do(Step::Register(P::provider(inputs.valid)))))
        }
        Some(Registration::Registering) => Err(told::registering(inputs)),
        Some(Registration::Registered) => Ok(None),
    }
}

/// The next read or change of roles on a resource; `given` are those that this object gave.
pub fn roles<P: Planner>(
    inputs: &Inputs<'_, P>,
    ground: &Ground,
    given: &[RoleAssignmentStatus],
) -> Result<Option<Need>, Problem> {
    let valid: &Common = inputs.valid;
    let wanted = &valid.roles;
    if wanted.is_empty() && given.is_empty() {
        return Ok(None);
    }
    let mut defined = Vec::new();
    for role in wanted {
        let definition = match &role.definition {
            Some(known) => *known,
            None => match ground.definitions.get(&role.role) {
                None => {
                    let look = Look::RoleDefinition(role.role.clone());
                    return Ok(Some(Need::Look(look)));
                }
                Some(None) => return Err(told::no_role(&role.role)),
                Some(Some(found)) => *found,
            },
        };
        defined.push(Role {
            definition: Some(definition),
            ..role.clone()
        });
    }
    let Some(there) = &ground.assignments else {
        return Ok(Some(Need::Look(Look::RoleAssignments)));
    };
    let id = valid.id.to_string();
    let missing = defined.iter().find(|role| {
        !there.iter().any(|one| {
            one.scope.eq_ignore_ascii_case(&id)
                && one.principal.eq_ignore_ascii_case(role.principal.as_str())
                && Some(one.role) == role.definition
        })
    });
    if let Some(role) = missing {
        return Ok(Some(Need::Do(Step::Assign(role.clone()))));
    }
    let stale = given.iter().find(|given| {
        let still = is_wanted(&valid.id, &defined, given);
        let ours = given.id.to_ascii_lowercase();
        let on_it = ours.starts_with(&id.to_ascii_lowercase());
        let mut there = there.iter();
        !still && on_it && there.any(|one| id_of(one).eq_ignore_ascii_case(&ours))
    });
    Ok(stale.map(|stale| Need::Do(Step::Unassign(stale.id.clone()))))
}

/// Whether a role that was given is wanted still: in the same words, or in others that come to the same assignment.
fn is_wanted(id: &ResourceId, wanted: &[Role], given: &RoleAssignmentStatus) -> bool {
    wanted.iter().any(|role| {
        let principal = role.principal.as_str();
        let words = principal.eq_ignore_ascii_case(&given.principal_id)
            && role.role.eq_ignore_ascii_case(&given.role);
        let made = assigned(id, role).map(|made| id_of(&made));
        words || made.is_some_and(|made| made.eq_ignore_ascii_case(&given.id))
    })
}

/// The assignment that gives a role; none while the role is not known.
pub fn assigned(id: &ResourceId, role: &Role) -> Option<Assignment> {
    let definition = role.definition?;
    let scope = Scope::Resource(id.clone());
    Some(Assignment {
        name: roles::assignment_name(&scope, &definition.to_string(), &role.principal),
        scope: id.to_string(),
        role: definition,
        principal: role.principal.as_str().to_ascii_lowercase(),
        principal_type: None,
        created: None,
    })
}

/// The id of an assignment.
pub fn id_of(assignment: &Assignment) -> String {
    let Assignment { scope, name, .. } = assignment;
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

/// For how long after a role was given Azure may refuse what it permits ("Troubleshoot Azure RBAC", 10 minutes).
const PROPAGATION: Duration = Duration::from_mins(10);

/// Until when a role that was given for this spec may not be known everywhere yet.
pub fn propagates(valid: &Common, ground: &Ground, now: Timestamp) -> Option<Timestamp> {
    let id = valid.id.to_string();
    let given = ground.assignments.iter().flatten().filter(|one| {
        let mut roles = valid.roles.iter();
        one.scope.eq_ignore_ascii_case(&id)
            && roles.any(|role| one.principal.eq_ignore_ascii_case(role.principal.as_str()))
    });
    let until = given.filter_map(|one| Some(after(one.created?, PROPAGATION)));
    until.max().filter(|until| now < *until)
}

/// Adds to what was seen what a step would change, if it were done.
pub fn assume(id: &ResourceId, step: &Step, ground: &mut Ground) {
    match step {
        Step::Register(_) => ground.provider = Some(Registration::Registered),
        Step::CreateGroup => ground.group = Some(Some(Group { deleting: false })),
        Step::Assign(role) => {
            let there = ground.assignments.get_or_insert_default();
            there.extend(assigned(id, role));
        }
        Step::Unassign(id) => {
            let there = ground.assignments.get_or_insert_default();
            there.retain(|one| !id_of(one).eq_ignore_ascii_case(id));
        }
    }
}

/// Adds what a look would show of a resource that is only planned.
pub fn imagine(look: &Look, ground: &mut Ground) {
    match look {
        Look::Group => ground.group = Some(Some(Group { deleting: false })),
        Look::Provider => ground.provider = Some(Registration::Registered),
        Look::RoleDefinition(name) => {
            ground.definitions.insert(name.clone(), Some(Uuid::nil()));
        }
        Look::RoleAssignments => ground.assignments = Some(Vec::new()),
    }
}

/// Adds what a look has really shown to what is assumed.
pub fn copy(look: &Look, real: &Ground, ground: &mut Ground) {
    match look {
        Look::Group => {}
        Look::Provider => ground.provider = real.provider,
        Look::RoleDefinition(_) => ground.definitions.clone_from(&real.definitions),
        Look::RoleAssignments => ground.assignments.clone_from(&real.assignments),
    }
}

/// Assignments that are there and were made by this object: those that were kept, and those whose name only it gives.
pub fn recorded(
    valid: &Common,
    old: &[RoleAssignmentStatus],
    there: &[Assignment],
) -> Vec<RoleAssignmentStatus> {
    let is_there = |one: &&RoleAssignmentStatus| {
        let mut there = there.iter();
        there.any(|is| id_of(is).eq_ignore_ascii_case(&one.id))
    };
    let mut kept: Vec<RoleAssignmentStatus> = old.iter().filter(is_there).cloned().collect();
    for role in &valid.roles {
        let named = there.iter().find(|is| {
            let other = role.definition.is_some_and(|known| known != is.role);
            let role = Role {
                definition: Some(is.role),
                ..role.clone()
            };
            !other && assigned(&valid.id, &role).is_some_and(|made| made.name == is.name)
        });
        let Some(id) = named.map(id_of) else { continue };
        let as_named = RoleAssignmentStatus {
            principal_id: role.principal.to_string(),
            role: role.role.clone(),
            id,
        };
        let mut known = kept.iter_mut();
        match known.find(|one| one.id.eq_ignore_ascii_case(&as_named.id)) {
            Some(known) => *known = as_named,
            None => kept.push(as_named),
        }
    }
    kept
}
