//! Long-running operations, as they are polled.

use super::{
    manager_settings::{LroError, LroForm, LroPlan},
    moment::Moment,
};

/// What `Location` gives in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 200 without a body.
    Done,
    /// 200 with the vault of that name.
    Vault(String),
    /// 200 with the storage account of that name.
    StorageAccount(String),
    /// 200 with the Data Lake Store of that name.
    LakeStore(String),
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct LongOperation {
    pub(crate) id: String,
    /// Lower-case id.
    pub(crate) subscription: String,
    pub(crate) form: LroForm,
    pub(crate) started: Moment,
    pub(crate) ends: Moment,
    pub(crate) error: Option<LroError>,
    pub(crate) retry_after: u64,
    pub(crate) outcome: Outcome,
}

impl LongOperation {
    /// One that starts now and takes so long.
    pub(crate) fn start(
        id: String,
        subscription: &str,
        plan: &LroPlan,
        now: Moment,
        millis: u32,
        outcome: Outcome,
    ) -> Self {
        Self {
            id,
            subscription: subscription.to_ascii_lowercase(),
            form: plan.form,
            started: now,
            ends: now.plus_millis(i64::from(millis)),
            error: plan.error.clone(),
            retry_after: plan.retry_after,
            outcome,
        }
    }

    /// Azure's word for where it stands.
    pub(crate) fn status(&self, now: Moment) -> &'static str {
        match (&self.error, now < self.ends) {
            (_, true) => "InProgress",
            (None, false) => "Succeeded",
            (Some(_), false) => "Failed",
        }
    }
}
