//! Where objects are watched: in the whole cluster, or in some namespaces, whose watches then look like one.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tracing::warn;

use super::watch;

/// Namespaces that are served; none named means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// These namespaces, each once.
    pub fn new(mut namespaces: Vec<String>) -> Self {
        namespaces.sort();
        namespaces.dedup();
        Self(namespaces)
    }

    /// Whether all namespaces are served, and what is in none.
    pub fn is_cluster(&self) -> bool {
        self.0.is_empty()
    }

    /// Watches a kind.
    pub fn watch<K>(
        &self,
        client: &Client,
        config: &watcher::Config,
    ) -> BoxStream<'static, watcher::Result<Event<K>>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        if self.is_cluster() {
            return watch::watch(Api::<K>::all(client.clone()), config.clone()).boxed();
        }
        let parts = self.0.iter().map(|namespace| {
            let api = Api::<K>::namespaced(client.clone(), namespace);
            (namespace.clone(), watch::watch(api, config.clone()))
        });
        merged(parts.collect()).boxed()
    }
}

/// Several watches as one.
fn merged<K, S>(parts: Vec<(String, S)>) -> impl Stream<Item = watcher::Result<Event<K>>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Send + 'static,
    S: Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
{
    let mut merge = Merge::new(parts.len());
    let streams = parts.into_iter().enumerate();
    let tagged = streams.map(|(at, (namespace, stream))| {
        let tag = move |item| (at, namespace.clone(), item);
        stream.map(tag).boxed()
    });
    stream::select_all(tagged).flat_map(move |(at, namespace, item)| {
        let told = match item {
            Ok(event) => merge.take(at, event).into_iter().map(Ok).collect(),
            Err(error) if forbidden(&error) => {
                if merge.refuse(at) {
                    let kind = K::plural(&());
                    warn!(
                        namespace, kind = %kind, %error,
                        "This namespace is not served: it lacks the Role, or is gone. It is tried again"
                    );
                }
                merge.settle().into_iter().map(Ok).collect()
            }
            Err(error) => vec![Err(error)],
        };
        stream::iter(told)
    })
}

fn forbidden(error: &watcher::Error) -> bool {
    use watcher::Error::{
        InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed,
    };
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            matches!(error, kube::Error::Api(status) if status.code == 403)
        }
        WatchError(status) => status.code == 403,
        NoResourceVersion => false,
    }
}

/// What is known of several watches, and what one that sees all of it would tell. A list that is broken off has told nothing.
struct Merge<K> {
    parts: Vec<Part<K>>,
    /// The first list of all has been told.
    listed: bool,
}

struct Part<K> {
    /// Of a list under way.
    list: Vec<K>,
    /// Since the last complete list, by name.
    known: BTreeMap<String, K>,
    /// It was listed once, or may not be.
    settled: bool,
    refused: bool,
}

impl<K: ResourceExt + Clone> Merge<K> {
    fn new(parts: usize) -> Self {
        let part = || Part {
            list: Vec::new(),
            known: BTreeMap::new(),
            settled: false,
            refused: false,
        };
        Self {
            parts: std::iter::repeat_with(part).take(parts).collect(),
            listed: false,
        }
    }

    /// What an event of one of them comes to.
    fn take(&mut self, at: usize, event: Event<K>) -> Vec<Event<K>> {
        let listed = self.listed;
        let Some(part) = self.parts.get_mut(at) else {
            return Vec::new();
        };
        match event {
            Event::Init => part.list.clear(),
            Event::InitApply(object) => part.list.push(object),
            Event::InitDone => {
                let list = std::mem::take(&mut part.list);
                part.known = list.into_iter().map(|one| (one.name_any(), one)).collect();
                (part.settled, part.refused) = (true, false);
                return if listed { self.all() } else { self.settle() };
            }
            Event::Apply(object) => {
                part.known.insert(object.name_any(), object.clone());
                return self.later(Event::Apply(object));
            }
            Event::Delete(object) => {
                part.known.remove(&object.name_any());
                return self.later(Event::Delete(object));
            }
        }
        Vec::new()
    }

