//! Templates of Go as templates of Lakevault (Jinja): values by name, and the functions that both have. Pure.

use super::go_words::{Token, tokens};

/// Functions of Go's templates and of sprig with one argument, by the filter that does the same; none for those that do nothing
/// here.
const FILTERS: [(&str, Option<&str>); 17] = [
    ("toString", None),
    ("b64enc", Some("b64encode")),
    ("b64dec", Some("b64decode")),
    ("quote", Some("quote")),
    ("squote", Some("squote")),
    ("urlquery", Some("urlencode")),
    ("upper", Some("upper")),
    ("lower", Some("lower")),
    ("trim", Some("trim")),
    ("toJson", Some("tojson")),
    ("fromJson", Some("fromjson")),
    ("toYaml", Some("toyaml")),
    ("fromYaml", Some("fromyaml")),
    ("sha256sum", Some("sha256")),
    ("first", Some("first")),
    ("last", Some("last")),
    ("print", None),
];
/// Words that are no names of values in Jinja.
const RESERVED: [&str; 22] = [
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "not",
    "and",
    "or",
    "in",
    "is",
    "if",
    "else",
    "for",
    "loop",
    "data",
    "meta",
    "range",
    "htpasswd",
    "dockerconfigjson",
    "self",
    "recursive",
];

/// The same template, or why there is none.
pub(super) fn converted(text: &str) -> Result<String, String> {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("{{") {
        literal(before)?;
        let (action, after) = action(behind)?;
        let (open, action) = trimmed(action, str::strip_prefix);
        let (close, action) = trimmed(action, str::strip_suffix);
        let said = expression(action.trim())?;
        made.push_str(before);
        made.extend(["{{", open, " ", &said, " ", close, "}}"]);
        rest = after;
    }
    literal(rest)?;
    made.push_str(rest);
    Ok(made)
}

/// What the value of a template is that is nothing but `{{ .name | functions }}`: the name, and what is done with it.
pub(super) fn pipeline(text: &str) -> Option<(String, Vec<String>)> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.trim_matches(|c: char| c == '-' || c.is_whitespace());
    let mut stages = inner.split('|').map(|stage| stage.trim().to_owned());
    let name = stages.next()?.strip_prefix('.')?.to_owned();
    (!inner.contains("{{")).then(|| (name, stages.collect()))
}

