//! Data Lake accounts, as custom resources.

mod client;
mod conflicts;
mod documents;
mod dropped;
mod faults;
mod files;
mod lake;
mod lakes;
mod outputs;
mod reach;
mod trees;
mod trouble;

use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        conflicts::cases(),
        documents::cases(),
        dropped::cases(),
        faults::cases(),
        files::cases(),
        lake::cases(),
        outputs::cases(),
        reach::cases(),
        trees::cases(),
        trouble::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
