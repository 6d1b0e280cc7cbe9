//! A spec parsed into types that cannot be wrong. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::identities::key_of;
use crate::names::{NameError, ResourceName, SecretKey, VaultUri};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::template::{Meta, Template, Texts};
use crate::vault_secret_sync::api::sources::{MergePolicy, TemplateSpec};
use crate::vault_secret_sync::api::{
    DeletionPolicy, OnMissing, Ownership, Validity, VaultSecretSync, VaultSecretSyncSpec,
};
use crate::vault_secret_sync::items::found::Find;
use crate::vault_secret_sync::items::item::{Item, Located, ObjectId};
use crate::vault_secret_sync::items::parse::{self, Around};
use crate::vault_secret_sync::plan::windows::Windows;
use crate::vault_secret_sync::push::{self, valid::Push};
use crate::vault_secret_sync::rollout;
use crate::vault_secret_sync::vault_refs::{self, Referred, Told};
use crate::vault_secret_sync::{NEVER_WRITTEN, SYNC_AT};

/// How often a vault is looked at where the spec does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(5);
/// How long before its end a value is told of where the spec does not say.
pub const DEFAULT_WARNING: Duration = Duration::from_hours(30 * 24);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);

/// A sync that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Its namespace, and that of everything it touches.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The generation of the spec.
    pub generation: i64,
    /// When it was made: of two that claim one key the older has it.
    pub created: Option<Timestamp>,
    /// Its own vault, where it names one. Items may name others.
    pub vault: Option<VaultUri>,
    /// Which vaults it names by KeyVaults, and which of them it waits for.
    pub referred: Referred,
    /// The identity that it names.
    pub identity: Option<IdentityRef>,
    /// How often the vault is looked at; none means once.
    pub interval: Option<Duration>,
    /// What goes into the Secret; each key once.
    pub items: Vec<Item>,
    /// What is found by lists.
    pub finds: Vec<Find>,
    /// What becomes of a key whose object is gone.
    pub on_missing: OnMissing,
    /// The templates of values, where there are any.
    pub templates: Option<Templates>,
    /// Whether a version is taken outside of its time.
    pub validity: Validity,
    /// How long before its end a value is told of.
    pub expiry_warning: Option<Duration>,
    /// When changes may be applied.
    pub windows: Windows,
    /// What is written to the vault.
    pub pushes: Vec<Push>,
    /// The Secret.
    pub target: Target,
    /// The annotation that asks for a look now.
    pub sync_at: Option<String>,
    /// Workloads that are restarted.
    pub rollout: Vec<rollout::valid::Target>,
    /// Whether it rests.
    pub suspend: bool,
}

/// Templates of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// The templates.
    pub template: Template,
    /// What they know besides values.
    pub meta: Meta,
    /// Whether the Secret holds what they are made of, too.
    pub merge: bool,
}

/// The Secret that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: ResourceName,
    /// Whose it is.
    pub ownership: Ownership,
    /// What deletion of the sync does.
    pub deletion_policy: DeletionPolicy,
    /// Whether nobody may change it.
    pub immutable: bool,
    /// Whether it may be made anew where it cannot be changed.
    pub recreate: bool,
    /// Its type, where one is asked for.
    pub type_: Option<String>,
    /// Labels that it gets.
    pub labels: BTreeMap<String, String>,
    /// Annotations that it gets.
    pub annotations: BTreeMap<String, String>,
}

/// Parses a sync without a look at KeyVaults: those that it names are waited for.
pub fn parse(sync: &VaultSecretSync) -> Result<Valid, Problem> {
    parse_among(sync, |_| None)
}

/// Parses a sync, where `told` knows the KeyVaults of its namespace. The API server's validation refuses most of what is refused
/// here; objects that were stored before a rule was made are met all the same.
pub fn parse_among(
    sync: &VaultSecretSync,
    told: impl Fn(&str) -> Option<Told>,
) -> Result<Valid, Problem> {
    let (spec, referred) = vault_refs::resolve(&sync.spec, told)?;
    let spec = spec.as_ref();
    let name = sync.name_any();
    if name.len() > 63 {
        return Err(invalid(
            "metadata.name: it may have at most 63 characters".to_owned(),
        ));
    }
    let interval = interval(spec.refresh_interval)?;
    let vault = vault(spec)?;
    let namespace = sync.namespace().unwrap_or_default();
    let around = Around {
        identity: &key_of(&namespace, spec.identity_ref.as_ref()),
        vault: vault.as_ref(),
    };
    something_to_do(spec)?;
    let items = parse::parse(&spec.data, around)?;
    let (target, templates) = target(sync, &name, &namespace, &items)?;
    let (items, finds) = parse::parse_from(&spec.data_from, items, around)?;
    Ok(Valid {
        uid: sync.uid().unwrap_or_default(),
        generation: sync.metadata.generation.unwrap_or_default(),
        created: sync.metadata.creation_timestamp.as_ref().map(|time| time.0),
        identity: spec.identity_ref.clone(),
        interval,
        items,
        finds,
        on_missing: spec.on_missing,
        validity: spec.validity,
        expiry_warning: expiry_warning(spec.expiry_warning)?,
        windows: Windows::parse("spec.windows", &spec.windows)?,
        pushes: push::valid::parse(&spec.push)?,
        target,
        templates,
        sync_at: sync.annotations().get(SYNC_AT).cloned(),
        rollout: rollout::valid::parse(&spec.rollout)?,
        suspend: spec.suspend,
        name,
        namespace,
        vault,
        referred,
    })
}

