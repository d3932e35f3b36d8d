//! The commit rule under every interleaving of two instances, a network, other writers and a person.
//!
//! Two instances of one pipeline prepare and commit the same epochs to one table, each commit by
//! the production [`CommitMachine`](highwater_core::CommitMachine). A request may be applied and answered, applied with its answer
//! lost, applied late, after its sender gave up and went on, or never. An answer that is lost is a
//! time-out after which the request is applied before anything else happens, so one step for both.

#![expect(
    clippy::indexing_slicing,
    reason = "every index comes from an enumeration of the same list"
)]

use std::collections::BTreeSet;

use highwater_core::Move;
use stateright::{Model, Property};

use super::contender::{Attempt, CommitWorld, Stage, Why};

/// How an instance decides. All but the first are broken, each as some published sink was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Design {
    /// The commit machine judges the very base that the swap names.
    Sound,
    /// A library's loop moves the commit to the newest base; the marker is read at a restart only.
    RebaseBlindly,
    /// As [`RebaseBlindly`](Self::RebaseBlindly), but the marker is read when an answer is unknown.
    AskWhenUnknown,
    /// The marker stands in a snapshot's summary only, and expiry removes it.
    SummaryOnly,
    /// Every swap is strict, and the marker is read before the base is.
    CheckThenLoad,
    /// What stands in the table is judged without asking whether somebody set it back.
    StandingOnly,
}

/// Whose log the two instances write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Logs {
    /// One for both: put-if-absent decides which of them prepares an epoch.
    Shared,
    /// One for each: nothing but the table decides.
    Own,
}

/// How far the search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Epochs of the pipeline.
    pub epochs: u64,
    /// Swaps of one commit.
    pub attempts: u32,
    /// Crashes and restarts of each instance.
    pub crashes: u8,
    /// Commits of somebody else.
    pub foreign: u8,
    /// Expiries of all snapshots but the head.
    pub expiries: u8,
    /// Rollbacks by one commit.
    pub rollbacks: u8,
}

/// A model of the commit rule.
#[derive(Clone, Debug)]
pub struct CommitModel {
    /// How the instances decide.
    pub design: Design,
    /// Whose log they write.
    pub logs: Logs,
    /// How far the search goes.
    pub bounds: Bounds,
    /// How many instances there are.
    pub writers: usize,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An instance starts and reads its log, or its table when the log is empty.
    Start(usize),
    /// It prepares its next epoch.
    Prepare(usize),
    /// It loads the table, or only the marker where the design does so.
    Load(usize),
    /// It takes the head as its base without another look at the marker.
    Rebase(usize),
    /// Its swap is applied or refused, and it learns which.
    Answer(usize),
    /// It gives up waiting; the request stays on the wire.
    TimeOut(usize),
    /// It dies; a request that it may have sent stays on the wire.
    Crash(usize),
    /// A person lets it go on from a table that was rolled back.
    Accept(usize),
    /// A request on the wire is applied.
    Late(usize),
    /// Somebody else commits.
    Foreign,
    /// Somebody expires all snapshots but the head.
    Expire,
    /// Somebody sets the table back by one commit.
    RollBack,
}

impl Model for CommitModel {
    type State = CommitWorld;
    type Action = Step;

    fn init_states(&self) -> Vec<CommitWorld> {
        vec![CommitWorld::new(self)]
    }

    fn actions(&self, world: &CommitWorld, steps: &mut Vec<Step>) {
        for (at, writer) in world.writers.iter().enumerate() {
            match &writer.stage {
                Stage::Down => steps.push(Step::Start(at)),
                Stage::Ready(_) => steps.push(Step::Prepare(at)),
                Stage::Committing(Attempt { machine, base, .. }) => {
                    match (machine.next_move(), base) {
                        (Move::Swap, Some(_)) => {
                            steps.extend([Step::Answer(at), Step::TimeOut(at)]);
                        }
                        (Move::Swap, None) => steps.push(Step::Rebase(at)),
                        _ => steps.push(Step::Load(at)),
                    }
                }
                Stage::Stopped(Why::RolledBack) => steps.push(Step::Accept(at)),
                Stage::Stopped(_) => {}
            }
            let finished = writer.stage == Stage::Stopped(Why::Finished);
            if writer.crashes > 0 && writer.stage != Stage::Down && !finished {
                steps.push(Step::Crash(at));
            }
        }
        steps.extend((0..world.wire.len()).map(Step::Late));
        if world.foreign > 0 {
            steps.push(Step::Foreign);
        }
        // A rollback that is followed by commits of others and then by an expiry of everything
        // else leaves no trace. Nobody can see it, so it is no part of the promise.
        let hides = world.table.rolled_back().is_some() && world.table.foreign_head();
        if world.expiries > 0 && world.table.has_past() && !hides {
            steps.push(Step::Expire);
        }
        if world.rollbacks > 0 && world.table.has_past() {
            steps.push(Step::RollBack);
        }
    }

