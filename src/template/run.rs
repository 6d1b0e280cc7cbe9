//! One rendering: what it may still use, what it has met, and the values that it sees. Pure.
//!
//! The engine counts steps. Here the bytes are counted that the steps make and look at, and what went wrong is kept in words of
//! ours: the engine's own may quote values. The values are handed over one by one as the template asks for them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's enum says itself that it will grow"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Object, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output};

use super::Meta;
use super::guard::{DATA, META};
use super::node::{MAX_DEPTH, MAX_NODES};
use super::ops;
use crate::secret::SecretValue;

/// Bytes that all fields of a template may come to, and one text within it: what a Secret may hold (1 MiB) and a little.
pub(super) const MAX_OUTPUT: usize = 1 << 20;
/// Bytes of one text or list on the way there, such as base64 of what may come out.
const MAX_VALUE: usize = 2 << 20;
/// Bytes that operations may read and write in one rendering.
const MAX_WORK: usize = 32 << 20;
/// Steps of the engine for one field.
pub(super) const FUEL: u64 = 100_000;
/// Rounds of bcrypt in one rendering, as powers of two: sixteen passwords at the usual cost.
const MAX_ROUNDS: usize = 16 << 10;

/// What an operation could not do.
#[derive(Debug)]
pub(super) enum Fault {
    /// It met a value that is not there.
    Missing,
    /// In our words, which hold no value.
    Told(String),
    /// A bound is reached.
    TooLarge,
}

impl From<Error> for Fault {
    /// The engine's words are not taken over.
    fn from(_: Error) -> Self {
        Self::Told("a value is not of the kind that is needed".to_owned())
    }
}

pub(super) fn told<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Told(what.into()))
}

/// What is kept of a rendering besides its output.
#[derive(Default)]
pub(super) struct Met {
    /// Why it failed.
    pub(super) fault: Option<Fault>,
    /// What was last looked for in vain.
    pub(super) missing: Option<String>,
    /// The output where it is binary.
    pub(super) binary: Option<Vec<u8>>,
    /// Whether text other than white space was put out.
    wrote: bool,
}

/// The bounds and the outcome of one rendering. No output of it shows a value.
pub(super) struct Run {
    work: AtomicUsize,
    output: AtomicUsize,
    rounds: AtomicUsize,
    met: Mutex<Met>,
    /// What salts are made of.
    pub(super) seed: String,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}

impl Run {
    pub(super) fn new(seed: &str) -> Self {
        Self {
            work: AtomicUsize::new(MAX_WORK),
            output: AtomicUsize::new(MAX_OUTPUT),
            rounds: AtomicUsize::new(MAX_ROUNDS),
            met: Mutex::default(),
            seed: seed.to_owned(),
        }
    }

    pub(super) fn met(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was looked for in vain is no fault: the template has an answer to it.
    pub(super) fn answered(&self) {
        self.met().missing = None;
    }

    /// Forgets what the last field met.
    pub(super) fn next_field(&self) {
        *self.met() = Met::default();
    }

    /// Pays for bytes that are read or written.
    pub(super) fn charge(&self, bytes: usize) -> Result<(), Fault> {
        take(&self.work, bytes)
    }

    /// Pays for a text or a list of this many bytes before it is made.
    pub(super) fn room(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > MAX_VALUE {
            return Err(Fault::TooLarge);
        }
        self.charge(bytes)
    }

    /// Pays for a password hash of this cost.
    pub(super) fn rounds(&self, cost: u32) -> Result<(), Fault> {
        take(&self.rounds, 1usize << cost.min(20)).map_err(|_| {
            Fault::Told(
                "it makes more password hashes than one Secret may cost (16 at cost 10)".to_owned(),
            )
        })
    }

    /// Keeps why it failed and gives the engine an error without words.
    pub(super) fn fail(&self, fault: Fault) -> Error {
        let kind = match fault {
            Fault::Missing => ErrorKind::UndefinedError,
            Fault::Told(_) | Fault::TooLarge => ErrorKind::InvalidOperation,
        };
        self.met().fault.get_or_insert(fault);
        Error::from(kind)
    }

    /// Writes one value. It is the only way to the output.
    pub(super) fn write(&self, out: &mut Output<'_>, value: &Value) -> Result<(), Fault> {
        match value.kind() {
            ValueKind::Undefined => Err(Fault::Missing),
            ValueKind::None => told("a value is null: use default(…, true) or if"),
            ValueKind::Bool => self.put(out, if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.put(out, &value.to_string()),
            ValueKind::String => self.put(out, value.as_str().unwrap_or_default()),
            ValueKind::Bytes => self.put_binary(value.as_bytes().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
                told("a list or map cannot be put out as it is: use tojson, toyaml or join")
            }
            _ => told("something is put out that is no value"),
        }
    }

    fn put(&self, out: &mut Output<'_>, text: &str) -> Result<(), Fault> {
        take(&self.output, text.len())?;
        let mut met = self.met();
        if !text.trim().is_empty() {
            met.wrote = true;
            if met.binary.is_some() {
                return beside_text();
            }
        }
        out.write_str(text).map_err(|_| Fault::TooLarge)
    }

    fn put_binary(&self, bytes: &[u8]) -> Result<(), Fault> {
        take(&self.output, bytes.len())?;
        let mut met = self.met();
        if met.wrote || met.binary.is_some() {
            return beside_text();
        }
        met.binary = Some(bytes.to_vec());
        Ok(())
    }

    /// Pays for a value with everything in it. Only plain data passes: nothing lazy, nothing that could hold itself.
    pub(super) fn measure(&self, value: &Value) -> Result<(), Fault> {
        let mut nodes = MAX_NODES;
        let bytes = size(value, 0, &mut nodes)?;
        self.room(bytes)
    }
}

fn beside_text<T>() -> Result<T, Fault> {
    told("a value is binary, not UTF-8 text, and stands beside other output: use b64encode")
}

fn take(left: &AtomicUsize, bytes: usize) -> Result<(), Fault> {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(bytes)
    });
    taken.map(drop).map_err(|_| Fault::TooLarge)
}

