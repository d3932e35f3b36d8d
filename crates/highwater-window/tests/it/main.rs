//! The step by its contract: rows in, windows out, saves in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod contract;
mod duckdb;
mod golden;
mod oracle;
mod reference;
mod sessions;
mod spark;
mod workers;
