//! Pipelines on threads: the same tables as on one, and every failure says what it was.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod ahead;
mod conformance;
mod connected;
mod crashes;
mod failures;
mod flow;
mod steps;
mod tables;

use std::num::NonZeroUsize;
use std::sync::Arc;

use highwater_pipeline::{ExecutorSpec, Inline};
use highwater_timely::Threads;

/// Inline for none, or so many threads.
fn executor(threads: usize) -> Arc<dyn ExecutorSpec> {
    match NonZeroUsize::new(threads) {
        None => Arc::new(Inline),
        Some(threads) => Arc::new(Threads::new(threads)),
    }
}
