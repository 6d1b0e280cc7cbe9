//! The forms in which results are shown. Pure.

use serde::Serialize;

/// The forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Lines for people.
    Table,
    /// A list of objects.
    Json,
    /// The same as YAML.
    Yaml,
}

/// All results in a form. The error says why they cannot be written.
pub(super) fn shown<T: Serialize>(
    all: &[T],
    form: Form,
    table: impl Fn(&T) -> String,
) -> Result<String, String> {
    match form {
        Form::Table => Ok(all.iter().map(table).collect::<Vec<_>>().join("\n")),
        Form::Json => serde_json::to_string_pretty(all)
            .map(|json| json + "\n")
            .map_err(|error| error.to_string()),
        Form::Yaml => serde_saphyr::to_string(&all).map_err(|error| error.to_string()),
    }
}

/// On one line, and without what a terminal would take for a command: messages quote what servers say.
pub(super) fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}