fn size(value: &Value, depth: usize, nodes: &mut usize) -> Result<usize, Fault> {
    *nodes = nodes.checked_sub(1).ok_or(Fault::TooLarge)?;
    if depth > MAX_DEPTH {
        return told(format!(
            "lists and maps are nested deeper than {MAX_DEPTH} levels"
        ));
    }
    match value.kind() {
        ValueKind::Undefined => Err(Fault::Missing),
        ValueKind::None | ValueKind::Bool | ValueKind::Number => Ok(16),
        ValueKind::String => Ok(value.as_str().map_or(0, str::len).saturating_add(16)),
        ValueKind::Bytes => Ok(value.as_bytes().map_or(0, <[u8]>::len).saturating_add(16)),
        ValueKind::Map if value.downcast_object_ref::<Values>().is_some() => Ok(16),
        ValueKind::Seq => value.try_iter()?.try_fold(16usize, |sum, item| {
            Ok(sum.saturating_add(size(&item, depth + 1, nodes)?))
        }),
        ValueKind::Map => value.try_iter()?.try_fold(16usize, |sum, key| {
            let member = value.get_item(&key)?;
            let both =
                size(&key, depth + 1, nodes)?.saturating_add(size(&member, depth + 1, nodes)?);
            Ok(sum.saturating_add(both))
        }),
        _ => told("something is used that is no plain value"),
    }
}

/// The values of the Secret, as `data` and, at the root, by name beside `data` and `meta`.
pub(super) struct Values {
    by_key: Arc<BTreeMap<String, SecretValue>>,
    /// What was handed over already: a loop that asks again costs no copy.
    handed: Arc<Mutex<BTreeMap<String, Value>>>,
    run: Arc<Run>,
    /// What `data` and `meta` are; absent below the root.
    root: Option<(Value, Value)>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Values {
    /// What a template sees.
    pub(super) fn root(
        values: &Arc<BTreeMap<String, SecretValue>>,
        meta: &Meta,
        run: &Arc<Run>,
    ) -> Value {
        let handed = Arc::default();
        let data = Self {
            by_key: Arc::clone(values),
            handed: Arc::clone(&handed),
            run: Arc::clone(run),
            root: None,
        };
        let meta = BTreeMap::from([
            ("name", meta.name.clone()),
            ("namespace", meta.namespace.clone()),
            ("secret", meta.secret.clone()),
        ]);
        Value::from_object(Self {
            by_key: Arc::clone(values),
            handed,
            run: Arc::clone(run),
            root: Some((Value::from_object(data), Value::from(meta))),
        })
    }
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some((data, meta)) = &self.root {
            match key {
                DATA => return Some(data.clone()),
                META => return Some(meta.clone()),
                _ if ops::is_function(key) => return None,
                _ => {}
            }
        }
        let Some(value) = self.by_key.get(key) else {
            self.run.met().missing = Some(key.to_owned());
            return None;
        };
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = handed.get(key) {
            return Some(known.clone());
        }
        let made = value
            .expose_str()
            .map_or_else(|| Value::from_bytes(value.expose().to_vec()), Value::from);
        handed.insert(key.to_owned(), made.clone());
        Some(made)
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.by_key.len())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.by_key
                .keys()
                .map(|key| Value::from(key.as_str()))
                .collect(),
        )
    }
}
