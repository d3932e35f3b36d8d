//! The data plane as the driver sees it.

use std::sync::Arc;

use async_trait::async_trait;
use highwater_core::{EpochPlan, Result};

use crate::Outcome;

/// Runs plans. Takes no decision: what an epoch reads and when it is stands in the plan.
#[async_trait(?Send)]
pub trait Executor {
    /// Takes the plan of the next epoch.
    ///
    /// # Errors
    /// `Internal` when an epoch is running.
    fn submit(&mut self, plan: Arc<EpochPlan>) -> Result<()>;

    /// Waits until every file of the submitted epoch is durable.
    ///
    /// # Errors
    /// Any error is final: the executor is dropped, and nothing of the epoch is committed.
    async fn next(&mut self) -> Result<Outcome>;
}
