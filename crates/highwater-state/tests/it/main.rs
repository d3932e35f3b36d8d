//! Tables of state against a reference, over crashes, on other numbers of workers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod fleet;
mod large;
mod model;
