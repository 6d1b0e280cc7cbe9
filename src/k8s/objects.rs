//! Reads of single objects of our own kinds.

use std::fmt::Debug;

use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::api::Kube;
use crate::problem::Problem;

impl Kube {
    /// An object as the API server has it now; none where there is none.
    pub async fn get<K>(
        &self,
        api: &Api<K>,
        resource: &'static str,
        name: &str,
    ) -> Result<Option<K>, Problem>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send,
    {
        let what = format!("{} {name}", K::kind(&()));
        self.call("get", resource, &what, api.get_opt(name)).await
    }
}
