//! Who of several replicas leads, and what keeps one that does not lead from writing.
//!
//! ```text
//!  API server ◄─ Lease ─► keeper ─ decide (pure)
//!                           │ raise, renewed, fall
//!                           ▼
//!  Kubernetes client ──► fence ◄── Azure's client      each request that changes something, at the moment it is sent
//! ```
//!
//! [`decide`] says what a candidate does next, [`keeper`] does it, and [`fence`] is what every effect passes. Which requests are
//! effects is said in [`effects`] and nowhere else.

pub mod decide;
pub mod effects;
pub mod fence;
pub mod keeper;
pub mod layer;
