//! Which objects are asked for, and what is held of them already.
//!
//! `inputs` what a Secret made by templates tells of their values · `scene` items, Secret and rivals together · `wanted` what to ask for · `rejected` what was given and could not be used. All pure.

pub mod inputs;
pub mod rejected;
pub mod scene;
pub mod wanted;