/// A sync that reads nothing writes no Secret, so nothing can be made of values, and nobody is restarted for them.
fn something_to_do(spec: &VaultSecretSyncSpec) -> Result<(), Problem> {
    let makes = spec
        .template
        .as_ref()
        .is_some_and(|made| !made.data.is_empty());
    if !spec.reads() && spec.push.is_empty() {
        let message = "spec.data: data, dataFrom or push must have an entry";
        return Err(invalid(message.to_owned()));
    }
    if !spec.reads() && (makes || !spec.rollout.is_empty()) {
        let message = "spec: template.data and rollout have no meaning without data or dataFrom";
        return Err(invalid(message.to_owned()));
    }
    Ok(())
}

impl Valid {
    /// Whether there is a Secret to write.
    pub fn reads(&self) -> bool {
        !self.items.is_empty() || !self.finds.is_empty()
    }

    /// The host of its own vault, where that is known.
    pub fn own_host(&self) -> Option<&str> {
        let known = |vault: &&VaultUri| self.referred.why_not(vault).is_none();
        self.vault.as_ref().filter(known).map(VaultUri::authority)
    }

    /// The vault of an object.
    pub fn vault_of<'a>(&'a self, object: &'a Located) -> Option<&'a VaultUri> {
        object.vault.as_ref().or(self.vault.as_ref())
    }

    /// Whether something is made of several objects, or several values may come to one key, so that all are needed as soon as one is.
    pub fn together(&self) -> bool {
        let open = self.items.iter().filter(|item| item.is_open()).count();
        let several = |item: &Item| item.needs().len() > 1;
        self.templates.is_some() || open > 1 || self.items.iter().any(several)
    }

    /// The same of several vaults.
    pub fn together_across(&self) -> bool {
        let open = self.items.iter().filter(|item| item.is_open()).count();
        let several = |item: &Item| {
            let needs = item.needs();
            let located = needs.iter().filter_map(ObjectId::located);
            let vaults: BTreeSet<_> = located.map(|object| &object.vault).collect();
            vaults.len() > 1
        };
        self.templates.is_some() || open > 1 || self.items.iter().any(several)
    }

    /// Whether a key that an item gives is one of the Secret. Otherwise it is only what templates are made of.
    pub fn holds(&self, key: &str) -> bool {
        self.templates
            .as_ref()
            .is_none_or(|made| made.merge && made.template.needs(key).is_none())
    }

    /// The keys of the Secret that templates make.
    fn made(&self) -> impl Iterator<Item = String> {
        let templates = self.templates.iter();
        templates.flat_map(|made| made.template.keys().map(str::to_owned))
    }

    /// The keys that it claims.
    pub fn keys(&self) -> BTreeSet<String> {
        let given = self.items.iter().flat_map(Item::keys);
        let given = given.map(|given| given.key.to_string());
        given
            .filter(|key| self.holds(key))
            .chain(self.made())
            .collect()
    }

    /// The keys that the Secret is sure to have once all is well.
    pub fn certain_keys(&self) -> Vec<String> {
        let given = self.items.iter().flat_map(Item::keys);
        let always = given.filter(|given| given.always);
        let always = always.map(|given| given.key.to_string());
        always
            .filter(|key| self.holds(key))
            .chain(self.made())
            .collect()
    }

