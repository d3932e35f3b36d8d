//! The builder users write against, and the driver that makes a pipeline exactly once.
//!
//! A [`Pipeline`] is declared, [built](Pipeline::build) into a [`Plan`] without any I/O, and
//! [started](Plan::start). The driver (the control plane) plans epochs, writes them down, commits
//! and recovers; an [`Executor`] (the data plane) reads, computes and
//! stages: the inline one on the same thread.
//!
//! # Watching
//! A [`Handle`] tells where a run stands and what happens in it. Beside that the driver emits spans
//! and events of `tracing`, and counts [`METRICS`] for the recorder of the crate `metrics`. Whoever
//! owns the process installs a subscriber and a recorder, or none. Their names are an interface:
//! `docs/operations.md` lists them.
#![forbid(unsafe_code)]

mod accounting;
mod ahead;
mod builder;
mod clock;
mod commit;
mod driver;
mod epoch;
mod error;
mod event_time;
mod executor;
mod explain;
mod filter;
mod graph;
mod handle;
mod inline;
mod map;
mod meters;
mod options;
pub mod parts;
mod plan;
mod planning;
mod progress;
mod recover;
mod state;
mod supervisor;
mod upgrade;
mod watermark;

pub use accounting::{Done, Outcome, SourceCounts, Stepped};
pub use builder::{Connected, Pipeline, Stream};
pub use clock::SystemClock;
pub use error::{BuildErrors, Mistake, RunError};
pub use executor::{Executor, ExecutorSpec, Job, Report};
pub use graph::{Graph, Node, NodeId, NodeKind, Tap};
pub use handle::{Handle, Observer, State, Status, Stopper};
pub use inline::Inline;
pub use map::{MapContext, MapResult};
pub use meters::{METRICS, Metric, MetricKind, describe_metrics};
pub use options::{OnRollback, Options, Trigger, WatermarkPolicy};
pub use plan::Plan;
pub use progress::{
    Accounting, Began, Durations, Event, EventTimeProgress, Idle, Progress, SinkProgress,
    SourceProgress, StateOperatorProgress,
};
pub use state::StateStore;
pub use upgrade::{Fit, Upgrade};
pub use watermark::Watermark;
