//! Azure: wire clients on one shared HTTP core. Nothing outside this folder knows a wire detail.

pub mod arm;
pub mod auth;
pub mod challenge;
pub mod cloud;
mod dns;
pub mod http;
pub mod key_vault;
pub mod lake;
pub mod ml_server;
pub mod resource;
pub mod slots;
pub mod stack;
mod tls;
pub mod webhdfs;

#[cfg(test)]
mod fixtures;
