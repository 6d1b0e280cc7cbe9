//! The way to Resource Manager for one object: single calls within the budget, lists, operations, and what every kind reads and
//! writes there in the same way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::{Ctx, Kind};
use crate::azure::arm::budget::{Kind as CallKind, Work};
use crate::azure::arm::client::{Place, Who, spared};
use crate::azure::arm::providers::{self, Registration};
use crate::azure::arm::roles::{self, Assignment};
use crate::azure::arm::{self, ApiVersions, Call, GroupId, Namespace, Poll, Reply, Scope, groups};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::ground::{Ground, Group, Look, Step, assigned, id_of};
use crate::azure_resource::note::Polled;
use crate::azure_resource::owner::Owner;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Pages of a list that are read at most.
const MOST_PAGES: usize = 40;

/// The way to Azure for one object.
pub struct Eyes<'a, K: Kind> {
    /// What is shared by all.
    pub ctx: &'a Ctx<K>,
    /// The spec.
    pub valid: &'a K::Valid,
    /// What it wants of the resource.
    pub desired: &'a K::Desired,
    /// The identity.
    pub identity: &'a Usable,
    /// Whose the resource is to be.
    pub owner: &'a Owner,
    /// The versions that its cloud speaks.
    pub versions: &'static ApiVersions,
    /// The calls of Resource Manager in this round.
    pub work: &'a Mutex<Work>,
}

