//! The control plane: one life of a pipeline from its start to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use highwater_checkpoint::{Levels, Log, RecordId, StateManifest, StepState};
use highwater_core::{
    Committer, Epoch, Error, ErrorKind, Footing, Name, Positions, Result, SinkContext, Source,
    StateRoom, Timestamp,
};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::event_time::EventTime;
use crate::handle::Shared;
use crate::planning::Planning;
use crate::state::{self, SpillDirectory};
use crate::supervisor::Life;
use crate::{Executor, Job, Options, Plan, State, StateStore, Trigger, meters};

/// How often a running driver looks at every table, quiet ones too.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60);

/// One life of a pipeline.
pub(crate) struct Driver<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a Options,
    pub(crate) shared: &'a Shared,
    /// Names this life in every file and record.
    pub(crate) run: String,
    pub(crate) log: Log,
    /// None before it is needed: it begins with the state of one epoch.
    pub(crate) executor: Option<Box<dyn Executor>>,
    /// What the executor has beside memory. Dropped after it.
    pub(crate) spill: Option<SpillDirectory>,
    /// The steps that keep state.
    pub(crate) steps: BTreeMap<Name, StepState>,
    /// The state before the next epoch.
    pub(crate) state: StateManifest,
    /// At which levels the epochs save.
    pub(crate) levels: Levels,
    /// What earlier lives left of state was removed.
    pub(crate) swept: bool,
    pub(crate) sources: BTreeMap<Name, Arc<dyn Source>>,
    /// In the order of their commit.
    pub(crate) sinks: Vec<OpenSink>,
    pub(crate) positions: BTreeMap<Name, Positions>,
    pub(crate) event_time: EventTime,
    pub(crate) next: Epoch,
    /// What the sources answered for the next epoch, when the executor has its plan already.
    pub(crate) ahead: Option<Planning>,
    /// The epoch before the next was the last of all.
    pub(crate) ended: bool,
    /// The record that the log ends with.
    pub(crate) newest: Option<RecordId>,
    pub(crate) looked: Instant,
    /// When something was last told: an epoch, or that there is nothing to read.
    pub(crate) quiet_since: Timestamp,
}

/// What came of asking the sources once.
struct Turn {
    /// They had something.
    reads: bool,
    /// They had something, or event time has moved, so there was an epoch.
    moves: bool,
    /// They have more behind it.
    behind: bool,
    /// All of them are bounded and have come to their ends.
    ended: bool,
    /// The epoch is committed.
    committed: bool,
}

/// A sink whose table is open.
pub(crate) struct OpenSink {
    pub(crate) name: Name,
    pub(crate) description: String,
    pub(crate) committer: Box<dyn Committer>,
    /// What stands in the table.
    pub(crate) on: Footing,
}

impl<'a> Driver<'a> {
    /// Opens every table.
    pub(crate) async fn open(
        plan: &'a Plan,
        options: &'a Options,
        shared: &'a Shared,
    ) -> Result<Self> {
        shared.set_state(State::Starting);
        meters::life(plan.name(), plan.graph().sinks().into_iter().map(|(_, name, ..)| name));
        let run = uuid::Uuid::now_v7().simple().to_string();
        let graph = plan.shared_graph();
        let mut sinks = Vec::new();
        for (_, name, sink, input) in graph.sinks() {
            let committer = sink
                .open(&SinkContext {
                    pipeline: plan.name().clone(),
                    sink: name.clone(),
                    input: input.clone(),
                    run: run.clone(),
                    failpoints: options.failpoints.clone(),
                })
                .await?;
            let (name, description) = (name.clone(), sink.describe());
            sinks.push(OpenSink { name, description, committer, on: Footing::default() });
        }
        let source =
            |(_, name, source): (_, &Name, &Arc<dyn Source>)| (name.clone(), Arc::clone(source));
        Ok(Self {
            executor: None,
            spill: options
                .state_spill
                .as_ref()
                .map(|it| SpillDirectory::new(it, plan.name(), &run)),
            steps: state::declared(&graph)?,
            state: StateManifest::default(),
            levels: Levels::default(),
            swept: false,
            sources: graph.sources().map(source).collect(),
            positions: graph
                .sources()
                .map(|(_, name, _)| (name.clone(), Positions::default()))
                .collect(),
            event_time: EventTime::new(&graph, options),
            log: Log::new(options.checkpoint.clone()),
            plan,
            options,
            shared,
            run,
            sinks,
            next: Epoch(0),
            ahead: None,
            ended: false,
            newest: None,
            looked: Instant::now(),
            quiet_since: options.clock.now(),
        })
    }

    /// The executor, which has taken up the state before the next epoch.
    pub(crate) async fn executor(&mut self) -> Result<&mut (dyn Executor + 'static)> {
        if self.executor.is_none() {
            self.levels = Levels::new(self.next, &self.state);
            self.executor = Some(self.begin_executor().await?);
        }
        let executor = self.executor.as_deref_mut();
        executor.ok_or_else(|| Error::new(ErrorKind::Internal, "pipeline", "there is no executor"))
    }

