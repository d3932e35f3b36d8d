//! The start of a life: what the last one left, and how to go on from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_checkpoint::{Head, Log, Pending, Resume, Rewritten, StateManifest, Stop, decide};
use highwater_core::{
    Epoch, EpochPlan, Error, ErrorKind, Failpoint, Footing, Found, Limits, Name, Result,
};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::ahead::Behind;
use crate::commit::rolled_back;
use crate::driver::Driver;
use crate::epoch::Run;
use crate::supervisor::Life;
use crate::{Began, Event, meters};

/// The word for what a start does, and whether an epoch has to be committed first.
fn decision(resume: &Resume) -> (&'static str, bool) {
    match resume {
        Resume::Fresh => ("fresh", false),
        Resume::Next { .. } => ("next", false),
        Resume::Finish(_) => ("finish", true),
        Resume::Rerun(_) => ("rerun", true),
    }
}

impl Driver<'_> {
    /// Finds out where the pipeline stands, and brings every table to the same epoch.
    pub(crate) async fn recover(&mut self, life: &mut Life) -> Result<()> {
        let (pipeline, run) = (self.plan.name(), &self.run);
        let span = tracing::info_span!("recover", %pipeline, run, decision = Empty, epoch = Empty);
        self.find_out(life, &span).instrument(span.clone()).await
    }

    async fn find_out(&mut self, life: &mut Life, span: &Span) -> Result<()> {
        let head = self.log.newest().await?;
        self.options.failpoints.hit(Failpoint::RecoverLogRead)?;
        if let Some(head) = &head {
            check_owner(&self.log, head, self.plan.name())?;
            self.newest = Some(head.record.id);
            life.epoch = Some(head.record.id.epoch);
        }
        let found = self.read_markers().await?;
        self.options.failpoints.hit(Failpoint::RecoverMarkersRead)?;
        let resume = match decide(head.as_ref(), &found, self.options.on_rollback, &self.steps) {
            // A live instance may have committed between the two readings.
            Err(Stop::SideAhead { .. }) => {
                let again = self.read_markers().await?;
                decide(None, &again, self.options.on_rollback, &self.steps)
            }
            decided => decided,
        };
        let resume = resume.map_err(|stop| self.stopped(stop))?;
        let known_from = match &head {
            Some(_) => format!("the checkpoint {}", self.log.location()),
            None => "the marker in the table; the checkpoint is empty".to_owned(),
        };
        if let Resume::Rerun(rewritten) = &resume {
            life.epoch = Some(rewritten.id.epoch);
        }
        let (decision, unfinished) = decision(&resume);
        span.record("decision", decision);
        if let (true, Some(epoch)) = (unfinished, life.epoch) {
            span.record("epoch", epoch.0);
        }
        self.go_on(head.as_ref(), resume).await?;
        if self.ended && !unfinished {
            return Err(self.has_ended());
        }
        self.options.failpoints.hit(Failpoint::RecoverDone)?;
        life.epoch = None;
        if unfinished {
            meters::recovered(self.plan.name());
        }
        let after = self.next.previous();
        let pipeline = self.plan.name();
        match after {
            None => tracing::info!(%pipeline, "begins anew"),
            Some(after) => tracing::info!(%pipeline, after = after.0, known_from, "resumes"),
        }
        let positions = self.positions.clone();
        self.shared.tell(Event::Began(Began { after, known_from, positions }));
        Ok(())
    }

    async fn go_on(&mut self, head: Option<&Head>, resume: Resume) -> Result<()> {
        match (resume, head) {
            (Resume::Fresh, _) => Ok(()),
            (Resume::Next { last, plan, standing }, head) => {
                self.stand(&standing);
                self.go_behind(&plan, head);
                self.next = last.next();
                self.check_sources()
            }
            (Resume::Finish(pending), Some(head)) => self.complete(head, pending).await,
            (Resume::Finish(_), None) => {
                Err(Error::new(ErrorKind::Internal, "pipeline", "an epoch without its record"))
            }
            (Resume::Rerun(rewritten), head) => self.run_again(rewritten, head).await,
        }
    }

    /// Takes up where sources and event time stand behind an epoch.
    fn go_behind(&mut self, plan: &EpochPlan, head: Option<&Head>) {
        let observed = head.map(|head| head.record.observed.clone()).unwrap_or_default();
        self.positions = plan.positions();
        self.state = head.and_then(|head| head.record.state.clone()).unwrap_or_default();
        self.event_time.resume(plan, observed);
        self.ended = plan.last;
    }

    fn has_ended(&self) -> Error {
        let pipeline = self.plan.name();
        let what = format!("pipeline {pipeline} was drained: it has come to its end for good");
        Error::new(ErrorKind::Refused, "checkpoint", what)
            .advise("begin anew under another pipeline name, with a checkpoint of its own")
    }

    /// Commits what the last life had prepared.
    async fn complete(&mut self, head: &Head, pending: Pending) -> Result<()> {
        for sink in &mut self.sinks {
            let lacks = pending.lacking.contains(&sink.name);
            let share = head.record.sinks.iter().find(|share| share.sink == sink.name);
            let staged = share.filter(|_| lacks).map_or(&[][..], |share| share.share.staged());
            if !sink.committer.check(staged).await? {
                let epoch = head.record.id.epoch.0;
                tracing::warn!(sink = %sink.name, epoch, "staged files are gone: the plan is run again");
                return self.run_again(pending.rerun(head), Some(head)).await;
            }
        }
        self.options.failpoints.hit(Failpoint::RecoverFilesChecked)?;
        self.stand(&pending.standing);
        self.commit_all(&head.record, head.digest).await?;
        self.go_behind(&head.record.plan, Some(head));
        self.next = head.record.id.epoch.next();
        self.check_sources()
    }

    /// Runs the plan of an epoch again and commits it where it lacks.
    async fn run_again(&mut self, rewritten: Rewritten, head: Option<&Head>) -> Result<()> {
        self.stand(&rewritten.standing);
        let mut plan = rewritten.plan;
        self.go_behind(&plan, head);
        self.check_sources()?;
        self.check_ranges(&plan).await?;
        plan.targets = self.targets();
        self.state = self.state_before(plan.epoch).await?;
        let plan = Arc::new(plan);
        self.executor().await?.submit(Arc::clone(&plan))?;
        let mut outcome = self.outcome(&plan, Run::Again, Behind::Nothing).await?;
        self.options.failpoints.hit(Failpoint::RecoverFilesChecked)?;
        outcome.staged.retain(|sink, _| rewritten.lacking.contains(sink));
        let mut record = self.record(rewritten.id, &plan, &outcome, rewritten.replaces);
        record.hold_still(&rewritten.lacking);
        let digest = self.prepare(&record).await?;
        self.commit_all(&record, digest).await?;
        self.event_time.passed(&plan, &outcome);
        self.next = plan.epoch.next();
        Ok(())
    }

    /// The state that an epoch is run again on: that of the record before.
    async fn state_before(&self, epoch: Epoch) -> Result<StateManifest> {
        let Some(previous) = epoch.previous().filter(|_| !self.steps.is_empty()) else {
            return Ok(StateManifest::default());
        };
        let before = self.log.newest_before(epoch).await?;
        let before = before.filter(|head| head.record.id.epoch == previous);
        match before.and_then(|head| head.record.state) {
            Some(state) => Ok(state),
            None => {
                let location = self.log.location();
                let what = format!(
                    "epoch {epoch} has to be run again, and the record of epoch {previous} with the \
                     state before it is no longer in {location}"
                );
                Err(Error::new(ErrorKind::Refused, "checkpoint", what).advise(
                    "restore the checkpoint from a copy, or begin anew under another pipeline name",
                ))
            }
        }
    }

    async fn read_markers(&mut self) -> Result<Vec<(Name, Found)>> {
        let mut found = Vec::new();
        for sink in &mut self.sinks {
            found.push((sink.name.clone(), sink.committer.load().await?));
        }
        Ok(found)
    }

    fn stand(&mut self, standing: &BTreeMap<Name, Footing>) {
        for sink in &mut self.sinks {
            sink.on = standing.get(&sink.name).copied().unwrap_or_default();
        }
    }

    /// Lets every source say whether what a former run planned is still its own, and still there.
    async fn check_ranges(&self, plan: &EpochPlan) -> Result<()> {
        for (name, part) in &plan.sources {
            if let Some(source) = self.sources.get(name) {
                let from = if source.is_versioned() { part.to() } else { part.from.clone() };
                source.plan(&from, Some(&from), &Limits::default()).await?;
            }
        }
        Ok(())
    }

    /// Positions are kept by the names of sources, so a renamed source would begin anew.
    fn check_sources(&self) -> Result<()> {
        let known = self.positions.keys().all(|name| self.sources.contains_key(name));
        if known && self.positions.len() == self.sources.len() {
            return Ok(());
        }
        let join = |names: Vec<&str>| names.join(", ");
        let stop = Stop::OtherPipeline {
            what: "sources",
            then: join(self.positions.keys().map(Name::as_str).collect()),
            today: join(self.sources.keys().map(Name::as_str).collect()),
        };
        Err(self.stopped(stop))
    }

    fn stopped(&self, stop: Stop) -> Error {
        let (kind, advice) = match &stop {
            Stop::RolledBack { sink, held, found } => {
                return rolled_back(sink, Some(*held), *found);
            }
            Stop::Fenced { .. } => (
                ErrorKind::Fenced,
                "use the checkpoint of the instance that went on, or start on an empty one to \
                 resume from the table",
            ),
            Stop::SideAhead { .. } => (
                ErrorKind::Refused,
                "restore the checkpoint, or the primary table; otherwise begin anew under another \
                 pipeline name",
            ),
            Stop::NoState { .. } => (
                ErrorKind::Refused,
                "restore the checkpoint from a copy, or begin anew under another pipeline name and \
                 with other tables",
            ),
            Stop::OtherState { .. } => (
                ErrorKind::Refused,
                "go back to the former step or options, or begin anew with another checkpoint and \
                 other tables",
            ),
            Stop::NoPlan { .. } => {
                (ErrorKind::Refused, "restore the checkpoint, or begin anew under another name")
            }
            _ => (
                ErrorKind::Refused,
                "go back to the former names, or begin anew under another pipeline name",
            ),
        };
        Error::new(kind, "checkpoint", stop).advise(advice)
    }
}

/// A log belongs to one pipeline.
pub(crate) fn check_owner(log: &Log, head: &Head, me: &Name) -> Result<()> {
    let owner = &head.record.pipeline;
    if owner == me {
        return Ok(());
    }
    let what = format!("{} is the checkpoint of pipeline {owner}, not of {me}", log.location());
    Err(Error::new(ErrorKind::Refused, "checkpoint", what)
        .advise("give this pipeline a --checkpoint of its own"))
}
