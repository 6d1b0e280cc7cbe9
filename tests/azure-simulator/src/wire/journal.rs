//! The record of requests, and the counters. Both are bounded, and hold neither bodies nor queries.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use serde::Serialize;

use crate::world::moment::Moment;

/// Entries kept.
const CAPACITY: usize = 250_000;
/// Entries in one answer.
const PAGE: usize = 10_000;

/// Who a token was given to, or was shown by.
#[allow(
    clippy::struct_field_names,
    reason = "the names that Azure and the admin API use"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Principal {
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) time: Moment,
    pub(crate) host: Arc<str>,
    /// Name of the vault, `login`, `management`, or the host itself.
    pub(crate) vault: Arc<str>,
    pub(crate) operation: &'static str,
    pub(crate) method: Arc<str>,
    pub(crate) path: Box<str>,
    /// 0: no answer was given.
    pub(crate) status: u16,
    /// Of a request that was done, and whose answer was lost: what it was.
    pub(crate) lost_status: Option<u16>,
    pub(crate) latency_ms: u32,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) connection: u64,
    pub(crate) user_agent: Option<Arc<str>>,
}

/// As the admin API shows an entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    seq: u64,
    time: String,
    host: String,
    vault: String,
    operation: &'static str,
    method: String,
    path: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_status: Option<u16>,
    latency_ms: u32,
    principal: Option<Principal>,
    connection: u64,
    user_agent: Option<String>,
}

/// An answer of the journal: `next` is the `since` to go on with.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    next: u64,
    entries: Vec<Shown>,
}

type Counts = HashMap<(Arc<str>, &'static str, u16), u64>;

#[derive(Debug, Default)]
struct State {
    /// Number of the first entry in `entries`.
    first: u64,
    entries: VecDeque<Entry>,
    counts: Counts,
    connections: BTreeMap<Arc<str>, u64>,
    /// One allocation per name, however many entries hold it.
    names: HashMap<Box<str>, Arc<str>>,
}

/// Journal and counters.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<State>);

/// Counts by vault (or `login`, `management`), operation and status, and connections by host.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counters {
    operations: BTreeMap<String, BTreeMap<&'static str, BTreeMap<String, u64>>>,
    connections: BTreeMap<String, u64>,
}

impl Journal {
    /// A shared copy of a name that comes again and again.
    pub(crate) fn intern(&self, name: &str) -> Arc<str> {
        let mut state = self.0.lock();
        if let Some(known) = state.names.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(name);
        // Names come from clients; a flood of new ones must not stay for ever.
        if state.names.len() > 50_000 {
            state.names.clear();
        }
        state.names.insert(name.into(), Arc::clone(&shared));
        shared
    }

    pub(crate) fn record(&self, entry: Entry) {
        let mut state = self.0.lock();
        *state
            .counts
            .entry((Arc::clone(&entry.vault), entry.operation, entry.status))
            .or_default() += 1;
        if state.entries.len() == CAPACITY {
            state.entries.pop_front();
            state.first += 1;
        }
        state.entries.push_back(entry);
    }

    pub(crate) fn count_connection(&self, host: &Arc<str>) {
        *self
            .0
            .lock()
            .connections
            .entry(Arc::clone(host))
            .or_default() += 1;
    }

    /// Entries from number `since` on, at most one page, of one vault or operation when these are named.
    pub(crate) fn since(&self, since: u64, vault: Option<&str>, operation: Option<&str>) -> Page {
        let state = self.0.lock();
        let end = state.first + state.entries.len() as u64;
        let skip = usize::try_from(since.saturating_sub(state.first)).unwrap_or(usize::MAX);
        let mut next = end;
        let mut entries = Vec::new();
        for (seq, entry) in (state.first..).zip(&state.entries).skip(skip) {
            let wanted = vault.is_none_or(|vault| vault.eq_ignore_ascii_case(&entry.vault))
                && operation
                    .is_none_or(|operation| operation.eq_ignore_ascii_case(entry.operation));
            if !wanted {
                continue;
            }
            if entries.len() == PAGE {
                next = seq;
                break;
            }
            entries.push(Shown::of(seq, entry));
        }
        Page { next, entries }
    }

