//! The data plane as the driver sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use highwater_core::{EpochPlan, Failpoint, Failpoints, Name, Result};
use tokio::runtime::Handle;

use crate::{Outcome, Plan, SourceCounts, StateStore};

/// Runs plans. Takes no decision: what an epoch reads and when it is stands in the plan.
#[async_trait(?Send)]
pub trait Executor {
    /// Takes the plan of the next epoch.
    ///
    /// # Errors
    /// `Internal` when as many epochs are running as it takes: one, or two if it [plans
    /// ahead](Self::plans_ahead).
    fn submit(&mut self, plan: Arc<EpochPlan>) -> Result<()>;

    /// Whether it takes the plan of the next epoch while one runs, and goes on to it wherever it can. A
    /// call of [`next`](Self::next) may then be dropped, and loses no report.
    fn plans_ahead(&self) -> bool {
        false
    }

    /// Waits for the next report of the submitted epoch: one [`Report::Observed`], then one
    /// [`Report::Prepared`]. Those of the epoch behind it come after both.
    ///
    /// # Errors
    /// Any error is final: the executor is dropped, and nothing of the epoch is committed.
    async fn next(&mut self) -> Result<Report>;
}

/// How far an epoch has come on the data plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Every source has read its ranges to their ends. Steps and writers may still be at work.
    Observed(BTreeMap<Name, SourceCounts>),
    /// Every step and every writer of every worker is done, and every staged file is durable.
    Prepared(Outcome),
}

/// A way to run plans: on one thread, or on many. Makes one [`Executor`] for each life of a
/// pipeline.
///
/// Whatever it is, the tables come out the same; [`Inline`](crate::Inline) is what others are
/// compared with.
pub trait ExecutorSpec: Send + Sync + fmt::Debug {
    /// Makes the steps of the pipeline and whatever runs them.
    ///
    /// # Errors
    /// What a step reports when it is made and takes up its state, or `Transient` when the system has no
    /// room for threads.
    fn build(&self, job: Job) -> Result<Box<dyn Executor>>;

    /// How many workers share the records of an epoch. As long as the user sets no limit, each of them
    /// gets as many as one alone would.
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
}

/// What an executor is made for: one life of one pipeline.
#[derive(Clone, Debug)]
pub struct Job {
    /// The pipeline.
    pub plan: Plan,
    /// Names this life in every staged file.
    pub run: String,
    /// Where a test may make it fail.
    pub failpoints: Failpoints,
    /// The caller's runtime, for the I/O of sources and writers.
    pub runtime: Handle,
    /// Where steps keep their state. What was saved before is that of the epoch before the first one
    /// that is submitted.
    pub state: StateStore,
}

impl Job {
    /// To be called by each worker when its steps have taken up their state.
    ///
    /// # Errors
    /// What a failpoint makes up.
    pub fn restored(&self) -> Result<()> {
        match crate::state::stateful(self.plan.graph()).next() {
            Some(_) => self.failpoints.hit(Failpoint::StateRestored),
            None => Ok(()),
        }
    }
}
