//! Lakevault.
