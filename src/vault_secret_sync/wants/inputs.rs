//! What a Secret that was made by templates tells of the values that went into them. Pure.
//!
//! The record has a line for each value, and one for each key that a template made: a digest of the template, and one of the
//! lines of its values. So it can be told without any value whether a key is what its template makes of those values.

use std::collections::{BTreeMap, BTreeSet};

use crate::template::{Needs, Template, digest};
use crate::vault_secret_sync::items::origin::{is_token, timeless};
use crate::vault_secret_sync::target::{Record, SecretMeta, Share};
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::scene::held;

/// The share as items see it: the recorded values, of which those are intact that every key which is made of them tells of.
/// None where there are no templates, or nothing is written yet.
pub fn inputs(valid: &Valid, secret: Option<&SecretMeta>) -> Option<Share> {
    let template = &valid.templates.as_ref()?.template;
    let share = secret?.share(&valid.name)?;
    let values = &share.record.values;
    let (mut doubted, mut all) = (BTreeSet::new(), false);
    for key in template.keys() {
        let needs = template.needs(key);
        if held(key, share) != line(template, key, values).as_deref() {
            all |= needs.is_some_and(|needs| needs.all);
            doubted.extend(needs.iter().flat_map(|needs| needs.names.keys()));
        }
    }
    let stands = |(key, line): (&String, &String)| {
        let is_there = !valid.holds(key) || held(key, share) == Some(line.as_str());
        !all && !doubted.contains(key) && is_there
    };
    Some(Share {
        intact: (values.iter().filter(|value| stands(*value)))
            .map(|(key, _)| key.clone())
            .collect(),
        record: Record {
            keys: values.clone(),
            vault: share.record.vault.clone(),
            ..Record::default()
        },
    })
}

/// Whether a template goes by a value.
pub fn uses(needs: &Needs, key: &str) -> bool {
    needs.all || needs.names.contains_key(key)
}

/// The line of a key that a template makes of values with these lines: `template:TEMPLATE/VALUES`, where both are digests, and
/// `@NUMBER` behind it where tokens are among the values: like a time it tells when the key is made anew, and restarts nobody.
/// None where there is no such template.
pub fn line(template: &Template, key: &str, lines: &BTreeMap<String, String>) -> Option<String> {
    let needs = template.needs(key)?;
    let used = || lines.iter().filter(|(key, _)| uses(needs, key));
    let texts: Vec<String> = used().flat_map(timeless_line).collect();
    let tokens: Vec<&str> = (used().filter(|(_, line)| is_token(line)))
        .flat_map(|(key, line)| [key.as_str(), line.as_str()])
        .collect();
    let made = template.digest(key)?;
    let values = digest(texts.iter().map(String::as_str));
    let line = format!("template:{made}/{values}");
    if tokens.is_empty() {
        return Some(line);
    }
    let number = u64::from_str_radix(&digest(tokens.into_iter()), 16).unwrap_or_default();
    // As many digits as every reader of numbers can hold.
    Some(format!("{line}@{}", number >> 11))
}

/// What the seed of a rendering is made of: the objects and versions of its values.
pub fn seed(template: &Template, key: &str, lines: &BTreeMap<String, String>) -> String {
    let needs = template.needs(key);
    let used = lines
        .iter()
        .filter(|(key, _)| needs.is_some_and(|needs| uses(needs, key)));
    used.flat_map(timeless_line)
        .flat_map(|text| [text, "\n".to_owned()])
        .collect()
}

fn timeless_line((key, line): (&String, &String)) -> [String; 2] {
    [key.clone(), timeless(line).into_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::sync_with;
    use crate::vault_secret_sync::valid::parse;

    fn valid(template: &serde_json::Value) -> Valid {
        parse(&sync_with(|spec| spec["template"] = template.clone())).unwrap()
    }

    fn url() -> Valid {
        valid(&serde_json::json!({"data": {"url": "{{ DB_PASSWORD }}", "key": "{{ API_KEY }}"}}))
    }

    fn lines(db: &str, api: &str) -> BTreeMap<String, String> {
        [("DB_PASSWORD", db), ("API_KEY", api)]
            .map(|(key, line)| (key.to_owned(), line.to_owned()))
            .into()
    }

    /// A Secret with what the templates made of values with these lines.
    fn secret(valid: &Valid, lines: &BTreeMap<String, String>) -> SecretMeta {
        let template = &valid.templates.as_ref().unwrap().template;
        let made = template.keys();
        let made = made.map(|key| (key.to_owned(), line(template, key, lines).unwrap()));
        let record = Record {
            keys: made.collect(),
            values: lines.clone(),
            ..Record::default()
        };
        let mut secret = SecretMeta::default();
        let intact = record.keys.keys().cloned().collect();
        secret
            .facts
            .shares
            .insert(valid.name.clone(), Share { record, intact });
        secret
    }

    fn intact(valid: &Valid, secret: &SecretMeta) -> Vec<String> {
        let share = inputs(valid, Some(secret)).unwrap();
        share.intact.into_iter().collect()
    }

    #[test]
    fn values_are_intact_where_every_key_is_what_was_made_of_them() {
        let valid = url();
        let mut secret = secret(&valid, &lines("db/v1", "api/v1"));
        assert_eq!(intact(&valid, &secret), ["API_KEY", "DB_PASSWORD"]);
        let share = secret.facts.shares.get_mut("app").unwrap();
        share.intact.remove("url");
        assert_eq!(intact(&valid, &secret), ["API_KEY"]);
        let share = secret.facts.shares.get_mut("app").unwrap();
        share
            .record
            .values
            .insert("API_KEY".to_owned(), "api/v2".to_owned());
        assert!(intact(&valid, &secret).is_empty());
    }

    #[test]
    fn another_template_doubts_its_values() {
        let secret = secret(&url(), &lines("db/v1", "api/v1"));
        let edited = valid(
            &serde_json::json!({"data": {"url": "{{ DB_PASSWORD }}!", "key": "{{ API_KEY }}"}}),
        );
        assert_eq!(intact(&edited, &secret), ["API_KEY"]);
        let all =
            valid(&serde_json::json!({"data": {"all": "{% for k in data %}{{ k }}{% endfor %}"}}));
        assert!(intact(&all, &secret).is_empty());
    }

    #[test]
    fn attributes_do_not_count_and_versions_and_tokens_do() {
        let valid = url();
        let template = &valid.templates.as_ref().unwrap().template;
        let of = |db: &str| line(template, "url", &lines(db, "api/v1")).unwrap();
        assert_eq!(of("db/v1@5"), of("db/v1@6"));
        assert_ne!(of("db/v1@5"), of("db/v2@5"));
        let (one, two) = (of("token:/v1#x"), of("token:/v2#x"));
        assert_ne!(one, two);
        assert_eq!(
            timeless(&one),
            timeless(&two),
            "a renewed token restarts pods"
        );
    }
}
