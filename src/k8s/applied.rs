//! Writes of objects of any kind that are ours as a whole, and lists of them.

use std::fmt::Debug;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::Kube;
use crate::problem::Problem;

/// An object, by what it is, where it is and how it is called.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Plural name of its kind.
    pub resource: &'static str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl Kube {
    /// Server-side apply; gives back metadata only. A resourceVersion in `object` makes the write fail where what is there is no
    /// longer what was seen.
    pub async fn apply<K, P>(
        &self,
        named: Named<'_>,
        manager: &str,
        force: bool,
        object: &P,
    ) -> Result<PartialObjectMeta<K>, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync,
        P: Serialize + Debug + Sync,
    {
        let mut params = PatchParams::apply(manager);
        params.force = force;
        let api: Api<K> = Api::namespaced(self.client(), named.namespace);
        let what = what::<K>(named);
        // `Patch` is printed by kube only in its own error types, which `call` does not repeat.
        let patch = Patch::Apply(object);
        let applied = api.patch_metadata(named.name, &params, &patch);
        self.call("patch", named.resource, &what, applied).await
    }

    /// Deletes an object, but only the one with this uid. That it is gone already is success.
    pub async fn delete<K>(&self, named: Named<'_>, uid: &str) -> Result<(), Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync,
    {
        let only = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        };
        let params = DeleteParams::default().preconditions(only);
        let api: Api<K> = Api::namespaced(self.client(), named.namespace);
        let deletion = async {
            match api.delete(named.name, &params).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
                outcome => outcome.map(|_| ()),
            }
        };
        self.call("delete", named.resource, &what::<K>(named), deletion)
            .await
    }

    /// Metadata of the objects in a namespace that carry a label with this value.
    pub async fn labelled<K>(
        &self,
        (resource, namespace): (&'static str, &str),
        (label, value): (&str, &str),
    ) -> Result<Vec<PartialObjectMeta<K>>, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync,
    {
        let params = ListParams::default().labels(&format!("{label}={value}"));
        let api: Api<K> = Api::namespaced(self.client(), namespace);
        let what = format!("{resource} of {namespace}");
        let listed = api.list_metadata(&params);
        let listed = self.call("list", resource, &what, listed).await?;
        Ok(listed.items)
    }
}

fn what<K: Resource<DynamicType = ()>>(named: Named<'_>) -> String {
    format!("{} {}/{}", K::kind(&()), named.namespace, named.name)
}
