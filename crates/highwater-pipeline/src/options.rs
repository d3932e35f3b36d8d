//! How a plan is run.

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use highwater_core::{Clock, Failpoints, Result};
use highwater_storage::Storage;

pub use highwater_checkpoint::OnRollback;

use crate::{ExecutorSpec, Inline, SystemClock};

/// When an epoch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At every multiple of an interval after the start, the first at once. An epoch that takes
    /// longer is followed at once by the next.
    Every(Duration),
    /// One after another until everything that was there at the start is committed, then stop. What
    /// event time has not passed stays in the state for the next run.
    AvailableNow,
    /// As [`AvailableNow`](Self::AvailableNow), and then event time ends: every window closes, all
    /// state goes, and the pipeline has come to its end for good. A later start is refused.
    Drain,
}

/// What watermarks are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatermarkPolicy {
    /// The slowest partition decides, each stream for itself. A partition that has been read to its
    /// end for a while is left out; one that has data, of which none was seen yet, holds time back.
    #[default]
    PerPartition,
    /// The fastest partition of each stream, and of these the slowest stream, for all streams alike,
    /// cut to milliseconds.
    ///
    /// Source: Spark's watermarks with the policy `min`.
    Global,
}

impl Trigger {
    /// An epoch every `interval`.
    pub fn every(interval: Duration) -> Self {
        Self::Every(interval)
    }

    /// Everything that is there now, then stop.
    pub fn available_now() -> Self {
        Self::AvailableNow
    }
}

/// Where a pipeline keeps its checkpoint, and how it runs.
///
/// # Defaults
/// * `trigger`: every 5 s
/// * `max_records_per_epoch`, `max_bytes_per_epoch`: no limit a user would notice; an epoch takes at
///   most 1,000,000 records or 256 MiB for each worker, and the next one follows at once
/// * `on_rollback`: refuse
/// * `max_rejected_ratio`: 0.5 of the records of an epoch that has at least 100
/// * `retry_for`: 5 minutes without a committed epoch
/// * `first_retry_after`: 100 ms
/// * `executor`: [`Inline`], one thread
/// * `state_memory`: 512 MiB for the state of all steps on one worker
/// * `state_spill`: none; state that does not fit stays in memory
/// * `watermarks`: per partition
/// * `idle_after`: 60 s
/// * `stop_within`: 8 s for the running epoch to end after [`Handle::stop`](crate::Handle::stop)
#[derive(Clone)]
pub struct Options {
    pub(crate) checkpoint: Storage,
    pub(crate) trigger: Trigger,
    pub(crate) max_records: Option<NonZeroU64>,
    pub(crate) max_bytes: Option<NonZeroU64>,
    pub(crate) on_rollback: OnRollback,
    pub(crate) max_rejected_ratio: f64,
    pub(crate) retry_for: Duration,
    pub(crate) first_retry_after: Duration,
    pub(crate) stop_within: Duration,
    pub(crate) state_memory: u64,
    pub(crate) state_spill: Option<PathBuf>,
    pub(crate) executor: Arc<dyn ExecutorSpec>,
    pub(crate) watermarks: WatermarkPolicy,
    pub(crate) idle_after: Duration,
    pub(crate) failpoints: Failpoints,
    pub(crate) clock: Arc<dyn Clock>,
}

const STATE_MEMORY: u64 = 512 << 20;

impl Options {
    /// Options with the checkpoint at a directory or URL.
    ///
    /// # Errors
    /// `Invalid` when the URL is of no known kind.
    pub fn checkpoint(url: &str) -> Result<Self> {
        Ok(Self::checkpoint_in(Storage::open(url)?))
    }

    /// Options with the checkpoint in a storage.
    pub fn checkpoint_in(storage: Storage) -> Self {
        Self {
            checkpoint: storage,
            trigger: Trigger::Every(Duration::from_secs(5)),
            max_records: None,
            max_bytes: None,
            on_rollback: OnRollback::Refuse,
            max_rejected_ratio: 0.5,
            retry_for: Duration::from_secs(300),
            first_retry_after: Duration::from_millis(100),
            stop_within: Duration::from_secs(8),
            state_memory: STATE_MEMORY,
            state_spill: None,
            executor: Arc::new(Inline),
            watermarks: WatermarkPolicy::PerPartition,
            idle_after: Duration::from_secs(60),
            failpoints: Failpoints::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// When an epoch begins.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// How many records an epoch takes from each source at most. Epochs keep to the trigger then.
    #[must_use]
    pub fn max_records_per_epoch(mut self, records: NonZeroU64) -> Self {
        self.max_records = Some(records);
        self
    }

    /// How many bytes an epoch takes from each source at most. Epochs keep to the trigger then.
    #[must_use]
    pub fn max_bytes_per_epoch(mut self, bytes: NonZeroU64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// What to do about a table that somebody rolled back.
    #[must_use]
    pub fn on_rollback(mut self, on_rollback: OnRollback) -> Self {
        self.on_rollback = on_rollback;
        self
    }

    /// The share of rejected records, 0 to 1, above which an epoch of at least 100 records stops
    /// the pipeline before it is committed.
    #[must_use]
    pub fn max_rejected_ratio(mut self, ratio: f64) -> Self {
        self.max_rejected_ratio = ratio;
        self
    }

    /// How long to go on trying when nothing can be committed. What fails at the very start fails
    /// at once.
    #[must_use]
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = time;
        self
    }

    /// The pause before the first new try; it doubles from there, up to 10 s.
    #[must_use]
    pub fn first_retry_after(mut self, pause: Duration) -> Self {
        self.first_retry_after = pause;
        self
    }

    /// How long the running epoch has to end after a stop, before it is abandoned.
    #[must_use]
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    /// How many bytes of memory the state of all steps may take on one worker. It is divided among
    /// them.
    #[must_use]
    pub fn state_memory(mut self, bytes: NonZeroU64) -> Self {
        self.state_memory = bytes.get();
        self
    }

    /// A local directory for the state that does not fit into memory. What is in it is a copy, and goes
    /// with the run.
    #[must_use]
    pub fn state_spill(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state_spill = Some(directory.into());
        self
    }

    /// What runs the epochs: [`Inline`], or the threads of highwater-timely. The tables come out the
    /// same, and each start may choose anew.
    #[must_use]
    pub fn executor(mut self, executor: Arc<dyn ExecutorSpec>) -> Self {
        self.executor = executor;
        self
    }

    /// What watermarks are made of. Rows that are late under one policy may not be under another.
    #[must_use]
    pub fn watermarks(mut self, policy: WatermarkPolicy) -> Self {
        self.watermarks = policy;
        self
    }

    /// After how long a partition that has been read to its end holds event time back no more.
    #[must_use]
    pub fn idle_after(mut self, time: Duration) -> Self {
        self.idle_after = time;
        self
    }

    /// Where a test may make the run fail.
    #[must_use]
    pub fn failpoints(mut self, failpoints: Failpoints) -> Self {
        self.failpoints = failpoints;
        self
    }

    /// Where `now` comes from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("checkpoint", &self.checkpoint.location(""))
            .field("trigger", &self.trigger)
            .field("max_records_per_epoch", &self.max_records)
            .field("max_bytes_per_epoch", &self.max_bytes)
            .field("state_memory", &self.state_memory)
            .field("state_spill", &self.state_spill)
            .field("executor", &self.executor)
            .field("on_rollback", &self.on_rollback)
            .field("max_rejected_ratio", &self.max_rejected_ratio)
            .finish_non_exhaustive()
    }
}
