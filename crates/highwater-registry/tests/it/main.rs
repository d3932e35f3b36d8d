//! Tests of the client against a server in the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; clippy sees that only inside of test functions"
)]

mod asking;
mod keeping;
mod server;
mod trust;
