//! The table of what a template can call, and the arguments of a call. Pure.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's enum says itself that it will grow"
)]

use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error};

use super::run::{Fault, Run, told};
use super::{crypto, data, lists, text};

/// What joins two texts, and so on: names that no template can write.
pub(super) const CONCAT: &str = "~";
pub(super) const ADD: &str = "+";
pub(super) const MUL: &str = "*";
pub(super) const SLICE: &str = "[:]";
/// Passes a value on after it was paid for with all that is in it.
pub(super) const MEASURED: &str = "=";
/// Passes a value on of which a member is taken; a text is gone through for that.
pub(super) const INDEXED: &str = "@";
/// Passes a value on if it can stand in a text.
pub(super) const TEXT: &str = "\"\"";
pub(super) const LIST: &str = "[]";
pub(super) const MAP: &str = "{}";

/// An operation: a filter gets what stands before the bar as its first argument.
type Op = fn(&Run, &Args) -> Result<Value, Fault>;

const FILTERS: &[(&str, Op)] = &[
    ("b64encode", text::b64encode),
    ("b64decode", text::b64decode),
    ("b64urlencode", text::b64urlencode),
    ("b64urldecode", text::b64urldecode),
    ("urlencode", text::urlencode),
    ("quote", text::quote),
    ("squote", text::squote),
    ("indent", text::indent),
    ("trim", text::trim),
    ("lower", text::lower),
    ("upper", text::upper),
    ("replace", text::replace),
    ("string", text::string),
    ("int", text::int),
    ("sha256", crypto::sha256),
    ("tojson", data::tojson),
    ("fromjson", data::fromjson),
    ("toyaml", data::toyaml),
    ("fromyaml", data::fromyaml),
    ("pem_certificates", crypto::pem_certificates),
    ("pem_first", crypto::pem_first),
    ("pem_last", crypto::pem_last),
    ("pem_rest", crypto::pem_rest),
    ("pem_private_key", crypto::pem_private_key),
    ("default", lists::default),
    ("d", lists::default),
    ("join", lists::join),
    ("split", lists::split),
    ("lines", lists::lines),
    ("first", lists::first),
    ("last", lists::last),
    ("length", lists::length),
    ("sort", lists::sort),
    ("unique", lists::unique),
    ("reverse", lists::reverse),
    ("keys", lists::keys),
    ("values", lists::values),
    ("items", lists::items),
];

const FUNCTIONS: &[(&str, Op)] = &[
    ("range", lists::range),
    ("htpasswd", crypto::htpasswd),
    ("dockerconfigjson", crypto::dockerconfigjson),
];

const HIDDEN_FILTERS: &[(&str, Op)] = &[
    (CONCAT, lists::concat),
    (ADD, lists::add),
    (MUL, lists::mul),
    (SLICE, lists::slice),
    (MEASURED, measured),
    (INDEXED, indexed),
    (TEXT, in_text),
];

const HIDDEN_FUNCTIONS: &[(&str, Op)] = &[(LIST, lists::list), (MAP, lists::map)];

/// The tests of `is`.
pub(super) const TESTS: &[&str] = &[
    "binary",
    "defined",
    "endingwith",
    "mapping",
    "none",
    "number",
    "sequence",
    "startingwith",
    "string",
    "undefined",
];

pub(super) fn filters() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|(name, _)| *name)
}

pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Whether a name is called and never looked up among the values.
pub(super) fn is_function(name: &str) -> bool {
    let mut all = FUNCTIONS.iter().chain(HIDDEN_FUNCTIONS);
    all.any(|(known, _)| *known == name)
}

/// An environment with nothing in it but this.
pub(super) fn environment(run: &Arc<Run>) -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(super::run::FUEL));
    for (name, op) in FILTERS.iter().chain(HIDDEN_FILTERS) {
        env.add_filter(*name, called(run, *op));
    }
    for (name, op) in FUNCTIONS.iter().chain(HIDDEN_FUNCTIONS) {
        env.add_function(*name, called(run, *op));
    }
    for name in TESTS {
        env.add_test(*name, tested(run, name));
    }
    let run = Arc::clone(run);
    env.set_formatter(move |out, _, value| run.write(out, value).map_err(|fault| run.fail(fault)));
    env
}

fn called(run: &Arc<Run>, op: Op) -> impl Fn(Rest<ValueOrKwargs>) -> Result<Value, Error> + use<> {
    let run = Arc::clone(run);
    move |given| {
        Args::new(given)
            .and_then(|args| op(&run, &args))
            .map_err(|fault| run.fail(fault))
    }
}

fn tested(
    run: &Arc<Run>,
    name: &'static str,
) -> impl Fn(Rest<ValueOrKwargs>) -> Result<bool, Error> + use<> {
    let run = Arc::clone(run);
    move |given| {
        Args::new(given)
            .and_then(|args| test(&run, name, &args))
            .map_err(|fault| run.fail(fault))
    }
}

