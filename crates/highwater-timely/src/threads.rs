//! What users choose: how many threads.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use highwater_core::Result;
use highwater_pipeline::{Executor, ExecutorSpec, Job};

use crate::executor::TimelyExecutor;

/// Runs a pipeline on several worker threads, named `highwater-<pipeline>-1` and so on.
///
/// The partitions of a source are shared out among them. Rows stay on their worker, except where a
/// step or sink routes them by key or to a single worker.
///
/// # Defaults
/// * `in_flight`: 8 MiB for each source on each worker
///
/// # Example
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
///
/// use highwater_pipeline::Options;
/// use highwater_timely::Threads;
///
/// let two = NonZeroUsize::new(2).unwrap();
/// let options = Options::checkpoint("data/checkpoint/orders")?.executor(Arc::new(Threads::new(two)));
/// # let _ = options;
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    count: NonZeroUsize,
    in_flight: usize,
}

const IN_FLIGHT: usize = 8 << 20;

impl Threads {
    /// `count` workers.
    pub fn new(count: NonZeroUsize) -> Self {
        Self { count, in_flight: IN_FLIGHT }
    }

    /// A worker for each core that this process may use.
    pub fn per_core() -> Self {
        Self::new(available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// How many workers.
    pub fn count(&self) -> NonZeroUsize {
        self.count
    }

    /// How many bytes of payloads may be on their way from one source on one worker. A payload that
    /// is larger travels alone.
    #[must_use]
    pub fn in_flight(mut self, bytes: NonZeroUsize) -> Self {
        self.in_flight = bytes.get();
        self
    }
}

impl ExecutorSpec for Threads {
    fn build(&self, job: Job) -> Result<Box<dyn Executor>> {
        Ok(Box::new(TimelyExecutor::start(job, self.count.get(), self.in_flight)?))
    }

    fn workers(&self) -> NonZeroUsize {
        self.count
    }
}
