//! The life of vaults in Azure, as custom resources.

mod alone;
mod create;
mod deletion;
pub mod documents;
mod drift;
pub mod estate;
mod faults;
mod others;
mod ownership;
mod rest;
mod trouble;

use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        alone::cases(),
        create::cases(),
        deletion::cases(),
        documents::cases(),
        drift::cases(),
        faults::cases(),
        others::cases(),
        ownership::cases(),
        rest::cases(),
        trouble::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
