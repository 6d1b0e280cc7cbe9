//! The life of vaults in Azure, as custom resources.

mod create;
mod deletion;
mod documents;
mod drift;
pub mod estate;
mod ownership;
mod trouble;

use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        create::cases(),
        deletion::cases(),
        documents::cases(),
        drift::cases(),
        ownership::cases(),
        trouble::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
