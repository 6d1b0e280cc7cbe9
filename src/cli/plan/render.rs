//! Plans as text. Pure.

use super::planned::{Action, Difference, Key, Obstacle, Planned, Verdict};
use crate::cli::form::{Form, printable, shown};

const INDENT: &str = "    ";

/// All plans. The error says why they cannot be written.
pub(super) fn render(all: &[Planned], form: Form) -> Result<String, String> {
    let mut text = shown(all, form, table)?;
    if form == Form::Table {
        text.push('\n');
        text.push_str(&sum(all));
    }
    Ok(text)
}

fn table(planned: &Planned) -> String {
    let mut text = printable(&planned.object);
    if let Some(identity) = &planned.identity {
        text.push_str(" with ");
        text.push_str(&printable(identity));
    }
    text.push('\n');
    let mut line = |sign: &str, what: &str| {
        text.push_str("  ");
        text.push_str(sign);
        text.push_str(&printable(what));
        text.push('\n');
    };
    if let Some(target) = &planned.target {
        line("", target);
    }
    planned.notes.iter().for_each(|note| line("– ", note));
    if planned.verdict() == Verdict::Same {
        line("= ", "nothing would be done");
    }
    for (place, step) in planned.steps.iter().enumerate() {
        line(&format!("{}. ", place + 1), step);
    }
    let width = planned
        .keys
        .iter()
        .map(|key| key.name.chars().count())
        .max();
    let keys = planned.keys.iter();
    keys.for_each(|one| line(INDENT, &key(one, width.unwrap_or_default())));
    let differences = planned.differences.iter();
    differences.for_each(|one| line(INDENT, &difference(one)));
    for (sign, obstacles) in [("… ", &planned.waits), ("✗ ", &planned.obstacles)] {
        for one in obstacles {
            line(sign, &obstacle(one));
            if let Some(mend) = &one.mend {
                line(INDENT, &format!("Mend: {mend}"));
            }
        }
    }
    text
}

fn key(key: &Key, width: usize) -> String {
    let name = format!("{:<width$}", key.name);
    let object = &key.from;
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
    match key.action {
        Action::Add if key.version.is_none() => format!("+ {name}  from {object}"),
        Action::Add => format!("+ {name}  from {object}, version {}", version(&key.version)),
        Action::Change if key.held == key.version => format!("~ {name}  from {object}"),
        Action::Change => format!(
            "~ {name}  from {object}, version {} → {}",
            version(&key.held),
            version(&key.version)
        ),
        Action::Repair => format!("~ {name}  set back to what {object} has"),
        Action::Remove => format!("- {}", key.name),
        Action::Keep => format!("= {name}  from {object}"),
        Action::Lack => format!("? {name}  no value from {object}"),
    }
}

fn difference(difference: &Difference) -> String {
    let Difference { path, is, will_be } = difference;
    format!("{path}: {is} → {will_be}")
}

fn obstacle(obstacle: &Obstacle) -> String {
    let Obstacle {
        at,
        reason,
        message,
        ..
    } = obstacle;
    match at {
        Some(at) => format!("{reason}: {at}: {message}"),
        None => format!("{reason}: {message}"),
    }
}

/// How many objects stand how.
fn sum(all: &[Planned]) -> String {
    let count = |verdict| all.iter().filter(|one| one.verdict() == verdict).count();
    format!(
        "{} as declared, {} to be changed, {} in trouble\n",
        count(Verdict::Same),
        count(Verdict::Differs),
        count(Verdict::Blocked)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Problem, Reason};
    use crate::retry::Retry;

    fn vault() -> Planned {
        let mut planned = Planned::new("KeyVault team/kv".to_owned());
        planned.target = Some("/subscriptions/s/kv".to_owned());
        planned.identity = Some("AzureIdentity team/main".to_owned());
        planned.notes.push("it is new".to_owned());
        planned.steps = vec!["create the vault".to_owned()];
        planned.differences.push(Difference {
            path: "sku".to_owned(),
            is: "(absent)".to_owned(),
            will_be: "Premium".to_owned(),
        });
        let message = "no\u{1b}[2J right. Mend: az role assignment create";
        let problem = Problem::new(Reason::Forbidden, Retry::Backoff, message);
        planned.meets(None, &problem);
        planned
    }

    fn sync() -> Planned {
        let key = |name: &str, action, held: Option<&str>, version: Option<&str>| Key {
            name: name.to_owned(),
            action,
            from: "db".to_owned(),
            held: held.map(str::to_owned),
            version: version.map(str::to_owned),
        };
        let mut planned = Planned::new("VaultSecretSync team/app".to_owned());
        planned.keys = vec![
            key("A", Action::Add, None, Some("v1")),
            key("LONG", Action::Change, Some("v1"), Some("v2")),
            key("K", Action::Keep, Some("v1"), Some("v1")),
            key("R", Action::Remove, Some("v1"), None),
        ];
        planned
    }

    #[test]
    fn a_table_tells_what_would_be_done_and_what_stands_in_the_way() {
        let expected = "KeyVault team/kv with AzureIdentity team/main\n  \
            /subscriptions/s/kv\n  \
            – it is new\n  \
            1. create the vault\n      \
            sku: (absent) → Premium\n  \
            ✗ Forbidden: no [2J right.\n      \
            Mend: az role assignment create\n\n\
            VaultSecretSync team/app\n      \
            + A     from db, version v1\n      \
            ~ LONG  from db, version v1 → v2\n      \
            = K     from db\n      \
            - R\n\n\
            0 as declared, 1 to be changed, 1 in trouble\n";
        assert_eq!(render(&[vault(), sync()], Form::Table).unwrap(), expected);
    }

    #[test]
    fn what_is_as_it_should_be_says_so() {
        let same = Planned::new("KeyVault team/kv".to_owned());
        let text = render(&[same], Form::Table).unwrap();
        assert!(text.contains("= nothing would be done"), "{text}");
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        let all = [vault(), sync()];
        let json: serde_json::Value =
            serde_json::from_str(&render(&all, Form::Json).unwrap()).unwrap();
        let yaml: serde_json::Value =
            serde_saphyr::from_str(&render(&all, Form::Yaml).unwrap()).unwrap();
        assert_eq!(json, yaml);
        assert_eq!(json[0]["differences"][0]["willBe"], "Premium");
        assert_eq!(json[1]["keys"][1]["action"], "change");
    }
}
