//! Templates of a Secret's values, labels, annotations and type, in minijinja. Pure: texts and values in, values out.
//!
//! A template can read nothing but its values and do nothing but make text: no other template, no file, no environment, no
//! clock, no randomness. Every rendering ends: steps, work and output are bounded (`run.rs`), and what a bound could not catch is
//! refused when the spec is read (`guard.rs`).
//!
//! How a template reaches values: `{{ DB_PASSWORD }}` for a key that is an identifier, `{{ data["tls.crt"] }}` for every key,
//! `data` as a whole for all of them, `meta.name`, `meta.namespace` and `meta.secret` for the sync's names. A name that is not
//! there is an error that names it, unless `default` or `is defined` asks.
//!
//! No error holds a value: the engine's own messages may quote them and are never passed on. What cannot be had with an engine:
//! the copies that it makes of a value while it renders are freed and not wiped; input and output are.

mod crypto;
mod data;
mod exprs;
mod guard;
mod lists;
pub mod node;
mod ops;
mod run;
mod text;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use minijinja::machinery::{CodeGenerator, eval, make_string_output};
use minijinja::{AutoEscape, ErrorKind};
use zeroize::Zeroize;

pub use guard::{Need, Needs};

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use run::{FUEL, Fault, MAX_OUTPUT, Run, Values};

/// A part of every digest: another number makes every template render anew after an upgrade that changes what comes out.
const RENDERING: &str = "1";

/// The texts of `spec.template`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// The Secret's type.
    pub type_: Option<String>,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Annotations by name.
    pub annotations: BTreeMap<String, String>,
    /// Values by key.
    pub data: BTreeMap<String, String>,
}

/// A field of `spec.template`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `type`.
    Type,
    /// A label by name.
    Label(String),
    /// An annotation by name.
    Annotation(String),
    /// A value by key.
    Data(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type => f.write_str("spec.template.type"),
            Self::Label(name) => write!(f, "spec.template.labels[{name:?}]"),
            Self::Annotation(name) => write!(f, "spec.template.annotations[{name:?}]"),
            Self::Data(key) => write!(f, "spec.template.data[{key:?}]"),
        }
    }
}

/// What a template knows besides values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// Name of the sync.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Name of the Secret.
    pub secret: String,
    /// What the salt of a password hash is made of, unseen by the template: the objects that the values come from with their
    /// versions. The same seed gives the same output, so that nothing is written anew without a new version.
    pub seed: String,
}

/// Type, labels and annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The Secret's type.
    pub type_: Option<String>,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Annotations by name.
    pub annotations: BTreeMap<String, String>,
}

/// Templates that were found sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    metadata: BTreeMap<Field, String>,
    data: BTreeMap<String, Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    text: String,
    needs: Needs,
}

impl Template {
    /// Parses all texts.
    ///
    /// Errors: `InvalidTemplate` with field, line and what is wrong there; also where a label, an annotation or the type refers
    /// to a value, since metadata of a Secret is read by many who may not read the Secret.
    pub fn parse(texts: &Texts) -> Result<Self, Problem> {
        let mut template = Self::default();
        let type_ = texts.type_.iter().map(|text| (Field::Type, text));
        let labels = texts.labels.iter();
        let labels = labels.map(|(name, text)| (Field::Label(name.clone()), text));
        let annotations = texts.annotations.iter();
        let annotations = annotations.map(|(name, text)| (Field::Annotation(name.clone()), text));
        for (field, text) in type_.chain(labels).chain(annotations) {
            let needs = needs(&field, text)?;
            let first = needs.names.iter().next();
            let line = first.map(|(name, need)| (name.as_str(), need.line));
            if let Some((name, line)) = line.or_else(|| needs.all.then_some(("data", 1))) {
                return Err(invalid(format!(
                    "{field}, line {line}: {name} is a value, and metadata is read by many who may not read the Secret; use meta.name, meta.namespace or meta.secret here"
                )));
            }
            template.metadata.insert(field, text.clone());
        }
        for (key, text) in &texts.data {
            let needs = needs(&Field::Data(key.clone()), text)?;
            let text = text.clone();
            template.data.insert(key.clone(), Part { text, needs });
        }
        Ok(template)
    }