/// What stands in braces. Braces in a text do not end it.
fn action(behind: &str) -> Result<(&str, &str), String> {
    let mut quote = None;
    for (at, one) in behind.char_indices() {
        match (quote, one) {
            (None, '"' | '`') => quote = Some(one),
            (Some(open), _) if open == one => quote = None,
            (None, '}') if behind.get(at..).is_some_and(|rest| rest.starts_with("}}")) => {
                let inner = behind.get(..at).unwrap_or_default();
                return Ok((inner, behind.get(at + 2..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err("an action in it has no end".to_owned())
}

/// The mark that takes blanks away beside an action, and the action without it.
fn trimmed<'t>(
    action: &'t str,
    strip: impl Fn(&'t str, char) -> Option<&'t str>,
) -> (&'static str, &'t str) {
    match strip(action, '-') {
        Some(bare) => ("-", bare),
        None => ("", action),
    }
}

fn literal(text: &str) -> Result<(), String> {
    let marks = ["{%", "{#"];
    match marks.iter().find(|mark| text.contains(**mark)) {
        Some(mark) => Err(format!("{mark} begins something else here")),
        None => Ok(()),
    }
}

fn expression(action: &str) -> Result<String, String> {
    let all = tokens(action).ok_or_else(|| unknown(action))?;
    let mut reader = Reader {
        action,
        tokens: all.as_slice(),
    };
    let said = reader.pipeline()?;
    if reader.tokens.is_empty() {
        Ok(said)
    } else {
        Err(unknown(action))
    }
}

/// Reads an action from left to right.
struct Reader<'t> {
    action: &'t str,
    tokens: &'t [Token],
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn pipeline(&mut self) -> Result<String, String> {
        let mut said = self.command(None)?;
        while let [Token::Pipe, rest @ ..] = self.tokens {
            self.tokens = rest;
            said = self.command(Some(said))?;
        }
        // All values at once are nothing that can be written.
        if said == "." {
            return Err(unknown(self.action));
        }
        Ok(said)
    }

    /// A value, or a function of values. What a pipe brings is its last argument.
    fn command(&mut self, piped: Option<String>) -> Result<String, String> {
        let function = match self.tokens {
            [Token::Word(word), rest @ ..] if is_function(word) => {
                self.tokens = rest;
                word.as_str()
            }
            _ if piped.is_none() => return self.operand(),
            _ => return Err(unknown(self.action)),
        };
        let mut arguments = Vec::new();
        while !matches!(self.tokens, [] | [Token::Pipe | Token::Close, ..]) {
            arguments.push(self.operand()?);
        }
        arguments.extend(piped);
        called(function, &arguments).ok_or_else(|| unknown(self.action))
    }

    fn operand(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) if word == "." => Ok(".".to_owned()),
            Some(Token::Word(word)) if word.starts_with('.') => {
                field(word.get(1..).unwrap_or_default()).ok_or_else(|| unknown(self.action))
            }
            Some(Token::Word(word)) if word.chars().all(|c| c.is_ascii_digit()) => Ok(word.clone()),
            Some(Token::Text(text)) => Ok(quoted(text)),
            Some(Token::Open) => {
                let said = self.pipeline()?;
                match self.next() {
                    Some(Token::Close) => Ok(format!("({said})")),
                    _ => Err(unknown(self.action)),
                }
            }
            _ => Err(unknown(self.action)),
        }
    }
}

fn is_function(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A call of a function.
fn called(function: &str, arguments: &[String]) -> Option<String> {
    if arguments.iter().any(|argument| argument == ".") && function != "index" {
        return None;
    }
    match (function, arguments) {
        ("index", [all, name]) if all == "." => {
            let name = name.strip_prefix('"')?.strip_suffix('"')?;
            field(name).or_else(|| Some(format!("data[\"{name}\"]")))
        }
        ("default", [other, value]) => Some(format!("{value} | default({other}, true)")),
        ("replace", [old, new, value]) => Some(format!("{value} | replace({old}, {new})")),
        ("splitList", [sign, value]) => Some(format!("{value} | split({sign})")),
        ("join", [sign, value]) => Some(format!("{value} | join({sign})")),
        ("filterPEM", [kind, value]) if kind == "\"CERTIFICATE\"" => {
            Some(format!("{value} | pem_certificates"))
        }
        ("filterPEM", [kind, value]) if kind == "\"PRIVATE KEY\"" => {
            Some(format!("{value} | pem_private_key"))
        }
        ("printf", [form, values @ ..]) => printed(form, values),
        (_, [value]) => {
            let known = FILTERS.iter().find(|(go, _)| *go == function)?;
            Some(
                known
                    .1
                    .map_or_else(|| value.clone(), |filter| format!("{value} | {filter}")),
            )
        }
        _ => None,
    }
}

/// A form with %s and %v alone, as texts one behind the other.
fn printed(form: &str, values: &[String]) -> Option<String> {
    let form = form
        .strip_prefix('"')?
        .strip_suffix('"')?
        .replace("%v", "%s");
    let texts: Vec<&str> = form.split("%s").collect();
    let has_more = texts.iter().any(|text| text.contains('%'));
    if has_more || texts.len() != values.len() + 1 {
        return None;
    }
    let mut parts = vec![format!("\"{}\"", texts.first()?)];
    for (value, text) in values.iter().zip(texts.iter().skip(1)) {
        // A filter binds closer than the sign between texts.
        parts.push(value.clone());
        parts.extend((!text.is_empty()).then(|| format!("\"{text}\"")));
    }
    let parts: Vec<String> = parts.into_iter().filter(|part| part != "\"\"").collect();
    Some(match parts.as_slice() {
        [] => "\"\"".to_owned(),
        [one] => one.clone(),
        more => format!("({})", more.join(" ~ ")),
    })
}

fn unknown(text: &str) -> String {
    format!(
        "{{{{ {text} }}}} has no equal: write it in Jinja, see docs/templates.md for what it can do here"
    )
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

/// A value by its name: all of them are in `data`, and those whose names are identifiers stand by themselves.
fn field(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(plain) {
        return None;
    }
    Some(if RESERVED.contains(&name) {
        format!("data[\"{name}\"]")
    } else {
        name.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::template::{Template, Texts};

    #[test]
    fn values_and_common_functions_are_said_in_jinja() {
        for (go, jinja) in [
            ("plain text", "plain text"),
            ("{{ .DB_USER }}", "{{ DB_USER }}"),
            (
                "a={{ .user | toString }};b={{ .password | urlquery }}",
                "a={{ user }};b={{ password | urlencode }}",
            ),
            ("{{- .x -}}", "{{- x -}}"),
            (
                "{{ index . \"a-b\" | b64enc }}",
                "{{ data[\"a-b\"] | b64encode }}",
            ),
            ("{{ b64dec .x | upper }}", "{{ x | b64decode | upper }}"),
            ("{{ .data }}", "{{ data[\"data\"] }}"),
            (
                "{{ printf \"%s:%s\" .user .password | b64enc }}",
                "{{ (user ~ \":\" ~ password) | b64encode }}",
            ),
            (
                "{{ (index . \"a.b\") | default \"}}\" }}",
                "{{ (data[\"a.b\"]) | default(\"}}\", true) }}",
            ),
            (
                "{{ .x | replace \"a\" \"b\" }}",
                "{{ x | replace(\"a\", \"b\") }}",
            ),
            (
                "{{ .x | splitList \":\" | last }}",
                "{{ x | split(\":\") | last }}",
            ),
            (
                "{{ .t | filterPEM \"PRIVATE KEY\" }}",
                "{{ t | pem_private_key }}",
            ),
            ("{{ `{{` }}{{ .x }}", "{{ \"{{\" }}{{ x }}"),
        ] {
            assert_eq!(converted(go).as_deref(), Ok(jinja), "{go}");
            let texts = Texts {
                type_: None,
                labels: BTreeMap::new(),
                annotations: BTreeMap::new(),
                data: BTreeMap::from([("key".to_owned(), jinja.to_owned())]),
            };
            Template::parse(&texts).unwrap();
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_quoted() {
        for (go, told) in [
            ("{{ if .x }}y{{ end }}", "if .x"),
            ("{{ .x | pemTruststoreToPKCS12 }}", "pemTruststoreToPKCS12"),
            ("{{ printf \"%d\" .x }}", "printf"),
            ("{{ .x.y }}", ".x.y"),
            ("{{ .x", "no end"),
            ("{% raw %}", "{%"),
            ("{{ . }}", "."),
            ("{{ . | toJson }}", "toJson"),
            ("{{ .x | indent 4 }}", "indent"),
            ("{{ $x := .y }}", "$x"),
            ("{{/* said */}}", "said"),
        ] {
            let refused = converted(go);
            assert!(
                matches!(&refused, Err(why) if why.contains(told)),
                "{go}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_lone_pipeline_is_told_from_text() {
        let read = pipeline("{{ .tls | b64dec | pkcs12cert }}\n");
        let stages = vec!["b64dec".to_owned(), "pkcs12cert".to_owned()];
        assert_eq!(read, Some(("tls".to_owned(), stages)));
        assert_eq!(pipeline("x{{ .tls }}"), None);
        assert_eq!(pipeline("{{ .a }}{{ .b }}"), None);
    }
}
