//! Pages for readers, made of the definitions. Pure.

use std::fmt::Write as _;

use serde_json::Value;

/// The page about one definition: its name without folder, and its text.
pub(crate) fn page(crd: &Value) -> (String, String) {
    let names = &crd["spec"]["names"];
    let (kind, singular) = (text(&names["kind"]), text(&names["singular"]));
    let version = &crd["spec"]["versions"][0];
    let schema = &version["schema"]["openAPIV3Schema"];
    let mut page = format!(
        "# Reference: {kind}\n\nMade of `crds/{plural}.yaml` by `make bless`. What it does with all this is told in [{kind}](../{about}).\n\n{described}\n\n",
        plural = text(&names["plural"]),
        about = about(kind),
        described = text(&schema["description"]),
    );
    let short = list(&names["shortNames"]);
    let columns = version["additionalPrinterColumns"].as_array();
    let columns = columns.into_iter().flatten();
    let rows = [
        (
            "apiVersion",
            format!(
                "`{}/{}`",
                text(&crd["spec"]["group"]),
                text(&version["name"])
            ),
        ),
        ("scope", text(&crd["spec"]["scope"]).to_owned()),
        (
            "kubectl",
            format!(
                "`{singular}`, {short}; with all other kinds: {}",
                list(&names["categories"])
            ),
        ),
        (
            "columns",
            columns
                .map(|column| {
                    let wide = column["priority"]
                        .as_i64()
                        .is_some_and(|priority| priority > 0);
                    format!(
                        "{}{}",
                        text(&column["name"]),
                        if wide { " (wide)" } else { "" }
                    )
                })
                .collect::<Vec<_>>()
                .join(", "),
        ),
    ];
    page.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        add(&mut page, format_args!("| {name} | {value} |\n"));
    }
    for part in ["spec", "status"] {
        section(&mut page, part, part, &schema["properties"][part]);
    }
    (format!("{singular}.md"), page)
}

/// The page that leads to the others.
pub(crate) fn index(crds: &[Value]) -> String {
    let mut page = "# Reference\n\nEvery field of every kind: type, default, limits. Made of the definitions by `make bless`, and so always as the API\nserver has them. `kubectl explain` tells the same.\n\n| kind | short | what it is |\n|---|---|---|\n".to_owned();
    for crd in crds {
        let names = &crd["spec"]["names"];
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        add(
            &mut page,
            format_args!(
                "| [{}]({}.md) | {} | {} |\n",
                text(&names["kind"]),
                text(&names["singular"]),
                list(&names["shortNames"]),
                cell(text(&schema["description"])),
            ),
        );
    }
    page
}

/// The page that tells of a kind in sentences.
fn about(kind: &str) -> &'static str {
    match kind {
        "VaultSecretSync" => "vaultsecretsync.md",
        "KeyVault" => "keyvault.md",
        "DataLakeAccount" => "datalakeaccount.md",
        _ => "identity.md",
    }
}

