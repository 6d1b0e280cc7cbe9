//! Data Lake accounts, as custom resources.

mod client;
mod conflicts;
mod documents;
mod dropped;
mod faults;
mod files;
mod gen1;
mod gen1_files;
mod gen1_lake;
mod gen1_trees;
mod keys;
mod lake;
pub mod lakes;
pub mod outputs;
mod progress;
mod reach;
pub mod stores;
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
        gen1::cases(),
        gen1_files::cases(),
        gen1_lake::cases(),
        gen1_trees::cases(),
        keys::cases(),
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
