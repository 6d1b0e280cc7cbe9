//! Reads an object of somebody else's kind field by field, and tells which fields nobody has read. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::notes::Note;

/// The fields of an object that nobody has read yet.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    path: String,
    all: Value,
    left: Map<String, Value>,
}

/// A field, what it usually says, and what is to be done where it says something else.
pub(super) type Usual = (&'static str, &'static str, &'static str);

/// Of every value that the External Secrets Operator reads.
pub(super) const OF_VALUES: [Usual; 2] = [
    (
        "conversionStrategy",
        "Default",
        "what a key may not have becomes _ here: rename says otherwise",
    ),
    (
        "nullBytePolicy",
        "Ignore",
        "values are taken with their null bytes",
    ),
];

impl Fields {
    /// Those of a value. What is no object has none, and is told at the end.
    pub(super) fn of(path: &str, value: Value) -> Self {
        let left = value.as_object().cloned().unwrap_or_default();
        Self {
            path: path.to_owned(),
            all: value,
            left,
        }
    }

    /// Where a field stands.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// Where the object itself stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The whole.
    pub(super) fn value(&self) -> &Value {
        &self.all
    }

    /// A remark on a field.
    pub(super) fn note(&self, name: &str, what: impl Into<String>) -> Note {
        let seen = self.all.get(name).unwrap_or(&Value::Null);
        Note::new(self.at(name), seen, what)
    }

    /// Tells of fields that have no equal, where they do not say what is usual.
    pub(super) fn unusual(&mut self, rows: &[Usual], notes: &mut Vec<Note>) {
        for (field, usual, what) in rows {
            if self.text(field).is_some_and(|said| said != *usual) {
                notes.push(self.note(field, *what));
            }
        }
    }

    /// A remark on the whole.
    pub(super) fn whole(&self, what: impl Into<String>) -> Note {
        Note::new(self.path.clone(), &self.all, what)
    }

    /// Takes a field in which `read` finds what it looks for. What it does not understand stays, and is told at the end.
    fn take<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let found = read(self.left.get(name)?)?;
        self.left.remove(name);
        Some(found)
    }

    /// A text. An empty one says nothing.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let found = self.take(name, |value| value.as_str().map(str::to_owned));
        found.filter(|text| !text.is_empty())
    }

    /// Yes or no, also where it is written as a text.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let found = self.take(name, |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        });
        found.unwrap_or_default()
    }

    /// Whether a field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        let value = self.left.get(name);
        value.is_some_and(|value| !says_nothing(value))
    }

    /// An object; one without fields where there is none.
    pub(super) fn inner(&mut self, name: &str) -> Self {
        let path = self.at(name);
        let found = self.take(name, |value| value.is_object().then(|| value.clone()));
        Self::of(&path, found.unwrap_or_default())
    }

    /// A list.
    pub(super) fn list(&mut self, name: &str) -> Vec<Self> {
        let path = self.at(name);
        let found = self.take(name, |value| value.as_array().cloned());
        let numbered = found.unwrap_or_default().into_iter().enumerate();
        numbered
            .map(|(number, value)| Self::of(&format!("{path}[{number}]"), value))
            .collect()
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let found = self.take(name, |value| {
            let all = value.as_array()?.iter();
            all.map(|one| one.as_str().map(str::to_owned)).collect()
        });
        found.unwrap_or_default()
    }

    /// Texts by name.
    pub(super) fn pairs(&mut self, name: &str) -> BTreeMap<String, String> {
        let found = self.take(name, |value| {
            let all = value.as_object()?.iter();
            all.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        });
        found.unwrap_or_default()
    }

    /// Fields that need no word: they say how something is done that is done in another way here.
    pub(super) fn forget(&mut self, names: &[&str]) {
        for name in names {
            self.left.remove(*name);
        }
    }

    /// Tells what nobody has read.
    pub(super) fn end(self, notes: &mut Vec<Note>) {
        if !self.all.is_object() && !says_nothing(&self.all) {
            notes.push(self.whole("it is not read, since it is no object, and left out"));
        }
        for (name, value) in &self.left {
            if !says_nothing(value) {
                let at = format!("{}.{name}", self.path);
                notes.push(Note::new(at, value, "it has no equal and is left out"));
            }
        }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_has_read_is_told_by_its_path() {
        let mut fields = Fields::of(
            "spec",
            json!({"name": "a", "flag": "True", "odd": [1], "none": null, "list": [{"x": "1", "y": "2"}, "z"]}),
        );
        assert_eq!(fields.text("name").as_deref(), Some("a"));
        assert!(fields.flag("flag"));
        assert_eq!(fields.texts("odd"), Vec::<String>::new());
        let mut notes = Vec::new();
        for mut one in fields.list("list") {
            one.text("x");
            one.end(&mut notes);
        }
        fields.end(&mut notes);
        let told: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "spec.list[0].y (2): it has no equal and is left out",
                "spec.list[1] (z): it is not read, since it is no object, and left out",
                "spec.odd ([1]): it has no equal and is left out",
            ]
        );
    }
}
