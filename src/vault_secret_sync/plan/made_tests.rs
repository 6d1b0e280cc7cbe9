use std::collections::BTreeSet;

use super::*;
use crate::hub::Outcome;
use crate::problem::Reason;
use crate::vault_secret_sync::fixtures::{outcomes, sync_with};
use crate::vault_secret_sync::items::item::ObjectId;
use crate::vault_secret_sync::plan::tests::{at, bundle, failed};
use crate::vault_secret_sync::plan::{Observed, Plan, plan};
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::{Valid, parse};
use crate::vault_secret_sync::wants::inputs::inputs;
use crate::vault_secret_sync::wants::wanted::{Extent, extent, objects};

fn valid_of(template: &serde_json::Value) -> Valid {
    valid_with(template, |_| ())
}

fn valid_with(template: &serde_json::Value, change: fn(&mut serde_json::Value)) -> Valid {
    parse(&sync_with(|spec| {
        spec["template"] = template.clone();
        change(spec);
    }))
    .unwrap()
}

fn two() -> serde_json::Value {
    serde_json::json!({"data": {"url": "db://{{ DB_PASSWORD }}", "both": "{{ DB_PASSWORD }}+{{ API_KEY }}"}})
}

/// A Secret that a sync keeps, with what is remembered between two looks.
#[derive(Default)]
struct World {
    secret: Option<SecretMeta>,
    values: BTreeMap<String, String>,
    /// The keys that nobody else has set since.
    ours: BTreeSet<String>,
    rejected: Rejected,
}

impl World {
    /// One look, with what the vault answers to what it is asked.
    fn look(&mut self, valid: &Valid, vault: &dyn Fn(&str) -> Outcome) -> Plan {
        let made_of = inputs(valid, self.secret.as_ref());
        let scene = Scene::of(valid, self.secret.as_ref(), made_of.as_ref(), &[]);
        let gone = |_: &ObjectId| false;
        let mut asked = extent(&scene, &self.rejected, &BTreeMap::new(), gone);
        let given = |asked: Extent, rejected: &Rejected| {
            let wanted = objects(&scene, rejected, asked).into_iter();
            let answers = wanted.filter_map(|(object, held)| {
                let outcome = vault(object.object.name.as_str());
                let same = |bundle: &std::sync::Arc<crate::azure::key_vault::Bundle>| {
                    held.as_ref()
                        .is_some_and(|held| held.version == bundle.version)
                };
                (!outcome.as_ref().is_ok_and(same)).then_some((ObjectId::Object(object), outcome))
            });
            answers.collect::<BTreeMap<_, _>>()
        };
        let mut objects = given(asked, &self.rejected);
        if asked == Extent::Lacking && objects.values().any(Result::is_ok) {
            asked = Extent::Everything;
            objects = given(asked, &self.rejected);
        }
        let made = plan(
            &Observed {
                scene,
                objects: &objects,
                rejected: &self.rejected,
                removal: None,
            },
            at(100),
        );
        self.rejected = self.rejected.after(&valid.items, &objects, outcomes(&made));
        self.write(valid, &made);
        made
    }

    /// What the API server makes of an apply: what somebody else has set since is left alone.
    fn write(&mut self, valid: &Valid, plan: &Plan) {
        let Some(write) = &plan.write else { return };
        let kept = |key: &String| Some((key.clone(), self.values.get(key)?.clone()));
        let mut values: BTreeMap<String, String> = write.keep.iter().filter_map(kept).collect();
        assert_eq!(
            values.len(),
            write.keep.len(),
            "something is kept that is not there"
        );
        let text = |value: &SecretValue| value.expose_str().unwrap().to_owned();
        let fresh = write.fresh.iter();
        values.extend(fresh.map(|(key, value)| (key.clone(), text(value))));
        let share = Share {
            record: write.record.clone(),
            intact: values.keys().cloned().collect(),
        };
        for (key, value) in std::mem::take(&mut self.values) {
            if !self.ours.contains(&key) {
                values.entry(key).or_insert(value);
            }
        }
        self.ours.clone_from(&share.intact);
        let mut secret = SecretMeta::default();
        secret.facts.managed = true;
        secret.facts.shares.insert(valid.name.clone(), share);
        secret.facts.controller = Some(crate::vault_secret_sync::target::Controller {
            uid: valid.uid.clone(),
            named: String::new(),
        });
        (self.secret, self.values) = (Some(secret), values);
    }

