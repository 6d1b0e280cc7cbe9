//! Our own client asks for tokens as Microsoft's official Python clients do. For each credential both sides ask the
//! simulator for the same token, and what arrived is compared field by field, order and ids aside. Tables say which
//! differences are meant, and why; any other one fails, and so does a line of a table that no request needs any more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod applications;
mod compare;
mod machines;
mod official;
mod older;
mod people;
mod request;
mod scene;
