//! The parts of a spec: which objects each of them needs, which keys it gives, and with what values.
//!
//! `item` one part · `parse` reads it from the spec · `find`, `find_keys`, `found` objects by pattern and tags · `origin` the line that
//! is recorded of a key · `render`, `render_secret`, `render_certificate` from the vault's values to those of keys · `expand`, `dotenv`
//! one value taken apart into many. All of it is pure.

pub mod dotenv;
pub mod expand;
pub mod find;
pub mod find_keys;
pub mod found;
pub mod item;
pub mod origin;
pub mod parse;
pub mod render;
pub mod render_certificate;
pub mod render_secret;
