//! Azure: wire clients on one shared HTTP core. Nothing outside this folder knows a wire detail.

pub mod auth;
pub mod cloud;
mod dns;
pub mod http;
pub mod key_vault;
pub mod ml_server;
