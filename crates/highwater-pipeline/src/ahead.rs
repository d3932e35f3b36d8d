//! The plan of the next epoch, made and handed over while one runs.
//!
//! Readers then go on without a pause while the files of an epoch are closed and it is prepared and
//! committed. Nothing of the next one is prepared before this one is committed: whatever fails
//! before that ends the life, and the next life plans anew.

use std::pin::pin;
use std::sync::Arc;

use highwater_core::{EpochPlan, Error, ErrorKind, Result};

use crate::driver::Driver;
use crate::epoch::Run;
use crate::planning::Planning;
use crate::supervisor::Life;
use crate::{Executor, Outcome, Report, Trigger};

/// What runs behind an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing: it has to be over before the next is planned.
    Nothing,
    /// The next one.
    Next,
}

impl Driver<'_> {
    /// What may run behind an epoch: the next one, if it is known to follow at once and takes nothing
    /// from what this one finds out.
    ///
    /// The first epoch of a life runs alone. So one that fails each time does not keep the epoch
    /// before it from its commit, whose plan is made anew each time.
    pub(crate) fn behind(&self, planning: &Planning, life: &Life) -> Behind {
        let graph = self.plan.graph();
        let at_once = match self.options.trigger {
            Trigger::Every(_) => !self.is_limited(),
            Trigger::AvailableNow | Trigger::Drain => true,
        };
        let alone = graph.is_stateful() || graph.watermark_steps().next().is_some();
        let takes = self.executor.as_ref().is_some_and(|executor| executor.plans_ahead());
        let goes_on = life.committed && at_once && planning.is_behind();
        match goes_on && takes && !alone && !self.shared.is_stopping() {
            true => Behind::Next,
            false => Behind::Nothing,
        }
    }

    /// Waits for what becomes of the epoch that was submitted, and meanwhile hands the next plan over.
    #[tracing::instrument(name = "run", skip_all)]
    pub(crate) async fn outcome(
        &mut self,
        plan: &EpochPlan,
        run: Run,
        behind: Behind,
    ) -> Result<Outcome> {
        let executor = self.executor.take();
        let mut executor = executor
            .ok_or_else(|| Error::new(ErrorKind::Internal, "pipeline", "there is no executor"))?;
        let (outcome, ahead) = self.reports(executor.as_mut(), (plan, run), behind).await?;
        self.executor = Some(executor);
        self.ahead = ahead;
        outcome.balance()?;
        if outcome.saved.is_empty() && !self.steps.is_empty() {
            let unsaved = "an executor saved nothing of what steps keep";
            return Err(Error::new(ErrorKind::Internal, "pipeline", unsaved));
        }
        Ok(outcome)
    }

    async fn reports(
        &self,
        executor: &mut dyn Executor,
        (plan, run): (&EpochPlan, Run),
        behind: Behind,
    ) -> Result<(Outcome, Option<Planning>)> {
        let mut ahead = None;
        let mut planning = pin!(self.planning_behind(plan));
        let mut asks = behind == Behind::Next;
        loop {
            tokio::select! {
                report = executor.next() => {
                    if let Some(outcome) = self.take(report?, run)? {
                        return Ok((outcome, ahead));
                    }
                }
                next = &mut planning, if asks => {
                    asks = false;
                    if let Some((planning, plan)) = next {
                        executor.submit(plan)?;
                        ahead = Some(planning);
                    }
                }
            }
        }
    }

    fn take(&self, report: Report, run: Run) -> Result<Option<Outcome>> {
        match report {
            Report::Observed(sources) if run == Run::First => self.check_rejected(&sources)?,
            Report::Observed(_) => {}
            Report::Prepared(outcome) => return Ok(Some(outcome)),
        }
        Ok(None)
    }

    /// The plan behind an epoch, if there is something to read. What fails here is asked again, and told,
    /// when its time has come.
    async fn planning_behind(&self, plan: &EpochPlan) -> Option<(Planning, Arc<EpochPlan>)> {
        let from = plan.positions();
        let asked = self.planning(&from, self.shared.ends.get()).await;
        let mut planning = asked.ok().filter(|planning| planning.reads)?;
        let next = Arc::new(self.make_plan(plan.epoch.next(), &from, &planning));
        planning.submitted = Some(Arc::clone(&next));
        Some((planning, next))
    }
}