    fn next_state(&self, world: &CommitWorld, step: Step) -> Option<CommitWorld> {
        let mut world = world.clone();
        match step {
            Step::Start(writer) => self.start(&mut world, writer),
            Step::Prepare(writer) => self.prepare(&mut world, writer),
            Step::Load(writer) => self.load(&mut world, writer),
            Step::Rebase(writer) => {
                let version = world.table.version;
                world.writers[writer].attempt()?.base = Some(version);
            }
            Step::Answer(writer) => self.answer(&mut world, writer),
            Step::TimeOut(writer) => {
                world.wire.extend(world.writers[writer].request());
                self.unresolved(&mut world.writers[writer], true);
            }
            Step::Crash(writer) => {
                world.wire.extend(world.writers[writer].request());
                world.writers[writer].stage = Stage::Down;
                world.writers[writer].crashes -= 1;
            }
            Step::Accept(writer) => self.accept(&mut world, writer),
            Step::Late(at) => {
                let request = *world.wire.iter().nth(at)?;
                world.wire.remove(&request);
                world.apply(request);
            }
            Step::Foreign => {
                world.foreign -= 1;
                world.table.append(None);
            }
            Step::Expire => {
                world.expiries -= 1;
                world.table.expire();
            }
            Step::RollBack => {
                world.rollbacks -= 1;
                world.table.roll_back();
            }
        }
        world.forget_losers();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("no epoch twice", |_, world: &CommitWorld| {
                let mut seen = BTreeSet::new();
                world.epochs().all(|epoch| seen.insert(epoch))
            }),
            Property::always("no epoch skipped", |_, world: &CommitWorld| {
                let mut next = 0;
                world.epochs().all(|epoch| {
                    let follows = (next..epoch).all(|skipped| world.table.took_out(skipped));
                    let ascends = epoch >= next;
                    next = epoch + 1;
                    follows && ascends
                })
            }),
            Property::always("believed means committed", |_, world: &CommitWorld| {
                let mut believed = world.writers.iter().filter_map(|writer| writer.believes);
                believed.all(|marker| world.table.ever_held(marker))
            }),
            Property::always(
                "no commit on a rolled back table without a choice",
                |_, world: &CommitWorld| !world.defied,
            ),
            Property::sometimes("everything is committed", |model: &Self, world: &CommitWorld| {
                world.epochs().eq(0..model.bounds.epochs)
            }),
            Property::sometimes(
                "a lost answer is looked for and there",
                |_, world: &CommitWorld| {
                    world.writers.iter().any(|writer| match &writer.stage {
                        Stage::Committing(Attempt { machine, .. }) => {
                            machine.next_move() == Move::Load
                                && world.table.ever_held(machine.rule().mine)
                        }
                        _ => false,
                    })
                },
            ),
        ];
        if self.writers > 1 {
            all.push(Property::sometimes("an instance is fenced", |_, world: &CommitWorld| {
                world.stopped(Why::Fenced)
            }));
        }
        if self.bounds.rollbacks > 0 {
            all.push(Property::sometimes("a rollback is refused", |_, world: &CommitWorld| {
                world.stopped(Why::RolledBack)
            }));
            all.push(Property::sometimes(
                "a choice lets it go on",
                |model: &Self, world: &CommitWorld| {
                    let last = model.bounds.epochs - 1;
                    world.table.took_out(last - 1) && world.epochs().last() == Some(last)
                },
            ));
        }
        all
    }
}