    fn damage(&mut self, key: &str) {
        let facts = &mut self.secret.as_mut().unwrap().facts;
        facts.shares.get_mut("app").unwrap().intact.remove(key);
        self.ours.remove(key);
        // As memory has it: who changes the Secret has all looked at again.
        self.rejected = Rejected::default();
    }

    fn settled(&mut self, valid: &Valid, vault: &dyn Fn(&str) -> Outcome) {
        let again = self.look(valid, vault);
        assert!(
            again.write.is_none(),
            "it does not settle: {:?}",
            again.write
        );
    }
}

fn vault(db: &'static str, api: &'static str) -> impl Fn(&str) -> Outcome {
    move |name| {
        let version = if name == "db-password" { db } else { api };
        if version == "403" {
            return failed(Reason::Forbidden);
        }
        bundle(&format!("{name}-{version}"), version)
    }
}

fn problem<'a>(plan: &'a Plan, key: &str) -> Option<&'a Problem> {
    let mut keys = plan.keys.iter();
    keys.find(|plan| plan.key == key)?.problem.as_ref()
}

#[test]
fn templates_replace_the_keys_that_they_are_made_of() {
    let valid = valid_of(&two());
    let mut world = World::default();
    let plan = world.look(&valid, &vault("1", "1"));
    let keys: Vec<&str> = plan.keys.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(keys, ["both", "url"]);
    assert_eq!(plan.keys[0].object, "api-key, db-password");
    assert_eq!(world.values["url"], "db://db-password-1");
    assert_eq!(world.values["both"], "db-password-1+api-key-1");
    assert_eq!(world.values.len(), 2);
    world.settled(&valid, &vault("1", "1"));
}

#[test]
fn merged_templates_stand_beside_what_they_are_made_of_and_win() {
    let template = serde_json::json!({"mergePolicy": "Merge", "data": {
        "url": "db://{{ DB_PASSWORD }}", "API_KEY": "key {{ API_KEY }}"
    }});
    let valid = valid_of(&template);
    let mut world = World::default();
    world.look(&valid, &vault("1", "1"));
    assert_eq!(world.values["DB_PASSWORD"], "db-password-1");
    assert_eq!(world.values["API_KEY"], "key api-key-1");
    assert_eq!(world.values["url"], "db://db-password-1");
    world.settled(&valid, &vault("1", "1"));
    // What the Secret holds itself goes on where a template cannot.
    world.look(&valid, &vault("2", "403"));
    assert_eq!(world.values["DB_PASSWORD"], "db-password-2");
    assert_eq!(world.values["API_KEY"], "key api-key-1");
    world.settled(&valid, &vault("2", "403"));
}

#[test]
fn one_changed_value_makes_all_keys_of_it_anew() {
    let valid = valid_of(&two());
    let mut world = World::default();
    world.look(&valid, &vault("1", "1"));
    world.look(&valid, &vault("2", "1"));
    assert_eq!(world.values["url"], "db://db-password-2");
    assert_eq!(world.values["both"], "db-password-2+api-key-1");
    world.settled(&valid, &vault("2", "1"));
}

#[test]
fn a_key_whose_value_fails_keeps_what_it_has_and_others_go_on() {
    let valid = valid_of(&two());
    let mut world = World::default();
    world.look(&valid, &vault("1", "1"));
    let plan = world.look(&valid, &vault("2", "403"));
    assert_eq!(world.values["url"], "db://db-password-2");
    assert_eq!(world.values["both"], "db-password-1+api-key-1");
    assert_eq!(problem(&plan, "both").unwrap().reason, Reason::Forbidden);
    assert_eq!(problem(&plan, "url"), None);
    world.settled(&valid, &vault("2", "403"));
    // It comes back with the version that it had.
    world.look(&valid, &vault("2", "1"));
    // What memory did not keep, a restart finds out.
    world.rejected = Rejected::default();
    world.look(&valid, &vault("2", "1"));
    assert_eq!(world.values["both"], "db-password-2+api-key-1");
    world.settled(&valid, &vault("2", "1"));
}

#[test]
fn a_damaged_key_is_made_again() {
    let valid = valid_of(&two());
    let mut world = World::default();
    world.look(&valid, &vault("1", "1"));
    world.damage("url");
    world.values.insert("url".to_owned(), "spoilt".to_owned());
    let plan = world.look(&valid, &vault("1", "1"));
    assert!(plan.repairs);
    assert_eq!(world.values["url"], "db://db-password-1");
    world.settled(&valid, &vault("1", "1"));
}

