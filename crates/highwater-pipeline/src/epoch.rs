//! The life of one epoch: plan, run, prepare, commit, finish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use highwater_checkpoint::{Prepared, RecordId, Share, SinkShare, StateManifest, StepState};
use highwater_core::{
    Digest, Epoch, EpochPlan, Error, ErrorKind, Failpoint, Level, Name, Planned, Positions, Result,
    SourcePlan,
};
use tokio::time::Instant;

use crate::ahead::Behind;
use crate::driver::Driver;
use crate::planning::Planning;
use crate::progress::Accounting;
use crate::{
    Durations, Event, EventTimeProgress, Idle, Outcome, Progress, SinkProgress, SourceCounts,
    SourceProgress, StateOperatorProgress,
};

/// Below this many records the share of rejected ones says nothing.
const RATIO_NEEDS: u64 = 100;

/// How long there is nothing to read before that is told, again and again, in microseconds.
///
/// Source: Spark's `spark.sql.streaming.noDataProgressEventInterval`.
const IDLE_EVERY: i64 = 10_000_000;

/// Whether a plan was prepared before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// It was not: the epoch may still be refused.
    First,
    /// It was: what it rejects was accepted then.
    Again,
}

impl Driver<'_> {
    /// Runs the next epoch from its plan to its last commit.
    pub(crate) async fn epoch(&mut self, planning: Planning, behind: Behind) -> Result<()> {
        let began = Instant::now();
        let mut took = Durations { latest_offset: millis(planning.took), ..Durations::default() };
        // While the epoch before ran, nobody waited for the plan.
        let waited = if planning.submitted.is_some() { Duration::ZERO } else { planning.took };
        let (plan, outcome) = timed(&mut took.add_batch, self.run_plan(&planning, behind)).await?;
        let id = RecordId { epoch: plan.epoch, attempt: 0 };
        let record = self.record(id, &plan, &outcome, Vec::new());
        let digest = timed(&mut took.wal_commit, self.prepare(&record)).await?;
        timed(&mut took.commit_batch, self.commit_all(&record, digest)).await?;
        took.trigger_execution = millis(began.elapsed() + waited);

        self.positions = plan.positions();
        self.event_time.passed(&plan, &outcome);
        self.next = plan.epoch.next();
        self.quiet_since = self.options.clock.now();
        let progress = self.progress(&record, &outcome, planning.planned, took);
        self.shared.tell(Event::Progress(Box::new(progress)));
        self.finish().await
    }

    /// Lets the executor run what was planned, unless it does so already.
    async fn run_plan(
        &mut self,
        planning: &Planning,
        behind: Behind,
    ) -> Result<(Arc<EpochPlan>, Outcome)> {
        let plan = match &planning.submitted {
            Some(plan) => Arc::clone(plan),
            None => {
                let plan = Arc::new(self.make_plan(self.next, &self.positions, planning));
                self.executor().await?.submit(Arc::clone(&plan))?;
                plan
            }
        };
        let outcome = self.outcome(&plan, Run::First, behind).await?;
        Ok((plan, outcome))
    }

    pub(crate) fn make_plan(
        &self,
        epoch: Epoch,
        from: &BTreeMap<Name, Positions>,
        planning: &Planning,
    ) -> EpochPlan {
        let part = |(name, planned): (&Name, &Planned)| {
            let from = from.get(name).cloned().unwrap_or_default();
            let (ranges, gaps) = (planned.ranges.clone(), planned.gaps.clone());
            (name.clone(), SourcePlan { from, ranges, gaps })
        };
        let now = self.options.clock.now();
        let watermarks =
            if planning.last { self.event_time.end() } else { self.event_time.next(now) };
        EpochPlan {
            epoch,
            now,
            sources: planning.planned.iter().map(part).collect(),
            targets: self.targets(),
            watermarks,
            last: planning.last,
        }
    }

    pub(crate) fn targets(&self) -> BTreeMap<Name, highwater_core::Target> {
        self.sinks.iter().map(|sink| (sink.name.clone(), sink.committer.target())).collect()
    }

    /// The record of an epoch whose rows are staged for every sink.
    pub(crate) fn record(
        &self,
        id: RecordId,
        plan: &EpochPlan,
        outcome: &Outcome,
        replaces: Vec<Digest>,
    ) -> Prepared {
        let share = |(place, sink): (usize, &crate::driver::OpenSink)| {
            let staged = outcome.staged.get(&sink.name).cloned().unwrap_or_default();
            // The progress of a pipeline with state stands in the log alone.
            let moves = place == 0 && plan.moves() && !self.plan.graph().is_stateful();
            // The first commit of a sink claims its table, with or without rows.
            let commits = sink.on.follows.is_none() || moves || !staged.is_empty();
            let on = sink.on;
            let share = match commits {
                true => Share::Commit { on, staged },
                false => Share::Quiet { on },
            };
            SinkShare { sink: sink.name.clone(), share }
        };
        let records = self.records(outcome).map(|(name, it)| (name.clone(), it.records));
        Prepared {
            pipeline: self.plan.name().clone(),
            fingerprint: self.plan.fingerprint(),
            run: self.run.clone(),
            id,
            plan: plan.clone(),
            sinks: self.sinks.iter().enumerate().map(share).collect(),
            replaces,
            records: records.collect(),
            state: self.state_after(plan.epoch, outcome),
            observed: self.event_time.with(outcome),
        }
    }

    /// What was read of every source that has records. How often a table is read is no matter of the
    /// epoch.
    fn records<'o>(
        &self,
        outcome: &'o Outcome,
    ) -> impl Iterator<Item = (&'o Name, &'o SourceCounts)> {
        let is_table =
            |name: &Name| self.sources.get(name).is_some_and(|source| source.is_versioned());
        outcome.sources.iter().filter(move |(name, _)| !is_table(name))
    }

    /// The state behind an epoch; none when no step keeps any.
    fn state_after(&self, epoch: Epoch, outcome: &Outcome) -> Option<StateManifest> {
        let step = |(name, step): (&Name, &StepState)| {
            let said = outcome.tables.get(name).cloned();
            let description = step.description.clone();
            (name.clone(), StepState { description, tables: said.unwrap_or_default() })
        };
        let steps = self.steps.iter().map(step).collect();
        let next = || self.state.next(epoch, self.levels.of(epoch), &outcome.saved, steps);
        (!self.steps.is_empty()).then(next)
    }

    /// Writes the record that decides.
    #[tracing::instrument(name = "prepare", skip_all, fields(attempt = record.id.attempt))]
    pub(crate) async fn prepare(&mut self, record: &Prepared) -> Result<Digest> {
        self.options.failpoints.hit(Failpoint::BeforePrepare)?;
        let digest = self.log.append(record, self.newest).await?;
        self.newest = Some(record.id);
        self.state = record.state.clone().unwrap_or_default();
        self.options.failpoints.hit(Failpoint::Prepared)?;
        Ok(digest)
    }

    /// A schema mistake rejects everything: stop before it is committed as if it were data.
    pub(crate) fn check_rejected(&self, sources: &BTreeMap<Name, SourceCounts>) -> Result<()> {
        for (source, counts) in sources {
            if counts.records < RATIO_NEEDS {
                continue;
            }
            #[allow(clippy::cast_precision_loss, reason = "a ratio of counts below 2^52")]
            let ratio = counts.rejected as f64 / counts.records as f64;
            if ratio > self.options.max_rejected_ratio {
                let (rejected, records) = (counts.rejected, counts.records);
                let what = format!(
                    "{rejected} of {records} records of source {source} were rejected, more than \
                     the ratio of {} allows; nothing of this epoch was committed",
                    self.options.max_rejected_ratio
                );
                return Err(Error::new(ErrorKind::Refused, "pipeline", what).advise(
                    "correct the declared columns or the producer, or raise --max-rejected-ratio",
                ));
            }
        }
        Ok(())
    }

    /// What may be left out: telling the sources, and trimming the log.
    #[tracing::instrument(name = "finish", skip_all)]
    pub(crate) async fn finish(&mut self) -> Result<()> {
        let failpoints = &self.options.failpoints;
        failpoints.hit(Failpoint::EpochCommitted)?;
        for (name, source) in &self.sources {
            let Some(upto) = self.positions.get(name) else { continue };
            if let Err(error) = source.committed(upto).await {
                tracing::warn!(source = %name, %error, "the source was not told of the commit");
            }
        }
        failpoints.hit(Failpoint::SourcesTold)?;
        if let Err(error) = self.log.trim().await {
            tracing::warn!(%error, "old records were not removed");
        }
        failpoints.hit(Failpoint::Trimmed)?;
        self.trim_state().await
    }

    /// Removes state that nothing names any more. That becomes so when a save took the place of many,
    /// and when a life dies.
    async fn trim_state(&mut self) -> Result<()> {
        let level = self.next.previous().map_or(Level::EPOCH, |epoch| self.levels.of(epoch));
        if self.steps.is_empty() || (self.swept && level == Level::EPOCH) {
            return Ok(());
        }
        match self.log.trim_state(&self.run).await {
            Ok(()) => self.swept = true,
            Err(error) => tracing::warn!(%error, "old state was not removed"),
        }
        self.options.failpoints.hit(Failpoint::StateTrimmed)
    }

    /// Tells that there was nothing to read, and why, unless that was told a moment ago.
    pub(crate) fn tell_idle(&mut self, planning: Planning) {
        let now = self.options.clock.now();
        if now.0.saturating_sub(self.quiet_since.0) < IDLE_EVERY {
            return;
        }
        self.quiet_since = now;
        let sources = planning.planned.into_iter().map(|(name, planned)| {
            let nowhere = Positions::default();
            let at = self.positions.get(&name).unwrap_or(&nowhere);
            SourceProgress::new(self.described(name), (at, at), SourceCounts::default(), planned)
        });
        let (name, run_id, sources) =
            (self.plan.name().clone(), self.run.clone(), sources.collect());
        self.shared.tell(Event::Idle(Idle { name, run_id, timestamp: now, sources }));
    }

    fn described(&self, name: Name) -> (Name, String) {
        let description = self.sources.get(&name).map(|source| source.describe());
        (name, description.unwrap_or_default())
    }

    fn progress(
        &self,
        record: &Prepared,
        outcome: &Outcome,
        planned: BTreeMap<Name, Planned>,
        took: Durations,
    ) -> Progress {
        let accounting = Accounting::sum(self.records(outcome).map(|(_, counts)| counts));
        let mut sinks = record.sinks.iter().zip(&self.sinks).map(|(share, open)| {
            let counts = share.share.counts();
            SinkProgress {
                name: open.name.clone(),
                description: open.description.clone(),
                num_output_rows: counts.rows,
                num_output_bytes: counts.bytes,
                num_output_files: counts.files,
                committed: matches!(share.share, Share::Commit { .. }),
            }
        });
        let sink = sinks.next();
        let sources = planned.into_iter().filter_map(|(name, planned)| {
            let part = record.plan.sources.get(&name)?;
            let counts = outcome.sources.get(&name).copied().unwrap_or_default();
            let offsets = (&part.from, &part.to());
            Some(SourceProgress::new(self.described(name), offsets, counts, planned))
        });
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = accounting.records as f64 * 1000.0 / took.trigger_execution.max(1) as f64;
        Progress {
            name: self.plan.name().clone(),
            run_id: self.run.clone(),
            batch_id: record.id.epoch,
            timestamp: record.plan.now,
            num_input_rows: accounting.records,
            processed_rows_per_second: rate,
            duration_ms: took,
            event_time: EventTimeProgress::new(&record.plan, outcome),
            sources: sources.collect(),
            state_operators: self
                .steps
                .keys()
                .map(|step| StateOperatorProgress::new(step, outcome))
                .collect(),
            sink,
            side_sinks: sinks.collect(),
            accounting,
        }
    }
}

async fn timed<T>(took: &mut u64, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    *took = millis(began.elapsed());
    done
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
