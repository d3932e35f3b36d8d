//! One of two instances that commit: what it knows, and what each step makes of it.
#![expect(
    clippy::indexing_slicing,
    reason = "every index comes from an enumeration of the same list"
)]

use std::collections::BTreeSet;

use highwater_core::{CommitMachine, Digest, Ended, Epoch, Footing, MarkerId, Move, Rule};

use super::commit::{Bounds, CommitModel, Design, Logs};
use super::table::{Seen, Table, Written, held};

/// A state of a [`CommitModel`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitWorld {
    pub(super) table: Table,
    pub(super) logs: Vec<Vec<Record>>,
    pub(super) writers: Vec<Writer>,
    pub(super) wire: BTreeSet<Request>,
    pub(super) foreign: u8,
    pub(super) expiries: u8,
    pub(super) rollbacks: u8,
    /// Something was committed on a table that was rolled back, and nobody had chosen that.
    pub(super) defied: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) stage: Stage,
    pub(super) believes: Option<MarkerId>,
    pub(super) crashes: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Down,
    Ready(Next),
    Committing(Attempt),
    Stopped(Why),
}

/// What is to be prepared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Next {
    epoch: Epoch,
    on: Footing,
    replaces: Vec<Digest>,
}

/// What was prepared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Record {
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) machine: CommitMachine,
    pub(super) base: Option<u8>,
    /// Whether the next load looks at the marker. Always, but for two of the broken designs.
    pub(super) looks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Why {
    Finished,
    Fenced,
    RolledBack,
    GaveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Request {
    base: u8,
    epoch: Epoch,
    digest: Digest,
    accepts: Option<(Epoch, Digest)>,
}

impl CommitWorld {
    pub(super) fn new(model: &CommitModel) -> Self {
        let Bounds { foreign, expiries, rollbacks, crashes, .. } = model.bounds;
        let writer = Writer { stage: Stage::Down, believes: None, crashes };
        let mut table = Table::default();
        table.append(None); // rows of before, so that a rollback can reach behind epoch 0
        Self {
            table,
            logs: vec![Vec::new(); if model.logs == Logs::Own { model.writers } else { 1 }],
            writers: vec![writer; model.writers],
            wire: BTreeSet::new(),
            foreign,
            expiries,
            rollbacks,
            defied: false,
        }
    }

    fn log_of(&self, writer: usize) -> usize {
        writer.min(self.logs.len() - 1)
    }

    /// Applies a request if its base is still the head, and says so.
    pub(super) fn apply(&mut self, request: Request) -> bool {
        if request.base != self.table.version {
            return false;
        }
        let chosen = request.accepts.map(|(epoch, digest)| MarkerId { epoch, digest });
        self.defied |= self.table.rolled_back().is_some_and(|last| chosen != Some(last));
        let Request { epoch, digest, .. } = request;
        let from = u8::try_from(epoch.0).unwrap_or(u8::MAX);
        let id = MarkerId { epoch, digest };
        self.table.append(Some(Written { id, from, to: from.saturating_add(1) }));
        true
    }

    /// Requests for an older base can do nothing any more: without them there are fewer states.
    pub(super) fn forget_losers(&mut self) {
        let version = self.table.version;
        self.wire.retain(|request| request.base == version);
    }
}

impl Writer {
    pub(super) fn request(&self) -> Option<Request> {
        let Stage::Committing(Attempt { machine, base: Some(base), .. }) = &self.stage else {
            return None;
        };
        let MarkerId { epoch, digest } = machine.rule().mine;
        let accepts = machine.rule().on.accepts.map(|last| (last.epoch, last.digest));
        Some(Request { base: *base, epoch, digest, accepts })
    }

    pub(super) fn attempt(&mut self) -> Option<&mut Attempt> {
        match &mut self.stage {
            Stage::Committing(attempt) => Some(attempt),
            _ => None,
        }
    }

    /// Goes on once the machine has come to its end.
    fn settle(&mut self, epochs: u64) {
        let Some(attempt) = self.attempt() else { return };
        let Move::End(ended) = attempt.machine.next_move() else { return };
        self.stage = match ended {
            Ended::Committed(marker) => {
                self.believes = Some(marker);
                ready(marker.epoch.next(), Some(marker), epochs)
            }
            Ended::Fenced { .. } => Stage::Stopped(Why::Fenced),
            Ended::RolledBack { .. } => Stage::Stopped(Why::RolledBack),
            Ended::GaveUp => Stage::Stopped(Why::GaveUp),
        };
    }
}

fn ready(epoch: Epoch, follows: Option<MarkerId>, epochs: u64) -> Stage {
    if epoch.0 >= epochs {
        return Stage::Stopped(Why::Finished);
    }
    Stage::Ready(Next { epoch, on: Footing::on(follows), replaces: Vec::new() })
}

impl CommitModel {
    pub(super) fn start(&self, world: &mut CommitWorld, writer: usize) {
        let newest = world.logs[world.log_of(writer)].last().cloned();
        world.writers[writer].stage = match (newest, world.table.seen()) {
            (Some(record), _) => self.committing(record, true),
            (None, Seen::RolledBack { .. }) => Stage::Stopped(Why::RolledBack),
            (None, Seen::Nothing) => ready(Epoch(0), None, self.bounds.epochs),
            (None, Seen::Last(last)) => {
                ready(last.id.epoch.next(), Some(last.id), self.bounds.epochs)
            }
        };
    }

    fn committing(&self, record: Record, restarted: bool) -> Stage {
        let blind = matches!(self.design, Design::RebaseBlindly | Design::AskWhenUnknown);
        let machine = CommitMachine::new(record.rule, self.bounds.attempts);
        let looks = restarted || !blind;
        Stage::Committing(Attempt { machine, base: None, looks })
    }

    pub(super) fn prepare(&self, world: &mut CommitWorld, writer: usize) {
        let log = world.log_of(writer);
        let Stage::Ready(next) = world.writers[writer].stage.clone() else { return };
        let Next { epoch, on, replaces } = next;
        let earlier = world.logs[log].iter().filter(|record| record.rule.mine.epoch == epoch);
        if earlier.count() > replaces.len() {
            world.writers[writer].stage = Stage::Stopped(Why::Fenced);
            return;
        }
        let digest = Digest::of(format!("{writer} {epoch}.{}", replaces.len()).as_bytes());
        let record = Record { rule: Rule { mine: MarkerId { epoch, digest }, on, replaces } };
        world.logs[log].push(record.clone());
        world.writers[writer].stage = self.committing(record, false);
    }

    pub(super) fn load(&self, world: &mut CommitWorld, writer: usize) {
        let (seen, in_summaries) = (world.table.seen(), world.table.in_summaries());
        let found = seen.found(|_| None);
        let version = world.table.version;
        let Some(attempt) = world.writers[writer].attempt() else { return };
        let Attempt { machine, base, looks } = attempt;
        let follows = machine.rule().on.follows;
        match self.design {
            Design::Sound => {
                machine.loaded(&found);
                *base = Some(version);
            }
            Design::StandingOnly => {
                machine.loaded(&held(found.standing()));
                *base = Some(version);
            }
            Design::SummaryOnly => {
                machine.loaded(&held(in_summaries));
                *base = Some(version);
            }
            Design::RebaseBlindly | Design::AskWhenUnknown if !*looks => {
                machine.loaded(&held(follows)); // whatever is there
                *base = Some(version);
            }
            Design::RebaseBlindly | Design::AskWhenUnknown | Design::CheckThenLoad => {
                machine.loaded(&found);
                *base = None;
            }
        }
        world.writers[writer].settle(self.bounds.epochs);
    }

    pub(super) fn unresolved(&self, writer: &mut Writer, unknown: bool) {
        if let Some(attempt) = writer.attempt() {
            attempt.machine.unresolved();
            attempt.base = None;
            attempt.looks = match self.design {
                Design::RebaseBlindly => false,
                Design::AskWhenUnknown => unknown,
                _ => true,
            };
        }
    }

    pub(super) fn answer(&self, world: &mut CommitWorld, writer: usize) {
        let Some(request) = world.writers[writer].request() else { return };
        if world.apply(request) {
            if let Some(attempt) = world.writers[writer].attempt() {
                attempt.machine.committed();
            }
            world.writers[writer].settle(self.bounds.epochs);
        } else {
            self.unresolved(&mut world.writers[writer], false);
        }
    }

    /// A person accepts: rows that were taken out stay out, and what was prepared on them is
    /// prepared again on what stands.
    pub(super) fn accept(&self, world: &mut CommitWorld, writer: usize) {
        let log = world.log_of(writer);
        let Seen::RolledBack { last, standing } = world.table.seen() else {
            return self.start(world, writer);
        };
        let newest = world.logs[log].last().map(|record| record.rule.mine.epoch);
        let epoch = newest.filter(|newest| *newest > last.id.epoch);
        let epoch = epoch.unwrap_or(last.id.epoch.next());
        let earlier = world.logs[log].iter().filter(|record| record.rule.mine.epoch == epoch);
        let replaces = earlier.map(|record| record.rule.mine.digest).collect();
        let on = Footing { follows: standing, accepts: Some(last.id) };
        let next = Next { epoch, on, replaces };
        world.writers[writer].stage = if epoch.0 < self.bounds.epochs {
            Stage::Ready(next)
        } else {
            Stage::Stopped(Why::Finished)
        };
    }
}

impl CommitWorld {
    /// The epochs in the table, in the order of their commits.
    pub(super) fn epochs(&self) -> impl Iterator<Item = u64> + '_ {
        self.table.written().map(|written| written.id.epoch.0)
    }

    pub(super) fn stopped(&self, why: Why) -> bool {
        self.writers.iter().any(|writer| writer.stage == Stage::Stopped(why))
    }
}