    /// One of them may not be watched. It holds up none of the others. Whether this is news.
    fn refuse(&mut self, at: usize) -> bool {
        self.parts.get_mut(at).is_some_and(|part| {
            part.settled = true;
            !std::mem::replace(&mut part.refused, true)
        })
    }

    /// The first list of all, as soon as it is complete.
    fn settle(&mut self) -> Vec<Event<K>> {
        if self.listed || !self.parts.iter().all(|part| part.settled) {
            return Vec::new();
        }
        self.listed = true;
        self.all()
    }

    /// Before the first list has been told, it will hold the news.
    fn later(&self, event: Event<K>) -> Vec<Event<K>> {
        self.listed.then_some(event).into_iter().collect()
    }

    /// All that is known, as a list.
    fn all(&self) -> Vec<Event<K>> {
        let known = self.parts.iter().flat_map(|part| part.known.values());
        let objects = known.cloned().map(Event::InitApply);
        std::iter::once(Event::Init)
            .chain(objects)
            .chain([Event::InitDone])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(name: &str) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.name = Some(name.to_owned());
        object
    }

    fn told(events: &[Event<ConfigMap>]) -> Vec<String> {
        let one = |event: &Event<ConfigMap>| match event {
            Event::Init => "[".to_owned(),
            Event::InitDone => "]".to_owned(),
            Event::InitApply(object) => object.name_any(),
            Event::Apply(object) => format!("+{}", object.name_any()),
            Event::Delete(object) => format!("-{}", object.name_any()),
        };
        events.iter().map(one).collect()
    }

    /// Lists these names in one part.
    fn list(merge: &mut Merge<ConfigMap>, at: usize, names: &[&str]) -> Vec<String> {
        let mut all = merge.take(at, Event::Init);
        for name in names {
            all.extend(merge.take(at, Event::InitApply(object(name))));
        }
        all.extend(merge.take(at, Event::InitDone));
        told(&all)
    }

    #[test]
    fn the_first_list_is_told_when_every_namespace_has_given_its_own() {
        let mut merge = Merge::new(2);
        assert!(list(&mut merge, 0, &["a"]).is_empty());
        assert!(merge.take(0, Event::Apply(object("late"))).is_empty());
        assert!(merge.take(0, Event::Delete(object("a"))).is_empty());
        assert_eq!(list(&mut merge, 1, &["b"]), ["[", "late", "b", "]"]);
        let event = merge.take(1, Event::Delete(object("b")));
        assert_eq!(told(&event), ["-b"]);
    }

    #[test]
    fn a_list_made_anew_in_one_namespace_is_one_of_all_and_forgets_what_is_gone() {
        let mut merge = Merge::new(2);
        list(&mut merge, 0, &["a", "gone"]);
        list(&mut merge, 1, &["b"]);
        assert_eq!(list(&mut merge, 0, &["a"]), ["[", "a", "b", "]"]);
    }

    #[test]
    fn a_list_that_was_broken_off_tells_nothing() {
        let mut merge = Merge::new(1);
        merge.take(0, Event::Init);
        merge.take(0, Event::InitApply(object("ghost")));
        assert_eq!(list(&mut merge, 0, &["a"]), ["[", "a", "]"]);
    }

    #[test]
    fn a_namespace_that_refuses_holds_up_no_other_and_is_served_once_it_lets_us_in() {
        let mut merge = Merge::new(2);
        list(&mut merge, 0, &["a"]);
        assert!(merge.refuse(1));
        assert_eq!(told(&merge.settle()), ["[", "a", "]"]);
        assert!(!merge.refuse(1), "it is told once");
        assert!(merge.settle().is_empty());
        assert_eq!(list(&mut merge, 1, &["b"]), ["[", "a", "b", "]"]);
    }

    #[test]
    fn namespaces_count_once_and_none_means_all() {
        let twice = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(Scope::new(twice).0, ["a", "b"]);
        assert!(Scope::new(Vec::new()).is_cluster());
    }
}