    /// The keys that templates make, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }

    /// The values that a key's template refers to; only these must be read. None where there is no such key.
    pub fn needs(&self, key: &str) -> Option<&Needs> {
        self.data.get(key).map(|part| &part.needs)
    }

    /// The first name that is needed without an answer to its absence and that is not among those known from the spec. To be
    /// asked only where all names are known from it, so not with `dataFrom`.
    pub fn unknown_name(&self, known: &BTreeSet<String>) -> Option<Problem> {
        self.data.iter().find_map(|(key, part)| {
            let mut names = part.needs.names.iter();
            let (name, need) =
                names.find(|(name, need)| !need.optional && !known.contains(*name))?;
            let field = Field::Data(key.clone());
            Some(invalid(format!(
                "{field}, line {}: {}",
                need.line,
                absent(name)
            )))
        })
    }

    /// A digest of a key's template as it stands in the spec: 16 hexadecimal digits, with no value in it. It belongs into the
    /// record of where a key came from.
    pub fn digest(&self, key: &str) -> Option<String> {
        let part = self.data.get(key)?;
        Some(digest([RENDERING, key, &part.text].into_iter()))
    }

    /// Type, labels and annotations. No value is needed for them.
    ///
    /// Errors: `TemplateFailed` where a label comes out that Kubernetes would refuse, and those of [`Template::render_key`].
    pub fn metadata(&self, meta: &Meta) -> Result<Metadata, Problem> {
        let (run, values) = (Arc::new(Run::new(&meta.seed)), Arc::default());
        let mut made = Metadata::default();
        for (field, text) in &self.metadata {
            let text = rendered(field, text, &values, meta, &run)?;
            let text = text.expose_str().unwrap_or_default().to_owned();
            match field {
                Field::Type => made.type_ = Some(text),
                Field::Label(name) => {
                    if !is_label(&text) {
                        return Err(failed(format!(
                            "{field} comes out as {text:?}, which is no value of a label: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
                        )));
                    }
                    made.labels.insert(name.clone(), text);
                }
                Field::Annotation(name) => {
                    made.annotations.insert(name.clone(), text);
                }
                Field::Data(_) => {}
            }
        }
        Ok(made)
    }

    /// One key of the Secret.
    ///
    /// Errors: `TemplateFailed` (a value that is not there, not of the kind that is needed, or too much work), `TooLarge`,
    /// `EmptyValue`. No message holds anything of a value.
    pub fn render_key(
        &self,
        key: &str,
        values: &BTreeMap<String, SecretValue>,
        meta: &Meta,
    ) -> Result<SecretValue, Problem> {
        let (run, values) = (Arc::new(Run::new(&meta.seed)), Arc::new(values.clone()));
        self.one(key, &values, meta, &run)
    }

    /// All keys of the Secret, within the bounds of one rendering.
    ///
    /// Errors: those of [`Template::render_key`], of the first key that fails.
    pub fn render(
        &self,
        values: &BTreeMap<String, SecretValue>,
        meta: &Meta,
    ) -> Result<BTreeMap<String, SecretValue>, Problem> {
        let (run, values) = (Arc::new(Run::new(&meta.seed)), Arc::new(values.clone()));
        let made = self.data.keys();
        made.map(|key| Ok((key.clone(), self.one(key, &values, meta, &run)?)))
            .collect()
    }

    fn one(
        &self,
        key: &str,
        values: &Arc<BTreeMap<String, SecretValue>>,
        meta: &Meta,
        run: &Arc<Run>,
    ) -> Result<SecretValue, Problem> {
        let field = Field::Data(key.to_owned());
        let Some(part) = self.data.get(key) else {
            return Err(failed(format!("{field}: there is no such template")));
        };
        let value = rendered(&field, &part.text, values, meta, run)?;
        if value.is_empty() {
            let what =
                format!("{field} comes out empty: an empty value is never put into a Secret");
            return Err(Problem::new(Reason::EmptyValue, Retry::OnChange, what));
        }
        Ok(value)
    }
}

