//! What the operator tells of itself: logs, metrics, and the port where both health and metrics are served.

pub mod figures;
pub mod http;
pub mod logs;
pub mod metrics;
