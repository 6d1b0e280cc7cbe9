//! A stand-in for Azure.