    /// Forgets the entries; numbers go on.
    pub(crate) fn clear(&self) {
        let mut state = self.0.lock();
        state.first += state.entries.len() as u64;
        state.entries.clear();
    }

    pub(crate) fn counters(&self) -> Counters {
        let state = self.0.lock();
        let connections = state
            .connections
            .iter()
            .map(|(host, count)| (host.to_string(), *count))
            .collect();
        let mut counters = Counters {
            connections,
            ..Counters::default()
        };
        for ((vault, operation, status), count) in &state.counts {
            let by_operation = counters.operations.entry(vault.to_string()).or_default();
            by_operation
                .entry(operation)
                .or_default()
                .insert(status.to_string(), *count);
        }
        counters
    }

    pub(crate) fn clear_counters(&self) {
        let mut state = self.0.lock();
        state.counts.clear();
        state.connections.clear();
    }
}

impl Shown {
    fn of(seq: u64, entry: &Entry) -> Self {
        Self {
            seq,
            time: entry.time.timestamp().to_string(),
            host: entry.host.to_string(),
            vault: entry.vault.to_string(),
            operation: entry.operation,
            method: entry.method.to_string(),
            path: entry.path.to_string(),
            status: entry.status,
            lost_status: entry.lost_status,
            latency_ms: entry.latency_ms,
            principal: entry.principal.as_deref().cloned(),
            connection: entry.connection,
            user_agent: entry.user_agent.as_deref().map(ToOwned::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(journal: &Journal, vault: &str, operation: &'static str) -> Entry {
        Entry {
            time: Moment(0),
            host: journal.intern("h"),
            vault: journal.intern(vault),
            operation,
            method: journal.intern("GET"),
            path: "/".into(),
            status: 200,
            lost_status: None,
            latency_ms: 1,
            principal: None,
            connection: 1,
            user_agent: None,
        }
    }

    #[test]
    fn reading_on_from_next_gives_what_came_since() {
        let journal = Journal::default();
        journal.record(entry(&journal, "a", "GetSecret"));
        let first = journal.since(0, None, None);
        assert_eq!((first.next, first.entries.len()), (1, 1));
        journal.record(entry(&journal, "b", "ListSecrets"));
        let second = journal.since(first.next, None, None);
        assert_eq!((second.next, second.entries.len()), (2, 1));
        assert_eq!(second.entries[0].seq, 1);
    }

    #[test]
    fn the_oldest_entries_go_when_it_is_full() {
        let journal = Journal::default();
        for _ in 0..CAPACITY + 5 {
            journal.record(entry(&journal, "a", "GetSecret"));
        }
        let page = journal.since(0, None, None);
        assert_eq!(page.entries[0].seq, 5);
        assert_eq!(page.next, 5 + PAGE as u64);
    }

    #[test]
    fn a_filter_keeps_the_numbers() {
        let journal = Journal::default();
        journal.record(entry(&journal, "a", "GetSecret"));
        journal.record(entry(&journal, "b", "GetSecret"));
        let page = journal.since(0, Some("b"), None);
        assert_eq!(
            (page.entries.len(), page.entries[0].seq, page.next),
            (1, 1, 2)
        );
    }

    #[test]
    fn clearing_keeps_counting_numbers_and_counters() {
        let journal = Journal::default();
        journal.record(entry(&journal, "a", "GetSecret"));
        journal.clear();
        journal.record(entry(&journal, "a", "GetSecret"));
        assert_eq!(journal.since(0, None, None).entries[0].seq, 1);
        assert_eq!(journal.counters().operations["a"]["GetSecret"]["200"], 2);
    }
}
