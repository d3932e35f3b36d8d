//! Pipelines over tables in memory: what users see, and what they must never see.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod builder;
mod connected;
mod crashes;
mod event_time;
mod instances;
mod lifecycle;
mod recorded;
mod shown;
mod state;
mod waiting;
mod watched;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

/// Rows of one column `n`.
fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("n", n)]).unwrap()
}
