//! Keys, certificates and the files that hold them, as a vault makes and takes them.

pub(crate) mod bundle;
pub(crate) mod import;
pub(crate) mod issue;
pub(crate) mod jwk;
pub(crate) mod key;
pub(crate) mod names;