    /// The vaults that something comes from.
    pub fn vaults(&self) -> BTreeSet<VaultUri> {
        let needs = self.items.iter().flat_map(Item::needs);
        let located = |need: ObjectId| self.vault_of(need.located()?).cloned();
        let finds = self.finds.iter();
        let found = finds.filter_map(|find| find.vault.as_ref().or(self.vault.as_ref()));
        needs.filter_map(located).chain(found.cloned()).collect()
    }
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

fn field(path: &str, error: &NameError) -> Problem {
    invalid(format!("spec.{path}: {error}"))
}

fn interval(asked: Option<kube::core::Duration>) -> Result<Option<Duration>, Problem> {
    let Some(asked) = asked else {
        return Ok(Some(DEFAULT_INTERVAL));
    };
    let negative = asked.is_negative();
    let asked = Duration::from(asked);
    if asked.is_zero() {
        return Ok(None);
    }
    if negative || asked < SHORTEST_INTERVAL {
        return Err(invalid(format!(
            "spec.refreshInterval: {asked:?} is neither 0s (once) nor at least {SHORTEST_INTERVAL:?}"
        )));
    }
    Ok(Some(asked))
}

fn expiry_warning(asked: Option<kube::core::Duration>) -> Result<Option<Duration>, Problem> {
    let Some(asked) = asked else {
        return Ok(Some(DEFAULT_WARNING));
    };
    if asked.is_negative() {
        return Err(invalid(
            "spec.expiryWarning: it must not be negative".to_owned(),
        ));
    }
    let asked = Duration::from(asked);
    Ok((!asked.is_zero()).then_some(asked))
}

/// The vault that the sync names.
fn vault(spec: &VaultSecretSyncSpec) -> Result<Option<VaultUri>, Problem> {
    let vault = spec.vault_uri.as_deref().map(str::parse).transpose();
    let vault = vault.map_err(|error| field("vaultUri", &error))?;
    if !spec.push.is_empty() && vault.is_none() {
        return Err(invalid(
            "spec.vaultUri: it or vaultRef must be set, since there is something to push"
                .to_owned(),
        ));
    }
    Ok(vault)
}

/// The Secret, and the templates of its values. `items` are those of data.
fn target(
    sync: &VaultSecretSync,
    name: &str,
    namespace: &str,
    items: &[Item],
) -> Result<(Target, Option<Templates>), Problem> {
    let asked = sync.spec.target.clone().unwrap_or_default();
    let spec = sync.spec.template.clone().unwrap_or_default();
    let target_name = asked.name.as_deref().unwrap_or(name);
    let target_name = target_name
        .parse()
        .map_err(|error| field("target.name", &error))?;
    let ours =
        |names: &BTreeMap<String, String>| names.keys().any(|name| name.contains("lakevault.dev/"));
    if ours(&spec.labels) || ours(&spec.annotations) {
        return Err(invalid(
            "spec.template: labels and annotations of lakevault.dev belong to the operator"
                .to_owned(),
        ));
    }
    let meta = Meta {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        secret: ResourceName::to_string(&target_name),
        seed: String::new(),
    };
    if asked.ownership == Ownership::Merge && (asked.immutable || asked.recreate) {
        return Err(invalid(
            "spec.target: immutable and recreate are for a Secret of the sync's own (ownership Own)"
                .to_owned(),
        ));
    }
    let merge = spec.merge_policy == MergePolicy::Merge;
    let template = template(spec, sync.spec.data_from.is_empty().then_some(items))?;
    let metadata = template.metadata(&meta)?;
    let type_ = metadata.type_.as_deref();
    if let Some(never) = type_.filter(|type_| NEVER_WRITTEN.contains(type_)) {
        return Err(invalid(format!(
            "spec.template.type: a Secret of type {never} is a credential of the cluster or a release of helm, which no sync writes; name another type, such as Opaque"
        )));
    }
    let target = Target {
        name: target_name,
        ownership: asked.ownership,
        deletion_policy: asked.deletion_policy,
        immutable: asked.immutable,
        recreate: asked.recreate,
        type_: metadata.type_,
        labels: metadata.labels,
        annotations: metadata.annotations,
    };
    let makes = template.keys().next().is_some();
    let templates = makes.then_some(Templates {
        template,
        meta,
        merge,
    });
    Ok((target, templates))
}

/// The templates. `items` are all that there are, where that is known.
fn template(spec: TemplateSpec, items: Option<&[Item]>) -> Result<Template, Problem> {
    for key in spec.data.keys() {
        if let Err(error) = key.parse::<SecretKey>() {
            return Err(field(&format!("template.data[{key:?}]"), &error));
        }
    }
    let template = Template::parse(&Texts {
        type_: spec.type_,
        labels: spec.labels,
        annotations: spec.annotations,
        data: spec.data,
    })?;
    let unknown = items.and_then(|items| {
        let given = items.iter().flat_map(Item::keys);
        template.unknown_name(&given.map(|given| given.key.to_string()).collect())
    });
    unknown.map_or(Ok(template), Err)
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
