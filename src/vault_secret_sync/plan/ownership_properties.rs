//! Two syncs, a user and a vault, in any order: what belongs to somebody else is never touched, nothing is lost while a vault is
//! away, and in the end each key is where it belongs, whoever looked first.

#[path = "ownership_model.rs"]
mod model;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use serde_json::json;

use self::model::{Field, Secret, Server};
use super::*;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::fixtures::outcomes;
use crate::vault_secret_sync::links::Links;
use crate::vault_secret_sync::plan::claims::{blocked, claimed};
use crate::vault_secret_sync::wants::wanted::{self, Extent};
use crate::vault_secret_sync::{ALLOW_SYNC, MANAGED, RECORD, field_manager};

/// The keys that syncs may claim.
const KEYS: u8 = 4;
/// A key that is nobody's but the user's.
const THEIRS: &str = "THEIRS";
/// The syncs, by name.
const NAMES: [&str; 2] = ["a", "b"];

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    /// A sync looks, at a vault in this state.
    Looks(usize),
    /// The operator starts anew and knows nothing but what is on the objects.
    Restart,
    /// The vault has a new value for a key of a sync.
    Rotates(usize, u8),
    /// An object cannot be had for a while, and can be again.
    Fails(usize, u8, bool),
    /// A user edits the spec: these keys, by bits.
    Claims(usize, u8),
    /// A user makes the sync, or deletes it.
    Comes(usize),
    Goes(usize),
    /// A user edits the Secret.
    SetsKey(u8),
    RemovesKey(u8),
    SetsTheirs,
    RemovesRecord(usize),
    RemovesMark,
    RemovesOwner,
    Allows(u8),
    DeletesSecret,
    MakesSecret {
        allows: u8,
        keys: u8,
        typed: bool,
    },
}

fn events() -> impl Strategy<Value = Event> {
    let (sync, key) = (0..2usize, 0..KEYS);
    prop_oneof![
        10 => sync.clone().prop_map(Event::Looks),
        1 => Just(Event::Restart),
        3 => (sync.clone(), key.clone()).prop_map(|(sync, key)| Event::Rotates(sync, key)),
        3 => (sync.clone(), key.clone(), any::<bool>())
            .prop_map(|(sync, key, fails)| Event::Fails(sync, key, fails)),
        2 => (sync.clone(), 1u8..1 << KEYS).prop_map(|(sync, keys)| Event::Claims(sync, keys)),
        1 => sync.clone().prop_map(Event::Comes),
        1 => sync.clone().prop_map(Event::Goes),
        2 => key.clone().prop_map(Event::SetsKey),
        2 => key.prop_map(Event::RemovesKey),
        1 => Just(Event::SetsTheirs),
        1 => sync.prop_map(Event::RemovesRecord),
        1 => Just(Event::RemovesMark),
        1 => Just(Event::RemovesOwner),
        2 => (0..4u8).prop_map(Event::Allows),
        1 => Just(Event::DeletesSecret),
        2 => (0..4u8, 0u8..1 << KEYS, proptest::bool::weighted(0.2))
            .prop_map(|(allows, keys, typed)| Event::MakesSecret { allows, keys, typed }),
    ]
}

fn key(number: u8) -> String {
    format!("K{number}")
}

fn keys(bits: u8) -> impl Iterator<Item = String> {
    (0..KEYS)
        .filter(move |number| bits & 1 << number != 0)
        .map(key)
}