    async fn begin_executor(&self) -> Result<Box<dyn Executor>> {
        let room = StateRoom {
            bytes: self.options.state_memory,
            spill: self.spill.as_ref().map(SpillDirectory::path),
        };
        let checkpoint = self.options.checkpoint.clone();
        let saved = match StateStore::open(checkpoint, &self.state, self.levels).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return Err(self.overtaken().await?.unwrap_or(error));
            }
            opened => opened?,
        };
        self.options.executor.build(Job {
            plan: self.plan.clone(),
            run: self.run.clone(),
            failpoints: self.options.failpoints.clone(),
            runtime: tokio::runtime::Handle::current(),
            state: saved.with_room(room),
        })
    }

    /// What is wrong when state is missing because another instance went on, and removed what its own
    /// records no longer name.
    async fn overtaken(&self) -> Result<Option<Error>> {
        let newest = self.log.newest().await?.map(|head| head.record.id);
        if newest == self.newest {
            return Ok(None);
        }
        let location = self.log.location();
        let what =
            format!("another instance went on in {location} and removed the state before it");
        Ok(Some(Error::new(ErrorKind::Fenced, "pipeline", what)))
    }

    /// Runs epochs until the trigger, a bounded source or a stop ends them.
    pub(crate) async fn run(&mut self, life: &mut Life) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        match self.options.trigger {
            Trigger::Every(interval) => self.run_every(interval, life).await,
            Trigger::AvailableNow => self.run_to_the_end(life).await.map(|_| ()),
            Trigger::Drain => self.drain(life).await,
        }
    }

    async fn run_every(&mut self, interval: Duration, life: &mut Life) -> Result<()> {
        let mut tick = Instant::now();
        while !self.shared.is_stopping() {
            let Some(turn) = self.turn(None, life).await? else { return Ok(()) };
            if turn.ended {
                return Ok(());
            }
            if !turn.moves || !turn.behind || self.is_limited() {
                tick = next_tick(tick, interval);
                self.wait_until(tick).await;
                self.look_at_tables().await?;
            }
        }
        Ok(())
    }

    /// Runs what is there, then at most one epoch without data. Says whether all of it is done.
    async fn run_to_the_end(&mut self, life: &mut Life) -> Result<bool> {
        life.epoch = Some(self.next);
        let ends = tokio::select! {
            ends = self.ends() => ends?,
            () = self.shared.stopping() => return Ok(false),
        };
        while !self.shared.is_stopping() {
            let Some(turn) = self.turn(Some(ends), life).await? else { return Ok(false) };
            if !turn.reads {
                return Ok(turn.committed || !turn.moves);
            }
        }
        Ok(false)
    }

    /// Runs what is there, and then the epoch in which event time ends.
    async fn drain(&mut self, life: &mut Life) -> Result<()> {
        if self.run_to_the_end(life).await? && !self.shared.is_stopping() {
            life.epoch = Some(self.next);
            let planning = self.last_planning().await?;
            self.run_epoch(planning, life).await?;
        }
        Ok(())
    }

    /// Asks the sources, and runs an epoch if they have something. None when a stop comes first.
    async fn turn(
        &mut self,
        until: Option<&BTreeMap<Name, Positions>>,
        life: &mut Life,
    ) -> Result<Option<Turn>> {
        let pipeline = self.plan.name();
        let (epoch, run) = (self.next.0, &self.run);
        let span = tracing::info_span!("epoch", %pipeline, epoch, run, outcome = Empty);
        let turn = self.ask_and_run(until, life).instrument(span.clone()).await;
        let outcome = match &turn {
            Ok(Some(turn)) if !turn.moves => "idle",
            Ok(Some(turn)) if turn.committed => "committed",
            Ok(_) => "abandoned",
            Err(error) => meters::word(error.kind()),
        };
        span.record("outcome", outcome);
        if let "idle" | "committed" = outcome {
            meters::succeeded(pipeline, self.options.clock.now());
        }
        turn
    }

    async fn ask_and_run(
        &mut self,
        until: Option<&BTreeMap<Name, Positions>>,
        life: &mut Life,
    ) -> Result<Option<Turn>> {
        let Some(planning) = self.next_planning(until, life).await? else { return Ok(None) };
        let (reads, behind, ended) = (planning.reads, planning.is_behind(), planning.ended);
        let now = self.options.clock.now();
        self.event_time.look(&planning.planned, &self.positions, now);
        let moves = reads || self.event_time.moves(now);
        let committed = if moves {
            self.run_epoch(planning, life).await?
        } else {
            self.tell_idle(planning);
            false
        };
        Ok(Some(Turn { reads, moves, behind, ended, committed }))
    }

    /// Runs one epoch unless a stop comes and the epoch does not end in time. What is abandoned
    /// before its record never happened; later, the next start finishes it. Says whether it ended.
    async fn run_epoch(&mut self, planning: Planning, life: &mut Life) -> Result<bool> {
        let (shared, grace) = (self.shared, self.options.stop_within);
        let patience = async {
            shared.stopping().await;
            tokio::time::sleep(grace).await;
        };
        self.shared.set_state(State::Running(self.next));
        let behind = self.behind(&planning, life);
        let committed = tokio::select! {
            done = self.epoch(planning, behind) => {
                done?;
                life.committed = true;
                true
            }
            () = patience => {
                tracing::warn!(pipeline = %self.plan.name(), "epoch abandoned by a stop");
                false
            }
        };
        self.shared.set_state(State::Waiting);
        Ok(committed)
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.options.max_records.is_some() || self.options.max_bytes.is_some()
    }

    async fn wait_until(&self, tick: Instant) {
        self.shared.set_state(State::Waiting);
        tokio::select! {
            () = tokio::time::sleep_until(tick) => {}
            () = self.shared.stopping() => {}
        }
    }

    /// Now and then reads every marker, so that a rollback or another instance shows on quiet
    /// tables too.
    async fn look_at_tables(&mut self) -> Result<()> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        for sink in &mut self.sinks {
            if sink.committer.load().await?.footing() != sink.on {
                let name = &sink.name;
                let what = format!("the marker of sink {name} changed while it was quiet");
                return Err(Error::new(ErrorKind::Transient, "pipeline", what));
            }
        }
        Ok(())
    }
}

/// The first multiple of `interval` after `last` that has not passed.
fn next_tick(last: Instant, interval: Duration) -> Instant {
    let now = Instant::now();
    let next = last + interval;
    if next >= now { next } else { now }
}
