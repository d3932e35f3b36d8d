//! The contract of a sink: files are staged on the data plane and committed on the control plane.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{Batch, Epoch, Error, Failpoints, Found, Marker, Name, Result, Routing, StreamInfo};

/// A table that takes the rows of a stream.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Where the rows go, for `explain` and messages, such as `iceberg demo.orders in data/warehouse`.
    fn describe(&self) -> String;

    /// Checks that rows of `input` can be written, without contacting anything.
    ///
    /// # Errors
    /// `Invalid` when a column cannot be written.
    fn resolve(&self, input: &StreamInfo) -> Result<Routing>;

    /// Opens the table, and makes it if it is missing. Called by the driver only, at every start.
    ///
    /// # Errors
    /// `Invalid` when the table has another schema; `Refused` when another pipeline writes it.
    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>>;

    /// A writer for the rows of one worker and one epoch, made at their first batch.
    ///
    /// # Errors
    /// `Internal` when the target in `cx` is not one of this sink.
    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>>;
}

/// Who opens a table.
#[derive(Clone, Debug)]
pub struct SinkContext {
    /// The pipeline.
    pub pipeline: Name,
    /// The sink within it.
    pub sink: Name,
    /// The rows it takes.
    pub input: StreamInfo,
    /// The run, part of the name of every file that is written.
    pub run: String,
    /// Where a test may make it fail.
    pub failpoints: Failpoints,
}

/// Who writes, and where to.
#[derive(Clone, Debug)]
pub struct WriterContext {
    /// The sink.
    pub sink: Name,
    /// The rows it takes.
    pub input: StreamInfo,
    /// The run, part of the name of every file.
    pub run: String,
    /// The epoch.
    pub epoch: Epoch,
    /// The worker, part of the name of every file.
    pub worker: usize,
    /// What [`Committer::target`] said when the epoch was planned.
    pub target: Target,
    /// Where a test may make it fail.
    pub failpoints: Failpoints,
}

/// Encodes the rows of one epoch on one worker into files that no reader sees yet.
///
/// A dropped writer leaves nothing but files that nobody names.
#[async_trait]
pub trait Writer: Send {
    /// Encodes rows. Uploads run behind.
    ///
    /// # Errors
    /// Any error ends the run before something of this epoch is committed.
    fn write(&mut self, batch: Batch) -> Result<()>;

    /// Waits until no more is waiting for its upload than the writer may keep in memory. Called
    /// between batches.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    async fn ready(&mut self) -> Result<()> {
        Ok(())
    }

    /// How many of the rows that were written so far are in no file, because others of the same epoch
    /// take their place. With them, what was written and what is staged are the same number.
    fn replaced(&self) -> u64 {
        0
    }

    /// Closes the files and waits until every one is durable.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>>;
}

/// What the commit machine needs of a table, nothing more. One per sink, on the control plane.
#[async_trait]
pub trait Committer: Send {
    /// Reads the table: what this sink committed last, and the base of the next swap.
    ///
    /// # Errors
    /// `Transient` when the table cannot be read now; `Refused` when it is not the table of before.
    async fn load(&mut self) -> Result<Found>;

    /// How and where to write, as of the last [`load`](Self::load). It goes into the plan, so that
    /// workers load nothing.
    fn target(&self) -> Target;

    /// One attempt to commit `staged` and `marker` together on the base of the last load. Never
    /// tries again and never loads.
    async fn swap(&mut self, marker: &Marker, staged: &[Staged]) -> Swap;

    /// How long the driver tries to commit before it stops.
    fn patience(&self) -> Patience {
        Patience::default()
    }

    /// Whether every staged file is still there with its length.
    ///
    /// # Errors
    /// `Transient` when that cannot be found out now.
    async fn check(&mut self, staged: &[Staged]) -> Result<bool>;
}

/// How long a commit is tried that others outrun, or whose answers are lost.
///
/// # Defaults
/// * `attempts`: 10
/// * `first_pause`: 5 ms, doubled after every attempt up to `longest_pause`: 2 s
/// * `in_all`: 30 s
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How many swaps at most.
    pub attempts: u32,
    /// The pause after the first.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long altogether. What is unknown then is found out by the next start.
    pub in_all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 10,
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_secs(2),
            in_all: Duration::from_secs(30),
        }
    }
}

/// How an attempt to commit ended.
#[derive(Debug)]
#[must_use]
pub enum Swap {
    /// The table holds the rows and the marker.
    Committed,
    /// It definitely does not: something else was committed on the base first.
    Conflicted,
    /// Nobody can say yet: time-out, lost answer, unreadable answer.
    Unknown(Error),
    /// It definitely does not, and another attempt would end the same: refused, no room, a bug.
    Failed(Error),
}

/// A durable file that no reader sees yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Its place, in the sink's own words.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The rows in it.
    pub rows: u64,
    /// What the committer has to know of it, such as column bounds: JSON that only the sink reads.
    pub detail: String,
}

/// Where and how the writers of an epoch stage files: JSON that only the sink reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(pub String);