fn allowed(bits: u8) -> String {
    let names = NAMES.iter().enumerate();
    let names = names.filter(|(place, _)| bits & 1 << place != 0);
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// One sync, and what the operator remembers of it.
#[derive(Debug, Clone)]
struct Actor {
    sync: VaultSecretSync,
    alive: bool,
    /// How often it was made.
    lives: u32,
    versions: BTreeMap<String, u32>,
    failing: BTreeSet<String>,
    rejected: Rejected,
}

impl Actor {
    fn new(name: &str, merges: bool, bits: u8) -> Self {
        let ownership = if merges { "Merge" } else { "Own" };
        let mut sync = sync_with(|spec| {
            spec["target"] = json!({"name": "shared", "ownership": ownership});
        });
        sync.metadata.name = Some(name.to_owned());
        let mut actor = Self {
            sync,
            alive: false,
            lives: 0,
            versions: BTreeMap::new(),
            failing: BTreeSet::new(),
            rejected: Rejected::default(),
        };
        actor.claims(bits);
        actor
    }

    fn claims(&mut self, bits: u8) {
        let name = self.name().to_owned();
        let entries = keys(bits).map(|key| {
            let object = object(&name, &key);
            json!({"key": key, "secret": {"name": object}})
        });
        self.sync.spec.data = serde_json::from_value(entries.collect()).unwrap();
    }

    fn name(&self) -> &str {
        self.sync.metadata.name.as_deref().unwrap()
    }

    fn valid(&self) -> Valid {
        parse(&self.sync).unwrap()
    }

    fn merges(&self) -> bool {
        self.valid().target.ownership == Ownership::Merge
    }

    /// What the vault has for a key.
    fn value(&self, key: &str) -> String {
        let version = self.versions.get(key).copied().unwrap_or_default();
        format!("{} {version}", object(self.name(), key))
    }

    /// What the vault says of the key of an object.
    fn answer(&self, key: &str) -> Outcome {
        if self.failing.contains(key) {
            return failed(Reason::Forbidden);
        }
        let version = self.versions.get(key).copied().unwrap_or_default();
        bundle(&self.value(key), &format!("v{version}"))
    }
}

fn object(sync: &str, key: &str) -> String {
    format!("{sync}-{key}").to_lowercase()
}

/// The key of an object.
fn key_of(object: &str) -> String {
    object.split_once('-').unwrap().1.to_uppercase()
}

#[derive(Debug, Clone)]
struct World {
    server: Server,
    actors: [Actor; 2],
    clock: i64,
}

impl World {
    fn rivals(&self, of: usize) -> Vec<Rival> {
        let links = Links::default();
        for actor in self.actors.iter().filter(|actor| actor.alive) {
            links.sync_seen(&actor.sync);
        }
        links.rivals("team", "shared", NAMES[of])
    }

    fn comes(&mut self, of: usize) {
        self.clock += 10;
        let (clock, actor) = (self.clock, &mut self.actors[of]);
        if actor.alive {
            return;
        }
        (actor.alive, actor.lives) = (true, actor.lives + 1);
        actor.rejected = Rejected::default();
        let meta = &mut actor.sync.metadata;
        meta.uid = Some(format!("uid-{}-{}", NAMES[of], actor.lives));
        meta.creation_timestamp = Some(Time(at(0) + SignedDuration::from_secs(clock)));
    }

    fn goes(&mut self, of: usize) {
        let actor = &mut self.actors[of];
        if actor.alive {
            actor.alive = false;
            let (uid, merges) = (actor.sync.metadata.uid.clone(), actor.merges());
            self.server.ends(NAMES[of], &uid.unwrap(), merges);
        }
    }

    fn happens(&mut self, event: &Event) {
        let server = &mut self.server;
        match event {
            Event::Looks(of) => drop(self.looks(*of)),
            Event::Restart => {
                for actor in &mut self.actors {
                    actor.rejected = Rejected::default();
                }
            }
            Event::Rotates(of, number) => {
                *self.actors[*of].versions.entry(key(*number)).or_default() += 1;
            }
            Event::Fails(of, number, true) => drop(self.actors[*of].failing.insert(key(*number))),
            Event::Fails(of, number, false) => {
                self.actors[*of].failing.remove(&key(*number));
            }
            Event::Claims(of, bits) => self.actors[*of].claims(*bits),
            Event::Comes(of) => self.comes(*of),
            Event::Goes(of) => self.goes(*of),
            Event::SetsKey(number) => {
                server.edit(Field::Data(key(*number)), Some("by hand".to_owned()));
            }
            Event::RemovesKey(number) => server.edit(Field::Data(key(*number)), None),
            Event::SetsTheirs => server.edit(Field::data(THEIRS), Some("theirs".to_owned())),
            Event::RemovesRecord(of) => {
                server.edit(Field::annotation(&format!("{RECORD}{}", NAMES[*of])), None);
            }
            Event::RemovesMark => server.edit(Field::Label(MANAGED.to_owned()), None),
            Event::RemovesOwner => server.edit(Field::Owner, None),
            Event::Allows(bits) => {
                server.edit(Field::annotation(ALLOW_SYNC), Some(allowed(*bits)));
            }
            Event::DeletesSecret => server.secret = None,
            Event::MakesSecret {
                allows,
                keys: bits,
                typed,
            } => {
                let fields = keys(*bits).map(Field::Data);
                let fields = fields.chain([Field::data(THEIRS)]).collect();
                let type_ = if *typed {
                    "example.com/typed"
                } else {
                    "Opaque"
                };
                server.made_by_hand(type_, &allowed(*allows), fields);
            }
        }
    }

    /// A sync looks, and what it must not do is checked. Whether it wrote.
    fn looks(&mut self, of: usize) -> bool {
        if !self.actors[of].alive {
            return false;
        }
        let before = self.server.secret.clone();
        let wrote = self.writes(of);
        let after = self.server.secret.clone().unwrap_or_default();
        if let Some(before) = &before {
            self.is_harmless(of, before, &after);
        }
        for (field, value) in &after.fields {
            let blank = value.is_empty() && matches!(field, Field::Data(_));
            assert!(!blank, "{field:?} is blank");
        }
        wrote
    }

    fn writes(&mut self, of: usize) -> bool {
        let (rivals, meta, actor) = (self.rivals(of), self.server.meta(), &self.actors[of]);
        let valid = actor.valid();
        let scene = scene_of(&valid, meta.as_ref(), &rivals);
        let mut objects = BTreeMap::new();
        if blocked(&valid, meta.as_ref(), &rivals).is_none() {
            for (located, held) in wanted::objects(&scene, &actor.rejected, Extent::Lacking) {
                let answer = actor.answer(&key_of(located.object.name.as_str()));
                let same = answer
                    .as_ref()
                    .is_ok_and(|bundle| held.is_some_and(|held| held.version == bundle.version));
                if !same {
                    objects.insert(ObjectId::Object(located), answer);
                }
            }
        }
        let observed = Observed {
            scene,
            objects: &objects,
            rejected: &actor.rejected,
            removal: None,
        };
        let plan = plan(&observed, at(1000));
        let rejected = actor
            .rejected
            .after(&valid.items, &objects, outcomes(&plan));
        self.actors[of].rejected = rejected;
        let write = plan.write.as_ref();
        write.is_some_and(|write| self.server.apply(NAMES[of], write))
    }

    /// No field changes but those that are the sync's, and no value of it goes but one that it claims no more.
    fn is_harmless(&self, of: usize, before: &Secret, after: &Secret) {
        let (name, manager) = (NAMES[of], field_manager(NAMES[of]));
        let valid = self.actors[of].valid();
        let claims = valid.keys();
        let marks = [
            Field::Label(MANAGED.to_owned()),
            Field::annotation(&format!("{RECORD}{name}")),
        ];
        let other = field_manager(NAMES[1 - of]);
        let (meta, rivals) = (before.meta(), self.rivals(of));
        for (field, value) in &before.fields {
            let now = after.get(field);
            let held = before.holds(&manager, field);
            match field {
                Field::Data(key) if claims.contains(key) => {
                    assert!(now.is_some(), "{name} has lost {key}");
                    let rival = claimed(&valid, key, Some(&meta), &rivals);
                    let taken = before.holds(&other, field) && rival.is_some();
                    assert!(
                        !taken || now == Some(value),
                        "{name} took {key} from another"
                    );
                }
                Field::Owner => assert!(
                    held || now == Some(value),
                    "{name} took the Secret from its owner"
                ),
                Field::Data(_) | Field::Label(_) | Field::Annotation(_) => {
                    let ours = held || marks.contains(field);
                    assert!(ours || now == Some(value), "{name} touched {field:?}");
                }
            }
        }
    }

    /// The vault is well, and both look until there is nothing to do.
    fn settles(&mut self, order: [usize; 2]) {
        for actor in &mut self.actors {
            actor.failing.clear();
        }
        for _ in 0..6 {
            let wrote = order.map(|of| self.looks(of));
            if wrote == [false, false] {
                return;
            }
        }
        panic!("they write for ever");
    }

    /// Each key that a sync claims and may write holds what its vault has, and two never leave a key to each other.
    fn is_as_wanted(&self) {
        let (meta, nothing) = (self.server.meta(), Secret::default());
        let secret = self.server.secret.as_ref().unwrap_or(&nothing);
        let mut left = BTreeMap::new();
        for (of, actor) in self.actors.iter().enumerate().filter(|(_, it)| it.alive) {
            let (valid, rivals) = (actor.valid(), self.rivals(of));
            let stopped = blocked(&valid, meta.as_ref(), &rivals);
            let typed =
                meta.is_some() && secret.is_typed() && valid.target.ownership == Ownership::Own;
            for key in valid.keys() {
                if claimed(&valid, &key, meta.as_ref(), &rivals).is_some() {
                    let before = left.insert(key.clone(), of);
                    assert_eq!(before, None, "both leave {key} to the other");
                } else if stopped.is_none() && !typed {
                    let value = secret.get(&Field::data(&key));
                    assert_eq!(
                        value,
                        Some(actor.value(&key).as_str()),
                        "{key} of {}",
                        NAMES[of]
                    );
                }
            }
        }
    }
}

impl World {
    /// Both syncs are made, and nothing has happened yet.
    fn new(merges: [bool; 2], claims: [u8; 2], first: usize) -> Self {
        let actor = |of: usize| Actor::new(NAMES[of], merges[of], claims[of]);
        let mut world = Self {
            server: Server::default(),
            actors: [actor(0), actor(1)],
            clock: 0,
        };
        world.comes(first);
        world.comes(1 - first);
        world
    }
}

#[test]
fn a_key_whose_record_was_taken_away_stays_while_its_object_cannot_be_had() {
    let mut world = World::new([false, false], [0b001, 0b001], 0);
    for event in [
        Event::Looks(0),
        Event::Claims(0, 0b111),
        Event::Fails(0, 0, true),
        Event::RemovesRecord(0),
        Event::Looks(0),
    ] {
        world.happens(&event);
    }
    let secret = world.server.secret.unwrap();
    assert_eq!(secret.get(&Field::data("K0")), Some("a-k0 0"));
    assert_eq!(secret.get(&Field::data("K1")), Some("a-k1 0"));
}

proptest! {
    #[test]
    fn each_key_ends_where_it_belongs_and_nobody_elses_is_touched(
        merges in any::<[bool; 2]>(),
        claims in [1u8..1 << KEYS, 1u8..1 << KEYS],
        first in 0..2usize,
        story in proptest::collection::vec(events(), 1..40),
    ) {
        let mut world = World::new(merges, claims, first);
        for event in &story {
            world.happens(event);
        }
        let mut other = world.clone();
        world.settles([0, 1]);
        world.is_as_wanted();
        other.settles([1, 0]);
        other.is_as_wanted();
        let data = |world: &World| {
            let fields = world.server.secret.iter().flat_map(|secret| secret.fields.clone());
            fields.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(data(&world), data(&other), "who looks first has won");
    }
}