impl<K: Kind> Eyes<'_, K> {
    /// One call of Resource Manager.
    pub async fn call(&self, call: &Call) -> Result<Reply, Problem> {
        self.call_in(None, call).await
    }

    /// One call, in the place that was taken for it.
    pub async fn call_in(&self, place: Option<Place>, call: &Call) -> Result<Reply, Problem> {
        let kind = CallKind::of(&call.method);
        let (paid, who) = (place.is_some(), self.who(kind));
        let reply = self.ctx.arm.call_in(place, self.identity, who, call).await;
        if !paid {
            self.came_to(kind, &reply);
        }
        reply
    }

    /// Takes a place for a call.
    pub async fn reserve(&self, call: &Call) -> Result<Place, Problem> {
        let kind = CallKind::of(&call.method);
        let place = self.ctx.arm.reserve(self.identity, self.who(kind), call);
        let place = place.await;
        self.came_to(kind, &place);
        place
    }

    fn who(&self, kind: CallKind) -> Who<'_> {
        let work = *self.work();
        Who {
            uid: &self.valid.uid,
            calls: work.left(kind),
            besides: work.besides(kind),
        }
    }

    fn came_to<T>(&self, kind: CallKind, outcome: &Result<T, Problem>) {
        let refused = outcome.as_ref().is_err_and(spared);
        self.work().came_to(kind, !refused);
    }

    /// The calls of this round.
    pub fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All pages of a list.
    pub async fn pages<T>(
        &self,
        first: Call,
        read: impl Fn(&Reply) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        let (mut all, mut next) = (Vec::new(), Some(first));
        while let Some(call) = next.take().filter(|_| all.len() < MOST_PAGES) {
            let reply = self.call(&call).await?;
            all.push(read(&reply)?);
            next = arm::next(&self.identity.profile, &call, &reply)?;
        }
        Ok(all)
    }

    /// Asks how the operation under way stands.
    pub async fn poll(&self, poll: &Poll) -> Result<Polled, Problem> {
        let subject = K::subject(self);
        let arm = &self.ctx.arm;
        let who = self.who(CallKind::Reads);
        let stands = arm.poll(self.identity, who, &subject, poll).await;
        self.came_to(CallKind::Reads, &stands);
        Ok(match stands? {
            arm::Polled::Running { retry_after } => Polled::Running(retry_after),
            arm::Polled::Succeeded(_) | arm::Polled::Lost => Polled::Ended,
            arm::Polled::Failed(problem) => Polled::Failed(problem),
        })
    }

    /// The group of the resource.
    pub fn group(&self) -> GroupId {
        GroupId::new(self.valid.subscription.clone(), self.valid.group.clone())
    }

    /// The resource as a scope of roles.
    pub fn scope(&self) -> Scope {
        Scope::Resource(self.valid.id.clone())
    }

    /// Reads what a resource stands on, and adds it to what was seen.
    pub async fn look_beneath(&self, look: &Look, ground: &mut Ground) -> Result<(), Problem> {
        match look {
            Look::Group => {
                let group = self.resource_group().await?;
                ground.group = Some(group.map(|group| Group {
                    deleting: group.deleting,
                }));
            }
            Look::Provider => {
                let provider = K::provider(self.valid);
                ground.provider = Some(self.registration(provider).await?);
            }
            Look::RoleDefinition(name) => {
                let found = self.role_definition(name).await?;
                ground.definitions.insert(name.clone(), found);
            }
            Look::RoleAssignments => ground.assignments = Some(self.role_assignments().await?),
        }
        Ok(())
    }

    /// Writes what a resource stands on. What comes of it is added to what was seen, or is to be seen anew.
    pub async fn write_beneath(&self, step: &Step, ground: &mut Ground) -> Result<(), Problem> {
        match step {
            Step::Register(provider) => {
                ground.provider = Some(self.register(provider).await?);
            }
            Step::CreateGroup => {
                self.create_group().await?;
                ground.group = None;
            }
            Step::Assign(role) => {
                let Some(made) = assigned(&self.valid.id, role) else {
                    return Ok(());
                };
                let whom = (&role.principal, role.principal_type);
                let call = roles::put(self.versions, &self.scope(), made.name, made.role, whom);
                self.call(&call).await?;
                ground.assignments.get_or_insert_default().push(made);
            }
            Step::Unassign(id) => {
                self.unassign(id).await?;
                let there = ground.assignments.get_or_insert_default();
                there.retain(|one| !id_of(one).eq_ignore_ascii_case(id));
            }
        }
        Ok(())
    }

    /// The resource group, if there is one.
    async fn resource_group(&self) -> Result<Option<groups::Group>, Problem> {
        let found = self.call(&groups::get(self.versions, &self.group())).await;
        let found = arm::absent(found, &["ResourceGroupNotFound"])?;
        found.as_ref().map(groups::read).transpose()
    }

    /// Creates the resource group, in the region of the resource.
    async fn create_group(&self) -> Result<(), Problem> {
        let tags = std::collections::BTreeMap::new();
        let call = groups::put(self.versions, &self.group(), &self.valid.location, &tags);
        self.call(&call).await.map(drop)
    }

    /// Whether the subscription may use a resource provider.
    async fn registration(&self, provider: &str) -> Result<Registration, Problem> {
        let provider = namespace(provider)?;
        let call = providers::get(self.versions, &self.valid.subscription, &provider);
        providers::read(&self.call(&call).await?)
    }

    /// Registers a resource provider.
    async fn register(&self, provider: &str) -> Result<Registration, Problem> {
        let provider = namespace(provider)?;
        let call = providers::register(self.versions, &self.valid.subscription, &provider);
        providers::read(&self.call(&call).await?)
    }

    /// The definition of a role, by its name.
    async fn role_definition(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        let call = roles::find(self.versions, &self.scope(), name);
        Ok(roles::found(&self.call(&call).await?, name))
    }

    /// The role assignments that hold on the resource.
    async fn role_assignments(&self) -> Result<Vec<Assignment>, Problem> {
        let call = roles::list(self.versions, &self.scope());
        let all = self.pages(call, roles::read_page).await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Takes a role assignment away, by its id.
    async fn unassign(&self, id: &str) -> Result<(), Problem> {
        let name = id.rsplit('/').next();
        if let Some(name) = name.and_then(|name| Uuid::try_parse(name).ok()) {
            let call = roles::delete(self.versions, &self.scope(), name);
            arm::absent(self.call(&call).await, &["RoleAssignmentNotFound"])?;
        }
        Ok(())
    }
}

fn namespace(provider: &str) -> Result<Namespace, Problem> {
    let parsed = provider.parse();
    parsed.map_err(|error| Problem::new(Reason::InvalidSpec, Retry::OnChange, format!("{error}")))
}
