//! Objects in a cache as text. Few of thousands are looked at at a time, and an object in pieces takes twice the memory.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::watcher::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An object as text, with what names it.
pub struct Packed<K> {
    meta: ObjectMeta,
    text: Box<[u8]>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource + Serialize> Packed<K> {
    /// Packs an object.
    pub fn of(object: &K) -> Self {
        let meta = object.meta();
        Self {
            meta: ObjectMeta {
                name: meta.name.clone(),
                namespace: meta.namespace.clone(),
                uid: meta.uid.clone(),
                ..ObjectMeta::default()
            },
            // What could not be written cannot be read either, and is told there.
            text: serde_json::to_vec(object).unwrap_or_default().into(),
            kind: PhantomData,
        }
    }

    /// A watch event with its object packed.
    pub fn event(event: &Event<K>) -> Event<Self> {
        match event {
            Event::Apply(object) => Event::Apply(Self::of(object)),
            Event::Delete(object) => Event::Delete(Self::of(object)),
            Event::InitApply(object) => Event::InitApply(Self::of(object)),
            Event::Init => Event::Init,
            Event::InitDone => Event::InitDone,
        }
    }
}

impl<K> Packed<K> {
    /// The object, or a part of it: whatever is asked for is read out of the text.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.text)
    }
}

impl<K> Clone for Packed<K> {
    fn clone(&self) -> Self {
        Self {
            meta: self.meta.clone(),
            text: self.text.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Packed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.meta.namespace, self.meta.name)
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Packed<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::ResourceExt;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_whole_and_is_found_by_its_name() {
        let object: ConfigMap = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "a", "namespace": "team", "uid": "u", "resourceVersion": "7", "labels": {"x": "y"}},
            "data": {"k": "v"}
        }))
        .unwrap();
        let packed = Packed::of(&object);
        assert_eq!(packed.read::<ConfigMap>().unwrap(), object);
        let named = (packed.namespace(), packed.name_any(), packed.uid());
        assert_eq!(named, (object.namespace(), object.name_any(), object.uid()));
    }
}