fn test(run: &Run, name: &str, args: &Args) -> Result<bool, Fault> {
    let kind = args.given.first().map_or(ValueKind::Undefined, Value::kind);
    if kind == ValueKind::Undefined {
        run.answered();
    }
    match name {
        "defined" => return Ok(kind != ValueKind::Undefined),
        "undefined" => return Ok(kind == ValueKind::Undefined),
        _ => args.value(0)?,
    };
    Ok(match name {
        "binary" => kind == ValueKind::Bytes,
        "mapping" => kind == ValueKind::Map,
        "none" => kind == ValueKind::None,
        "number" => kind == ValueKind::Number,
        "sequence" => kind == ValueKind::Seq,
        "string" => kind == ValueKind::String,
        "startingwith" => args.text(0)?.starts_with(args.text(1)?),
        "endingwith" => args.text(0)?.ends_with(args.text(1)?),
        _ => false,
    })
}

/// The arguments of a call.
pub(super) struct Args {
    given: Vec<Value>,
    named: Option<Kwargs>,
}

impl Args {
    fn new(given: Rest<ValueOrKwargs>) -> Result<Self, Fault> {
        let mut given = given.into_values();
        let named = given.pop_if(|last| last.is_kwargs());
        let named = named.as_ref().map(std::slice::from_ref);
        let named = named.map(from_args::<(Kwargs,)>).transpose()?;
        Ok(Self {
            given,
            named: named.map(|(kwargs,)| kwargs),
        })
    }

    /// All that have no name; each is there.
    pub(super) fn all(&self) -> Result<&[Value], Fault> {
        if self.given.iter().any(Value::is_undefined) {
            return Err(Fault::Missing);
        }
        Ok(&self.given)
    }

    /// How many have no name.
    pub(super) fn len(&self) -> usize {
        self.given.len()
    }

    /// That at this place, which may be absent.
    pub(super) fn get(&self, place: usize) -> Option<&Value> {
        self.given.get(place)
    }

    pub(super) fn value(&self, place: usize) -> Result<&Value, Fault> {
        match self.given.get(place) {
            Some(value) if value.is_undefined() => Err(Fault::Missing),
            Some(value) => Ok(value),
            None => told(format!("a call lacks its argument {place}")),
        }
    }

    pub(super) fn text(&self, place: usize) -> Result<&str, Fault> {
        as_text(self.value(place)?)
    }

    /// Text or binary.
    pub(super) fn bytes(&self, place: usize) -> Result<&[u8], Fault> {
        let value = self.value(place)?;
        match value.as_bytes() {
            Some(bytes) => Ok(bytes),
            None => as_text(value).map(str::as_bytes),
        }
    }

    /// An argument by place or by name.
    pub(super) fn option(&self, place: usize, name: &str) -> Result<Option<Value>, Fault> {
        if self.given.len() > place {
            return self.value(place).cloned().map(Some);
        }
        match &self.named {
            Some(named) if named.has(name) => {
                let value: Value = named.get(name)?;
                if value.is_undefined() {
                    return Err(Fault::Missing);
                }
                Ok(Some(value))
            }
            _ => Ok(None),
        }
    }

    /// Whether there is an argument that nobody asked for.
    pub(super) fn at_most(&self, places: usize) -> Result<(), Fault> {
        if self.given.len() > places {
            return told("a call has too many arguments");
        }
        match &self.named {
            None => Ok(()),
            Some(named) => named
                .assert_all_used()
                .or_else(|_| told("a call has an argument of a name that it does not know")),
        }
    }
}

pub(super) fn as_text(value: &Value) -> Result<&str, Fault> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => told(match value.kind() {
            ValueKind::Bytes => {
                "a value is binary, not UTF-8 text, where text is needed: use b64encode"
            }
            ValueKind::None => "a value is null where text is needed: use default(…, true)",
            ValueKind::Number | ValueKind::Bool => {
                "a number or truth value is given where text is needed: use string"
            }
            _ => "a list or map is given where text is needed: use tojson, toyaml or join",
        }),
    }
}

fn measured(run: &Run, args: &Args) -> Result<Value, Fault> {
    let value = args.value(0)?;
    run.measure(value)?;
    Ok(value.clone())
}

fn indexed(run: &Run, args: &Args) -> Result<Value, Fault> {
    let value = args.value(0)?;
    run.charge(value.as_str().map_or(1, str::len))?;
    Ok(value.clone())
}

fn in_text(_: &Run, args: &Args) -> Result<Value, Fault> {
    let value = args.value(0)?;
    match value.kind() {
        ValueKind::Bytes => as_text(value).map(Value::from),
        _ => Ok(value.clone()),
    }
}
