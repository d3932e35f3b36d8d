//! Everything that is tested across the crate, in one binary.

mod commit_model;
mod conformance;
mod doubles;
mod driver_model;
mod manifest;