#[test]
fn a_template_that_fails_keeps_the_last_value_and_goes_on_telling_why() {
    let valid = valid_of(&two());
    let mut world = World::default();
    world.look(&valid, &vault("1", "1"));
    let edited = valid_of(&serde_json::json!({"data": {
        "url": "{{ (DB_PASSWORD | fromjson).host }}", "both": "{{ DB_PASSWORD }}+{{ API_KEY }}"
    }}));
    world.rejected = Rejected::default();
    for _ in 0..3 {
        let plan = world.look(&edited, &vault("1", "1"));
        assert_eq!(
            problem(&plan, "url").unwrap().reason,
            Reason::TemplateFailed
        );
        assert!(
            !problem(&plan, "url")
                .unwrap()
                .message
                .contains("db-password-1")
        );
        assert_eq!(world.values["url"], "db://db-password-1");
        assert_eq!(world.values["both"], "db-password-1+api-key-1");
    }
    world.settled(&edited, &vault("1", "1"));
}

#[test]
fn a_value_that_left_the_spec_leaves_what_is_made_of_all_of_them() {
    let all = serde_json::json!({"data": {"all": "{% for key, value in data | items %}{{ key }}={{ value }};{% endfor %}"}});
    let mut world = World::default();
    world.look(&valid_of(&all), &vault("1", "1"));
    assert_eq!(
        world.values["all"],
        "API_KEY=api-key-1;DB_PASSWORD=db-password-1;"
    );
    let fewer = valid_with(&all, |spec| {
        drop(spec["data"].as_array_mut().unwrap().pop());
    });
    world.rejected = Rejected::default();
    world.look(&fewer, &vault("1", "1"));
    assert_eq!(world.values["all"], "DB_PASSWORD=db-password-1;");
    world.settled(&fewer, &vault("1", "1"));
}

#[test]
fn a_template_without_values_needs_none() {
    let valid = valid_of(
        &serde_json::json!({"data": {"name": "{{ meta.secret }}", "url": "{{ DB_PASSWORD }}"}}),
    );
    let mut world = World::default();
    world.look(&valid, &vault("403", "403"));
    assert_eq!(
        world.values,
        BTreeMap::from([("name".to_owned(), "app".to_owned())])
    );
    world.settled(&valid, &vault("403", "403"));
}

#[test]
fn nothing_is_written_before_there_is_a_value() {
    let valid = valid_of(&two());
    let mut world = World::default();
    let plan = world.look(&valid, &vault("403", "403"));
    assert!(plan.write.is_none());
    assert_eq!(problem(&plan, "url").unwrap().reason, Reason::Forbidden);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever happens in between, once all is well the Secret is what the templates make of the newest values, and rests.
    #[test]
    fn all_comes_to_what_the_templates_make(
        steps in proptest::collection::vec((0_u8..6, 0_u8..6, 0_u8..4, proptest::bool::ANY), 1..12),
        merge in proptest::bool::ANY,
    ) {
        let template = if merge {
            serde_json::json!({"mergePolicy": "Merge", "data": two()["data"]})
        } else {
            two()
        };
        let valid = valid_of(&template);
        let mut world = World::default();
        for (db, api, event, restart) in steps {
            if restart {
                world.rejected = Rejected::default();
            }
            if world.secret.is_some() && event == 1 {
                world.damage("url");
            }
            if world.secret.is_some() && event == 2 {
                world.damage("both");
            }
            let before: BTreeSet<String> = world.values.keys().cloned().collect();
            let versions = |n: u8| ["1", "2", "3", "4", "403", "403"][usize::from(n)];
            world.look(&valid, &vault(versions(db), versions(api)));
            let after: BTreeSet<String> = world.values.keys().cloned().collect();
            let gone: Vec<&String> = before.difference(&after).collect();
            proptest::prop_assert!(gone.is_empty(), "{gone:?} vanished");
        }
        world.rejected = Rejected::default();
        world.look(&valid, &vault("9", "9"));
        proptest::prop_assert_eq!(&world.values["url"], "db://db-password-9");
        proptest::prop_assert_eq!(&world.values["both"], "db-password-9+api-key-9");
        proptest::prop_assert_eq!(world.values.len(), if merge { 4 } else { 2 });
        world.settled(&valid, &vault("9", "9"));
    }
}
