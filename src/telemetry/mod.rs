//! What the operator tells of itself: logs, metrics, traces on request, and the port where both health and metrics are served.

pub mod figures;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod spans;
pub mod traces;
