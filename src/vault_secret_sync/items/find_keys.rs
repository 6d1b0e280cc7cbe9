//! From the names of many objects or members to keys of the Secret: regular expressions, renaming, what Kubernetes allows in a
//! key, and who wins where two come to one key. Pure.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::names::SecretKey;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::sources::RenameSpec;

/// Characters of a regular expression. The definition has it too; stored objects may be older.
const MAX_PATTERN: usize = 512;
/// Bytes of a compiled expression, so that `(a{999}){999}` is refused.
const MAX_COMPILED: usize = 1 << 20;
/// Bytes of a replacement.
const MAX_REPLACEMENT: usize = 256;

/// A regular expression of the spec; `at` is its field.
///
/// Errors: `InvalidSpec` with the place in the expression.
pub fn pattern(at: &str, text: &str) -> Result<Regex, Problem> {
    let refused = |what: String| {
        let message = format!("{at}: {text:?} is no regular expression (syntax of RE2): {what}");
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    };
    if text.is_empty() || text.chars().count() > MAX_PATTERN {
        let message = format!("{at} must have 1 to {MAX_PATTERN} characters");
        return Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
    }
    RegexBuilder::new(text)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                refused("it would become too large; repeat less".to_owned())
            } else {
                refused(what_is_wrong(&error.to_string()))
            }
        })
}

/// The library draws an arrow below the expression; a condition has one line.
fn what_is_wrong(drawn: &str) -> String {
    let what = drawn.lines().last().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let arrow = drawn
        .lines()
        .find(|line| line.trim_start().starts_with('^'));
    // The expression is shown four columns in.
    match arrow.and_then(|line| line.find('^')?.checked_sub(3)) {
        Some(place) => format!("at character {place}: {what}"),
        None => what.to_owned(),
    }
}

/// A rule that makes another name of a name.
#[derive(Debug, Clone)]
pub struct Rename {
    from: Regex,
    to: String,
}

