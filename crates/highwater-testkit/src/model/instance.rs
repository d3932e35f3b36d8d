//! One instance of the driver: what it knows, and what it does next.
#![expect(
    clippy::indexing_slicing,
    reason = "every index comes from an enumeration of the same list"
)]

use std::collections::BTreeMap;

use highwater_checkpoint::{
    Head, OnRollback, Prepared, RecordId, Resume, Rewritten, Share, SinkShare, Stop, decide,
};
use highwater_core::{
    CommitMachine, Digest, Ended, Epoch, EpochPlan, Footing, MarkerId, Move, Name, Partition,
    Position, Positions, Range, RangeId, Rule, SourcePlan, Staged, Timestamp,
};

use super::driver::{DriverWorld, Order};
use super::table::{NAMES, Seen, Written};

/// The sinks: the primary and a side table.
pub(super) const SINKS: [usize; 2] = [0, 1];

/// Whether records `from` to `to` have rows for a sink. Only odd records have one for the side.
pub(super) fn has_rows(sink: usize, from: u8, to: u8) -> bool {
    (from..to).any(|record| sink == 0 || record % 2 == 1)
}

/// What a prepared record says, small enough to be a part of very many states.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub(super) epoch: Epoch,
    pub(super) attempt: u32,
    pub(super) digest: Digest,
    from: u8,
    to: u8,
    commits: [bool; 2],
    before: [Option<MarkerId>; 2],
    replaces: Vec<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Down,
    /// The log was read; tables are read one after the other, the primary first.
    Reading {
        head: Option<Record>,
        primary: Option<Seen>,
    },
    /// The plan was run and everything is staged.
    Staged(Record),
    /// The record is in the log; whether the one before still is, is not known yet.
    Prepared(Record),
    Committing {
        record: Record,
        /// How many sinks are done, in the order of commit.
        done: usize,
        machine: CommitMachine,
        base: Option<u8>,
    },
    /// Every sink holds the epoch; old records may be trimmed.
    Committed(Record),
    Stopped(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Why {
    Finished,
    Fenced,
    Refused,
    GaveUp,
    FilesGone,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Instance {
    pub(super) number: u8,
    pub(super) stage: Stage,
    pub(super) crashes: u8,
    /// The record that the log ended with, as far as it knows.
    newest: Option<(Epoch, u32)>,
    standing: [Option<MarkerId>; 2],
}

impl Instance {
    pub(super) fn new(number: u8, crashes: u8) -> Self {
        Self { number, stage: Stage::Down, crashes, newest: None, standing: [None; 2] }
    }

    /// Reads the log.
    pub(super) fn start(&mut self, newest: Option<Record>) {
        self.newest = newest.as_ref().map(|record| (record.epoch, record.attempt));
        self.stage = Stage::Reading { head: newest, primary: None };
    }

    /// Goes on from what the log and both tables say, by the production decision.
    pub(super) fn resume(&mut self, head: Option<Record>, seen: [Seen; 2], world: &DriverWorld) {
        let full = head.as_ref().map(Record::head);
        let [_, primary, side] = NAMES.clone();
        let found = |seen: Seen| seen.found(|written| Some(plan(written)));
        let sinks = [(primary, found(seen[0])), (side, found(seen[1]))];
        match decide(full.as_ref(), &sinks, OnRollback::Refuse, &BTreeMap::new()) {
            Err(Stop::Fenced { .. }) => self.stage = Stage::Stopped(Why::Fenced),
            Err(_) => self.stage = Stage::Stopped(Why::Refused),
            Ok(Resume::Fresh) => self.stage_next(Epoch(0), 0, world.input),
            Ok(Resume::Next { last, plan, standing }) => {
                self.stand(&standing);
                self.stage_next(last.next(), next_of(&plan.positions()), world.input);
            }
            Ok(Resume::Finish(pending)) => {
                self.stand(&pending.standing);
                let (Some(record), Some(full)) = (head, full) else { return };
                if world.files_gone.contains(&record.digest) {
                    self.stage_again(pending.rerun(&full));
                } else {
                    self.commit(record, world.order);
                }
            }
            Ok(Resume::Rerun(rewritten)) => self.stage_again(rewritten),
        }
    }

    /// Plans an epoch and runs it. Each instance plans as it likes: how many records, say.
    fn stage_next(&mut self, epoch: Epoch, from: u8, input: u8) {
        if from >= input {
            self.stage = Stage::Stopped(Why::Finished);
            return;
        }
        let to = input.min(from + 1 + self.number);
        self.stage = Stage::Staged(self.record(epoch, 0, (from, to), Vec::new()));
    }

    /// Runs the plan of a record again.
    fn stage_again(&mut self, rewritten: Rewritten) {
        self.stand(&rewritten.standing);
        let range =
            rewritten.plan.sources.values().next().map_or((0, 0), |source| {
                (next_of_source(&source.from), next_of_source(&source.to()))
            });
        let RecordId { epoch, attempt } = rewritten.id;
        let mut record = self.record(epoch, attempt, range, rewritten.replaces);
        for sink in SINKS {
            record.commits[sink] &= rewritten.lacking.contains(name(sink));
        }
        self.stage = Stage::Staged(record);
    }

    fn record(
        &self,
        epoch: Epoch,
        attempt: u32,
        (from, to): (u8, u8),
        replaces: Vec<Digest>,
    ) -> Record {
        let run = (self.number, self.crashes, self.newest);
        let digest = Digest::of(format!("{run:?} {epoch}.{attempt} {from}..{to}").as_bytes());
        let before = self.standing;
        let commits = SINKS.map(|sink| before[sink].is_none() || has_rows(sink, from, to));
        Record { epoch, attempt, digest, from, to, commits, before, replaces }
    }

    /// The record is in the log, and so was the one before it.
    pub(super) fn commit(&mut self, record: Record, order: Order) {
        self.newest = Some((record.epoch, record.attempt));
        self.commit_from(record, 0, order);
    }

    fn commit_from(&mut self, record: Record, done: usize, order: Order) {
        let next = order.sinks().into_iter().enumerate().skip(done);
        let Some((done, sink)) = next.into_iter().find(|(_, sink)| record.commits[*sink]) else {
            self.stage = Stage::Committed(record);
            return;
        };
        let machine = CommitMachine::new(record.rule(sink), 2);
        self.stage = Stage::Committing { record, done, machine, base: None };
    }

    /// Loads the table of the sink that is next.
    pub(super) fn load(&mut self, world: &DriverWorld) {
        let Stage::Committing { done, machine, base, .. } = &mut self.stage else { return };
        let table = &world.tables[world.order.sinks()[*done]];
        *base = Some(table.version);
        machine.loaded(&table.seen().found(|_| None));
        self.settle(world.order);
    }

    /// The swap that it would send now: sink, base and what is written.
    pub(super) fn request(&self, order: Order) -> Option<(usize, u8, Written)> {
        let Stage::Committing { record, done, machine, base } = &self.stage else { return None };
        let base = (*base).filter(|_| machine.next_move() == Move::Swap)?;
        let written = Written { id: record.id(), from: record.from, to: record.to };
        Some((order.sinks()[*done], base, written))
    }

    pub(super) fn answered(&mut self, applied: bool, order: Order) {
        let Stage::Committing { machine, base, .. } = &mut self.stage else { return };
        *base = None;
        if applied {
            machine.committed();
        } else {
            machine.unresolved();
        }
        self.settle(order);
    }

    fn settle(&mut self, order: Order) {
        let Stage::Committing { record, done, machine, .. } = &self.stage else { return };
        let Move::End(ended) = machine.next_move() else { return };
        let (record, done) = (record.clone(), *done);
        match ended {
            Ended::Committed(marker) => {
                self.standing[order.sinks()[done]] = Some(marker);
                self.commit_from(record, done + 1, order);
            }
            Ended::Fenced { .. } => self.stage = Stage::Stopped(Why::Fenced),
            Ended::RolledBack { .. } => self.stage = Stage::Stopped(Why::Refused),
            Ended::GaveUp => self.stage = Stage::Stopped(Why::GaveUp),
        }
    }

    pub(super) fn finish(&mut self, input: u8) {
        let Stage::Committed(record) = &self.stage else { return };
        let (epoch, to) = (record.epoch, record.to);
        self.stage_next(epoch.next(), to, input);
    }

    /// The record that must still be in the log once the new one is.
    pub(super) fn previous(&self) -> Option<(Epoch, u32)> {
        self.newest
    }

    fn stand(&mut self, standing: &BTreeMap<Name, Footing>) {
        self.standing = SINKS.map(|sink| standing.get(name(sink)).and_then(|on| on.follows));
    }
}

impl Record {
    /// Whether it commits to a sink.
    pub(super) fn commits(&self, sink: usize) -> bool {
        self.commits[sink]
    }

    fn id(&self) -> MarkerId {
        MarkerId { epoch: self.epoch, digest: self.digest }
    }

    fn rule(&self, sink: usize) -> Rule {
        let replaces = self.replaces.clone();
        Rule { mine: self.id(), on: Footing::on(self.before[sink]), replaces }
    }

    /// The record as production reads it.
    fn head(&self) -> Head {
        let share = |sink: usize| {
            let staged = Staged { path: String::new(), bytes: 1, rows: 1, detail: String::new() };
            let on = Footing::on(self.before[sink]);
            let share = match self.commits[sink] {
                true => Share::Commit { on, staged: vec![staged] },
                false => Share::Quiet { on },
            };
            SinkShare { sink: name(sink).clone(), share }
        };
        let record = Prepared {
            pipeline: NAMES[0].clone(),
            fingerprint: Digest::of(b"model"),
            run: String::new(),
            id: RecordId { epoch: self.epoch, attempt: self.attempt },
            plan: plan(Written { id: self.id(), from: self.from, to: self.to }),
            sinks: SINKS.map(share).to_vec(),
            replaces: self.replaces.clone(),
            records: BTreeMap::new(),
            state: None,
            observed: BTreeMap::new(),
        };
        Head { record, digest: self.digest }
    }
}

fn name(sink: usize) -> &'static Name {
    &NAMES[sink + 1]
}

/// The plan of an epoch that reads what `written` says.
fn plan(written: Written) -> EpochPlan {
    let partition = Partition::new("input", 0);
    let at = |next: u8| Position::at(i64::from(next));
    let from = [(partition.clone(), at(written.from))].into_iter().collect();
    let range = Range { id: RangeId(0), partition, from: at(written.from), to: at(written.to) };
    let source = SourcePlan { from, ranges: vec![range], gaps: Vec::new() };
    EpochPlan {
        epoch: written.id.epoch,
        now: Timestamp(0),
        sources: [(NAMES[0].clone(), source)].into_iter().collect(),
        targets: BTreeMap::new(),
        watermarks: BTreeMap::new(),
        last: false,
    }
}

fn next_of(positions: &BTreeMap<Name, Positions>) -> u8 {
    positions.values().next().map_or(0, next_of_source)
}

fn next_of_source(positions: &Positions) -> u8 {
    let next = positions.iter().next().map_or(0, |(_, position)| position.next);
    u8::try_from(next).unwrap_or(u8::MAX)
}
