//! A resource that is there as an object that wants nothing of it: what is said of every kind. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::{Adopt, Mode, PrincipalType, ResourceGroupSpec, ResourceSpec, RoleAssignmentSpec};
use super::owner::{OWNER_TAG, owner_tag};
use super::values::Tags;
use crate::azure::arm::ResourceId;
use crate::azure::arm::roles::{self, Assignment};
use crate::azure_identity::api::IdentityRef;

/// What an object may have at most, by its definition. A resource may have more, and keeps it.
const MOST_TAGS: usize = 49;
const MOST_ROLES: usize = 64;
/// Tags that begin so are the operator's own.
const OUR_TAGS: &str = "lakevault-";

/// What is said of an object besides its resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The identity that is to manage the resource.
    pub identity: IdentityRef,
    /// Whether it is to be managed.
    pub mode: Mode,
}

/// A manifest, and what it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// What of the resource is left out, and what is to be known.
    pub notes: Vec<String>,
}

/// How a kind is called, and what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Such as `KeyVault`.
    pub kind: &'static str,
    /// Such as `vault`.
    pub noun: &'static str,
}

/// What is there of a resource of every kind.
#[derive(Debug, Clone, Copy)]
pub struct There<'a> {
    /// Its id, as it was asked for.
    pub id: &'a ResourceId,
    /// Its id, as Azure tells it.
    pub told_id: &'a str,
    /// Its region.
    pub location: &'a str,
    /// Its tags.
    pub tags: &'a Tags,
    /// Roles that hold on it.
    pub given: &'a [Assignment],
}

impl Words {
    /// What every kind says of a resource: all that is there, so that what changes later is seen.
    pub fn resource(
        self,
        there: &There<'_>,
        about: &About,
        notes: &mut Vec<String>,
    ) -> ResourceSpec {
        let Self { kind, noun } = self;
        if let Some(owner) = owner_tag(there.tags) {
            notes.push(format!(
                "The {noun} belongs to {owner} already (its tag {OWNER_TAG}): a {kind} of another name, namespace or cluster in mode Manage is refused."
            ));
        }
        ResourceSpec {
            identity_ref: Some(about.identity.clone()),
            subscription_id: there.id.subscription().to_string(),
            resource_group: ResourceGroupSpec {
                name: there.id.group().group.to_string(),
                create: false,
            },
            location: there.location.to_owned(),
            tags: self.tags(there.tags, notes),
            mode: about.mode,
            adopt: match about.mode {
                Mode::Manage => Adopt::Always,
                Mode::Observe => Adopt::default(),
            },
            role_assignments: self.roles(there, notes),
            ..ResourceSpec::default()
        }
    }

    /// The manifest of a spec.
    pub fn manifest(self, about: &About, mut spec: Value, notes: Vec<String>) -> Manifest {
        // What is as it would be anyway is said all the same, where it decides what becomes of the resource.
        spec["mode"] = json!(about.mode);
        spec["deletionPolicy"] = json!("Retain");
        let object = json!({
            "apiVersion": "lakevault.dev/v1alpha1",
            "kind": self.kind,
            "metadata": { "name": about.name, "namespace": about.namespace },
            "spec": spec,
        });
        Manifest { object, notes }
    }

    /// Tags that a spec may say. Those that are left out stay, since nobody asks for their removal.
    fn tags(self, all: &Tags, notes: &mut Vec<String>) -> Tags {
        let is_ours = |name: &str| name.to_ascii_lowercase().starts_with(OUR_TAGS);
        let others = all.iter().filter(|(name, _)| !is_ours(name));
        let others: Vec<_> = others.collect();
        let more = others.len().saturating_sub(MOST_TAGS);
        if more > 0 {
            notes.push(format!(
                "{more} tag(s) are left out: a {} has at most {MOST_TAGS}. They stay as they are.",
                self.kind
            ));
        }
        let kept = others.into_iter().take(MOST_TAGS);
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Roles that were given on the resource itself. Those from above hold as well, and are nobody's here.
    fn roles(self, there: &There<'_>, notes: &mut Vec<String>) -> Vec<RoleAssignmentSpec> {
        let kind = self.kind;
        let here = there
            .given
            .iter()
            .filter(|one| one.scope.eq_ignore_ascii_case(there.told_id));
        let (mut said, mut pairs) = (Vec::new(), BTreeSet::new());
        for one in here {
            let role = roles::name_of(one.role).map_or_else(|| one.role.to_string(), str::to_owned);
            let Some(principal_type) = principal_type(one) else {
                notes.push(format!(
                    "The role {role} of {} is left out: a {kind} gives none to a {}. It stays as it is.",
                    one.principal,
                    one.principal_type.as_deref().unwrap_or_default()
                ));
                continue;
            };
            if pairs.insert((one.principal.clone(), one.role)) {
                said.push(RoleAssignmentSpec {
                    principal_id: one.principal.clone(),
                    principal_type,
                    role,
                });
            }
        }
        if said.len() > MOST_ROLES {
            let more = said.len() - MOST_ROLES;
            notes.push(format!(
                "{more} role assignments are left out: a {kind} has at most {MOST_ROLES}. They stay as they are."
            ));
            said.truncate(MOST_ROLES);
        }
        said
    }
}

/// Azure does not always say it; then it is what most are.
fn principal_type(assignment: &Assignment) -> Option<PrincipalType> {
    match assignment.principal_type.as_deref() {
        None | Some("ServicePrincipal") => Some(PrincipalType::ServicePrincipal),
        Some("Group") => Some(PrincipalType::Group),
        Some("User") => Some(PrincipalType::User),
        Some(_) => None,
    }
}
