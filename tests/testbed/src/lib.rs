//! Real processes for tests, demo and benchmarks: a Kubernetes control plane, the Azure simulator and the operator.
//!
//! Everything listens on loopback, writes its logs into a folder that the caller names, and is ended whatever happens to the
//! process that started it (see [`process`]). Nothing here is part of the product.

pub mod audit;
pub mod binaries;
pub mod control_plane;
pub mod kubectl;
pub mod metrics;
pub mod operator;
pub mod pki;
pub mod poll;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod scratch;
pub mod signals;
pub mod simulator;

pub use control_plane::{ControlPlane, Options as ControlPlaneOptions};
pub use operator::{Operator, Options as OperatorOptions};
pub use poll::until;
pub use process::{Process, Signal};
pub use proxy::Proxy;
pub use scratch::Scratch;
pub use simulator::{
    Admin, Endpoints, Fault, FaultRule, ManagedIdentityEndpoints, Options as SimulatorOptions,
    SecretBody, Simulator,
};

/// Makes aws-lc-rs the TLS provider of this process. Every `start` of this crate calls it; a second call does nothing.
pub fn install_tls_provider() {
    // An error only says that a provider is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}