impl Rename {
    /// Parses a rule; `at` is its field.
    ///
    /// Errors: `InvalidSpec` where `from` is no expression or `to` names a group that `from` has not. `$1_x` would silently be
    /// nothing (it is the group named `1_x`), so it is refused with what to write.
    pub fn parse(at: &str, spec: &RenameSpec) -> Result<Self, Problem> {
        let from = pattern(&format!("{at}.from"), &spec.from)?;
        let refused = |what: String| {
            let message = format!("{at}.to: {what}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        };
        if spec.to.len() > MAX_REPLACEMENT {
            return Err(refused(format!(
                "it is longer than {MAX_REPLACEMENT} bytes"
            )));
        }
        for group in groups(&spec.to) {
            let number = group.parse::<usize>();
            let known = match number {
                Ok(number) => number < from.captures_len(),
                Err(_) => from.capture_names().flatten().any(|name| name == group),
            };
            if !known {
                let digits: String = group.chars().take_while(char::is_ascii_digit).collect();
                let hint = if digits.is_empty() || digits.len() == group.len() {
                    format!("from has {} groups", from.captures_len() - 1)
                } else {
                    format!("write ${{{digits}}} for group {digits} before a letter, digit or _")
                };
                return Err(refused(format!("there is no group ${group}: {hint}")));
            }
        }
        let to = spec.to.clone();
        Ok(Self { from, to })
    }

    /// The new name.
    pub fn apply(&self, name: &str) -> String {
        self.from.replace_all(name, self.to.as_str()).into_owned()
    }
}

/// The groups that a replacement names, by the rules of the regex crate: `$name`, `${name}`, and `$$` for the sign.
fn groups(to: &str) -> Vec<String> {
    let (mut found, mut signs) = (Vec::new(), to.chars().peekable());
    while let Some(sign) = signs.next() {
        if sign != '$' {
            continue;
        }
        match signs.peek() {
            Some('$') => {
                signs.next();
            }
            Some('{') => {
                signs.next();
                let inside: String = signs.by_ref().take_while(|c| *c != '}').collect();
                found.push(inside);
            }
            _ => {
                let mut name = String::new();
                while let Some(c) = signs.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                if !name.is_empty() {
                    found.push(name);
                }
            }
        }
    }
    found
}

/// The key that a name gives: what Kubernetes does not allow becomes `_`, and so does the first of two dots at the start. None
/// where nothing is left or it is longer than 253 characters.
pub fn key_of(name: &str) -> Option<SecretKey> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut key: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    if key == "." || key.starts_with("..") {
        key.replace_range(..1, "_");
    }
    key.parse().ok()
}

/// Gives each thing its key. `things` come with what a message calls them ("secret db-password") and their name; of two that
/// come to one key the first by name wins, which is the same in every look, whatever order a vault lists them in. The order is
/// that of names. The problems (`KeyCollision`) tell which were left out.
pub fn assign<T>(
    at: &str,
    mut things: Vec<(String, String, T)>,
    rename: Option<&Rename>,
) -> (Vec<(SecretKey, T)>, Vec<Problem>) {
    things.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    let mut taken: BTreeMap<SecretKey, String> = BTreeMap::new();
    let (mut keyed, mut told) = (Vec::new(), Vec::new());
    for (called, name, thing) in things {
        let renamed = rename.map_or_else(|| name.clone(), |rename| rename.apply(&name));
        let Some(key) = key_of(&renamed) else {
            let shown: String = renamed.chars().take(40).collect();
            told.push(collision(format!(
                "{at}: {called} gives no key: {shown:?} is empty or longer than 253 characters; correct rename"
            )));
            continue;
        };
        if let Some(winner) = taken.get(&key) {
            told.push(collision(format!(
                "{at}: {winner} and {called} both give the key {key}; the first by name counts, and {called} is left out; set rename, or rename one of them in the vault"
            )));
            continue;
        }
        taken.insert(key.clone(), called);
        keyed.push((key, thing));
    }
    (keyed, told)
}

fn collision(message: String) -> Problem {
    Problem::new(Reason::KeyCollision, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(from: &str, to: &str) -> Result<Rename, Problem> {
        let spec = RenameSpec {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        Rename::parse("spec.dataFrom[0].rename", &spec)
    }

    #[test]
    fn names_are_renamed_by_groups() {
        for (from, to, name, expected) in [
            ("^payments-(.*)", "$1", "payments-db-url", "db-url"),
            ("^payments-(.*)", "$1", "other", "other"),
            ("-", "_", "a-b-c", "a_b_c"),
            ("^(?<team>[a-z]+)-(.*)$", "${2}_$team", "pay-db", "db_pay"),
            ("^", "APP_", "x", "APP_x"),
            ("a", "$$", "a", "$"),
        ] {
            assert_eq!(
                rename(from, to).unwrap().apply(name),
                expected,
                "{from} {to}"
            );
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_by_field_and_place() {
        for (from, to, named) in [
            (
                "a(b",
                "x",
                "rename.from: \"a(b\" is no regular expression (syntax of RE2): at character 2: unclosed group",
            ),
            ("a)", "x", "at character 2"),
            ("(?=a)", "x", "look-around"),
            ("(a{999}){999}", "x", "too large"),
            ("", "x", "1 to 512"),
            (
                "(a)",
                "$2",
                "rename.to: there is no group $2: from has 1 groups",
            ),
            ("(a)", "$1_x", "write ${1}"),
            ("(a)", "$name", "no group $name"),
        ] {
            let problem = rename(from, to).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(problem.message.contains(named), "{problem}");
            assert!(!problem.message.contains('\n'), "{problem}");
        }
    }

    #[test]
    fn keys_are_what_kubernetes_allows() {
        for (name, key) in [
            ("db-password", Some("db-password")),
            ("a b/ü", Some("a_b__")),
            (".", Some("_")),
            ("..data", Some("_.data")),
            (".env", Some(".env")),
            ("", None),
            (&"x".repeat(254), None),
        ] {
            assert_eq!(
                key_of(name).map(|key| key.to_string()).as_deref(),
                key,
                "{name}"
            );
        }
    }

    #[test]
    fn the_first_by_name_wins_in_whatever_order_they_come() {
        let thing = |name: &str| (format!("secret {name}"), name.to_owned(), name.to_owned());
        let rule = rename("[0-9]", "").unwrap();
        let mut things = vec![thing("b2"), thing("a"), thing("b1"), thing("1")];
        for _ in 0..things.len() {
            things.rotate_left(1);
            let (keyed, told) = assign("spec.dataFrom[0]", things.clone(), Some(&rule));
            let keyed: Vec<_> = keyed
                .iter()
                .map(|(key, name)| (key.as_str(), name.as_str()))
                .collect();
            assert_eq!(keyed, [("a", "a"), ("b", "b1")]);
            assert_eq!(told.len(), 2);
            assert!(
                told[0].message.contains("secret 1 gives no key"),
                "{}",
                told[0]
            );
            assert!(
                told[1]
                    .message
                    .contains("secret b1 and secret b2 both give the key b;"),
                "{}",
                told[1]
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_expression_and_no_name_makes_it_panic(from in "[-a-c()\\[\\]{}|*+?.\\\\^$0-9,<>:=!]{0,24}", to in "[$a{}0-9_]{0,12}", name in ".{0,40}") {
            if let Ok(rule) = rename(&from, &to) {
                let renamed = rule.apply(&name);
                if let Some(key) = key_of(&renamed) {
                    proptest::prop_assert!(key.as_str().parse::<SecretKey>().is_ok());
                }
            }
        }
    }
}
