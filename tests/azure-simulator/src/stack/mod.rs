//! What tells a client of a cloud where its services are, and the vaults of Azure Stack Hub regions.

mod metadata;
mod vaults;

pub(crate) use metadata::{answer, operation};
pub(crate) use vaults::{VaultFace, refused_api_version};
