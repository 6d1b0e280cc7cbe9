//! What carries the services: TLS, names, faults, the journal and the server loop.

pub(crate) mod call;
pub(crate) mod exchange;
pub(crate) mod fault_spec;
pub(crate) mod faults;
pub(crate) mod holds;
pub(crate) mod hosts;
pub(crate) mod journal;
pub(crate) mod outgoing;
mod record;
pub(crate) mod recordings;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod tls;
