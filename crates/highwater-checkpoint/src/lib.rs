//! The log of a pipeline: what was prepared, and what a start makes of it.
//!
//! An epoch that was not prepared never happened. [`Prepared`] is the one record that decides; it
//! is written once, by put-if-absent, and so it is also the fence between two instances that share a
//! log ([`Log::append`]). What a start does with the newest record and the markers of the tables is
//! a pure function, [`decide`], which the driver runs and the model checker explores.
#![forbid(unsafe_code)]

mod error;
mod log;
mod record;
mod recovery;

pub use error::CheckpointError;
pub use log::{Head, Log};
pub use record::{Observed, Prepared, RecordId, Share, SinkCounts, SinkShare};
pub use recovery::{OnRollback, Pending, Resume, Rewritten, Stop, decide};
