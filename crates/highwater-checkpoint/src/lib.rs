//! The log of a pipeline: what was prepared, and what a start makes of it.
//!
//! An epoch that was not prepared never happened. [`Prepared`] is the one record that decides; it
//! is written once, by put-if-absent, and so it is also the fence between two instances that share a
//! log ([`Log::append`]). What a start does with the newest record and the markers of the tables is
//! a pure function, [`decide`], which the driver runs and the model checker explores. Where the state of
//! steps is that an epoch has left stands in its record too: [`StateManifest`].
#![forbid(unsafe_code)]

mod error;
mod levels;
mod log;
mod manifest;
mod record;
mod recovery;

pub use error::CheckpointError;
pub use levels::Levels;
pub use log::{Head, Log, state_path};
pub use manifest::{
    Fit, StateManifest, StateObject, StepState, Tables, WorkerSave, Written, add_tables,
    compare_steps,
};
pub use record::{Observed, Prepared, RecordId, Share, SinkCounts, SinkShare};
pub use recovery::{OnRollback, Pending, Resume, Rewritten, Stop, decide};
