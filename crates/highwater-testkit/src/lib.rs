//! What highwater is tested with, and what pipelines of your own can be tested with.
#![forbid(unsafe_code)]

pub mod binary;
pub mod broker;
pub mod conformance;
pub mod counting;
#[cfg(feature = "bench")]
pub mod cpu;
pub mod failpoints;
pub mod faulty;
pub mod harness;
pub mod memory;
pub mod memory_source;
pub mod memory_versions;
pub mod model;
pub mod workers;