/// A digest of texts that are no values: 16 hexadecimal digits.
pub fn digest<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(text.as_bytes());
        context.update(&[0]);
    }
    let digest = context.finish();
    digest
        .as_ref()
        .get(..8)
        .map(crypto::hex)
        .unwrap_or_default()
}

/// The templates' name for the engine; messages name the field instead.
const NAME: &str = "template";

fn needs(field: &Field, text: &str) -> Result<Needs, Problem> {
    let checked = guard::checked(NAME, text);
    let (_, needs) =
        checked.map_err(|it| invalid(format!("{field}, line {}: {}", it.line, it.what)))?;
    Ok(needs)
}

fn rendered(
    field: &Field,
    text: &str,
    values: &Arc<BTreeMap<String, SecretValue>>,
    meta: &Meta,
    run: &Arc<Run>,
) -> Result<SecretValue, Problem> {
    run.next_field();
    let (tree, needs) = guard::checked(NAME, text)
        .map_err(|it| invalid(format!("{field}, line {}: {}", it.line, it.what)))?;
    let mut generator = CodeGenerator::new(NAME, text);
    generator.compile_stmt(&tree);
    let (instructions, blocks) = generator.finish();
    let (env, root) = (ops::environment(run), Values::root(values, meta, run));
    let mut output = String::new();
    let outcome = {
        let mut out = make_string_output(&mut output);
        eval(
            &env,
            &instructions,
            root,
            &blocks,
            &mut out,
            AutoEscape::None,
        )
        .map(drop)
    };
    if let Err(error) = outcome {
        output.zeroize();
        return Err(problem(field, &error, run, &needs));
    }
    match run.met().binary.take() {
        Some(bytes) => {
            output.zeroize();
            Ok(SecretValue::new(bytes))
        }
        None => Ok(SecretValue::from(output)),
    }
}

/// The engine's error in words of ours. Of its own only the kind and the line are used.
fn problem(field: &Field, error: &minijinja::Error, run: &Run, needs: &Needs) -> Problem {
    let mut met = run.met();
    let (fault, missing) = (met.fault.take(), met.missing.take());
    drop(met);
    // A name that does not stand in the template was made of values.
    let missing = missing.filter(|name| needs.names.contains_key(name));
    let at = match error.line() {
        Some(line) => format!("{field}, line {line}"),
        None => field.to_string(),
    };
    let what = match (fault, error.kind()) {
        (Some(Fault::TooLarge), _) => {
            let what = format!(
                "{at}: it makes more than a Secret can hold ({MAX_OUTPUT} bytes), or far more than that on the way there"
            );
            return Problem::new(Reason::TooLarge, Retry::OnChange, what);
        }
        (Some(Fault::Told(what)), _) => what,
        (Some(Fault::Missing), _) | (None, ErrorKind::UndefinedError) => missing.map_or_else(
            || "a member or an item is not there; is the value what the template takes it for? default(…) gives an answer where it may be absent".to_owned(),
            |name| absent(&name),
        ),
        (None, ErrorKind::OutOfFuel) => {
            format!("it takes more than {FUEL} steps; loop over less")
        }
        (None, ErrorKind::CannotUnpack) => {
            "something is taken apart into more or fewer parts than it has; for a map take | items".to_owned()
        }
        (None, _) => "an operation does not fit the values that it is given".to_owned(),
    };
    failed(format!("{at}: {what}"))
}

fn absent(name: &str) -> String {
    let shown: String = name.chars().take(80).collect();
    format!(
        "there is no value of the name {shown}: correct it (a key with dots or dashes is written data[\"…\"]), add it to spec.data or spec.dataFrom, or give an answer with default(…)"
    )
}

fn is_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && text.bytes().all(inside)
        && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidTemplate, Retry::OnChange, message)
}

fn failed(message: String) -> Problem {
    Problem::new(Reason::TemplateFailed, Retry::OnChange, message)
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests_of_bounds;
