//! Expressions as their users meet them: the answers of the page, any split into batches, a whole pipeline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod page;
mod pipeline;
mod splits;
mod step;
