//! Templates of Go as templates of Lakevault (Jinja): values by name, and the functions that both have. Pure.

/// Functions of Go's templates and of sprig, by the filter that does the same; none for those that do nothing here.
const FUNCTIONS: [(&str, Option<&str>); 13] = [
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
    ("fromYaml", Some("fromyaml")),
    ("sha256sum", Some("sha256")),
];
/// Words that are no names of values in Jinja.
const RESERVED: [&str; 14] = [
    "true", "false", "none", "not", "and", "or", "in", "is", "if", "else", "for", "loop", "data",
    "meta",
];

/// The same template, or why there is none.
pub(super) fn converted(text: &str) -> Result<String, String> {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("{{") {
        literal(before)?;
        let (action, after) = behind
            .split_once("}}")
            .ok_or("an action in it has no end")?;
        let (open, action) = trimmed(action, str::strip_prefix);
        let (close, action) = trimmed(action, str::strip_suffix);
        let said = expression(action.trim())?;
        made.push_str(before);
        made.push_str(&format!("{{{{{open} {said} {close}}}}}"));
        rest = after;
    }
    literal(rest)?;
    made.push_str(rest);
    Ok(made)
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
    let mut stages = action.split('|').map(str::trim);
    let mut said = operand(stages.next().unwrap_or_default())?;
    for stage in stages {
        said = filtered(said, stage)?;
    }
    Ok(said)
}

/// A value, or a function of one.
fn operand(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [value] if value.starts_with('.') => field(value.get(1..).unwrap_or_default()),
        ["index", ".", name] => quoted(name).and_then(field),
        [function, value] => filtered(operand(value)?, function),
        _ => Err(unknown(text)),
    }
}

fn filtered(said: String, function: &str) -> Result<String, String> {
    let known = FUNCTIONS.iter().find(|(go, _)| *go == function);
    match known {
        Some((_, Some(filter))) => Ok(format!("{said} | {filter}")),
        Some((_, None)) => Ok(said),
        None => Err(unknown(function)),
    }
}

fn unknown(text: &str) -> String {
    format!("{text:?} has no equal: see docs/templates.md for what templates can do here")
}

fn quoted(text: &str) -> Result<&str, String> {
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    bare.ok_or_else(|| unknown(text))
}

/// A value by its name: all of them are in `data`, and those whose names are identifiers stand by themselves.
fn field(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && name.chars().all(plain) && !RESERVED.contains(&name) {
        return Ok(name.to_owned());
    }
    let key = |c: char| plain(c) || c == '-' || c == '.';
    if !name.is_empty() && name.chars().all(key) && (!name.contains('.') || begins) {
        return Ok(format!("data[\"{name}\"]"));
    }
    Err(unknown(&format!(".{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(converted(go).as_deref(), Ok(jinja), "{go}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_quoted() {
        for (go, told) in [
            ("{{ if .x }}y{{ end }}", "if .x"),
            ("{{ .x | pemTruststoreToPKCS12 }}", "pemTruststoreToPKCS12"),
            ("{{ printf \"%s\" .x }}", "printf"),
            ("{{ .x", "no end"),
            ("{% raw %}", "{%"),
            ("{{ . }}", "."),
        ] {
            let refused = converted(go).unwrap_err();
            assert!(refused.contains(told), "{go}: {refused}");
        }
    }
}
