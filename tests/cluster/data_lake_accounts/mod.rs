//! Data Lake accounts, as custom resources.

mod client;
mod documents;
mod dropped;
mod files;
mod keys;
mod lake;
pub mod lakes;
pub mod outputs;
mod reach;
mod trees;
mod trouble;

use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        documents::cases(),
        dropped::cases(),
        files::cases(),
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