/// An object's fields as a table, then those of the objects in it. `path` is what its anchors are made of, `shown` its heading.
fn section(page: &mut String, path: &str, shown: &str, schema: &Value) {
    add(page, format_args!("\n## {shown}\n\n"));
    let described = text(&schema["description"]);
    if !described.is_empty() {
        add(page, format_args!("{}\n\n", plain(described)));
    }
    for rule in rules(schema) {
        add(page, format_args!("- {rule}\n"));
    }
    if !rules(schema).is_empty() {
        page.push('\n');
    }
    page.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    let required = |name: &str| {
        let all = schema["required"].as_array();
        all.is_some_and(|all| all.iter().any(|one| one == name))
    };
    for (name, field) in fields(schema) {
        let path = format!("{path}.{name}");
        let deeper = inner(field).map(|(ending, _)| anchor(&format!("{shown}.{name}{ending}")));
        let name_shown = match deeper {
            Some(anchor) => format!("[`{name}`](#{anchor})"),
            None => format!("`{name}`"),
        };
        let told = default_told(text(&field["description"]));
        let default = match (&field["default"], told) {
            (Value::Null, _) if required(name) => "required".to_owned(),
            (Value::Null, told) => told.map(|(told, _)| cell(told)).unwrap_or_default(),
            (value, _) => format!("`{}`", cell(&value.to_string())),
        };
        add(
            page,
            format_args!(
                "| <a id=\"{path}\"></a>{name_shown} | {} | {default} | {} |\n",
                type_of(field),
                meaning(field),
            ),
        );
    }
    for (name, field) in fields(schema) {
        if let Some((ending, inner)) = inner(field) {
            let path = format!("{path}.{name}");
            section(page, &path, &format!("{shown}.{name}{ending}"), inner);
        }
    }
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// The object with fields of its own that a field holds, alone, in a list or in a map.
fn inner(field: &Value) -> Option<(&'static str, &Value)> {
    [
        ("", field),
        ("[]", &field["items"]),
        ("{}", &field["additionalProperties"]),
    ]
    .into_iter()
    .find(|(_, schema)| schema["properties"].is_object())
}

fn type_of(field: &Value) -> String {
    let of = |schema: &Value| {
        let known = [&schema["format"], &schema["type"]];
        let known = known.map(text).into_iter().find(|word| !word.is_empty());
        known.unwrap_or("any").to_owned()
    };
    if field["items"].is_object() {
        format!("list of {}", type_of(&field["items"]))
    } else if field["additionalProperties"].is_object() {
        format!("map of {}", type_of(&field["additionalProperties"]))
    } else {
        of(field)
    }
}

/// What a description says is the default, and the description without it.
fn default_told(description: &str) -> Option<(&str, String)> {
    let (before, rest) = description.split_once("Default: ")?;
    let (default, after) = rest
        .split_once(". ")
        .unwrap_or((rest.strip_suffix('.')?, ""));
    Some((default, format!("{before}{after}").trim_end().to_owned()))
}

/// What it means, and what is accepted.
fn meaning(field: &Value) -> String {
    let description = text(&field["description"]);
    let rest = default_told(description).map(|(_, rest)| rest);
    let mut said = vec![cell(rest.as_deref().unwrap_or(description))];
    said.extend(limits(field, ""));
    for (within, each) in [
        (&field["items"], "each: "),
        (&field["additionalProperties"], "each value: "),
    ] {
        said.extend(limits(within, each));
    }
    // Those of an object stand with its fields.
    if inner(field).is_none_or(|(ending, _)| !ending.is_empty()) {
        said.extend(rules(field).iter().map(|rule| cell(rule)));
    }
    said.retain(|part| !part.is_empty());
    said.join("<br>")
}

fn limits(schema: &Value, of: &str) -> Option<String> {
    let number = |name: &str| schema[name].as_f64().map(|number| number.to_string());
    let range = |least: &str, most: &str, what: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) if least == most => Some(format!("exactly {least}{what}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}{what}")),
        (Some(least), None) => Some(format!("at least {least}{what}")),
        (None, Some(most)) => Some(format!("at most {most}{what}")),
        (None, None) => None,
    };
    let words = schema["enum"].as_array().map(|words| {
        let words = words.iter().filter(|word| !word.is_null());
        let words: Vec<String> = words.map(|word| format!("`{}`", text(word))).collect();
        format!("one of {}", words.join(", "))
    });
    let pattern = schema["pattern"].as_str();
    let pattern = pattern.map(|pattern| format!("pattern `{}`", pattern.replace('|', "\\|")));
    let all: Vec<String> = [
        words,
        range("minimum", "maximum", ""),
        range("minLength", "maxLength", " characters"),
        range("minItems", "maxItems", " entries"),
        range("minProperties", "maxProperties", " entries"),
        pattern,
    ]
    .into_iter()
    .flatten()
    .collect();
    (!all.is_empty()).then(|| format!("*{of}{}*", all.join("; ")))
}

/// What the API server checks by CEL.
fn rules(schema: &Value) -> Vec<String> {
    let rules = schema["x-kubernetes-validations"].as_array();
    let rules = rules.into_iter().flatten();
    rules
        .map(|rule| {
            format!(
                "Rule: {}: `{}`",
                plain(text(&rule["message"])),
                text(&rule["rule"])
            )
        })
        .collect()
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || *c == '-');
    kept.collect::<String>().to_lowercase()
}

fn list(words: &Value) -> String {
    let words = words.as_array().into_iter().flatten();
    let words: Vec<String> = words.map(|word| format!("`{}`", text(word))).collect();
    words.join(", ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Prose in which `<name>` is no tag and a link in angle brackets stays one.
fn plain(prose: &str) -> String {
    let mut out = String::new();
    let (mut code, mut rest) = (false, prose.chars());
    while let Some(c) = rest.next() {
        code ^= c == '`';
        match c {
            '<' if !code && !rest.as_str().starts_with("https://") => out.push_str("&lt;"),
            '\n' => out.push(' '),
            '*' if !code => out.push_str("\\*"),
            c => out.push(c),
        }
    }
    out
}

/// The same in a cell of a table.
fn cell(prose: &str) -> String {
    plain(prose).replace('|', "\\|")
}

fn add(page: &mut String, what: std::fmt::Arguments<'_>) {
    // A String takes everything.
    page.write_fmt(what).unwrap_or_default();
}
