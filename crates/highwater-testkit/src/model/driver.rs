//! The driver under every interleaving: two tables, one or two logs, two instances.
//!
//! What a start does with the log and the tables is the production [`decide`], and each commit is a
//! production [`CommitMachine`]. The instances plan differently, so an epoch of one and the same
//! epoch of the other read different records: whatever mixes them up loses or doubles rows.
//!
//! [`decide`]: highwater_checkpoint::decide
//! [`CommitMachine`]: highwater_core::CommitMachine
#![expect(
    clippy::indexing_slicing,
    reason = "every index comes from an enumeration of the same list"
)]

use std::collections::BTreeSet;

use highwater_core::{Digest, Epoch};
use stateright::{Model, Property};

use super::Logs;
use super::instance::{Instance, Record, SINKS, Stage, Why, has_rows};
use super::table::{Table, Written};

/// In which order an epoch is committed to its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The primary first: its swap decides between two logs.
    PrimaryFirst,
    /// The side table first, which is broken: both logs may win one table each.
    SideFirst,
}

impl Order {
    pub(super) fn sinks(self) -> [usize; 2] {
        match self {
            Self::PrimaryFirst => [0, 1],
            Self::SideFirst => [1, 0],
        }
    }
}

/// A model of the driver.
#[derive(Clone, Debug)]
pub struct DriverModel {
    /// The order of commits.
    pub order: Order,
    /// Whose log the instances write.
    pub logs: Logs,
    /// How many instances there are.
    pub instances: u8,
    /// Records of the source. The first instance takes one an epoch, the second two.
    pub input: u8,
    /// Crashes and restarts of each instance.
    pub crashes: u8,
    /// Answers lost, or requests delayed.
    pub timeouts: u8,
    /// Times that a log is lost.
    pub losses: u8,
    /// Times that staged files are lost while nobody is committing them.
    pub vanishings: u8,
}

/// What may happen next in a [`DriverModel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An instance starts and reads its log.
    Start(usize),
    /// It reads the marker of its next table, and decides after the last.
    Look(usize),
    /// It puts its record into the log, unless there is one.
    Put(usize),
    /// It looks whether the record before is still there.
    Confirm(usize),
    /// It loads the table that it commits to next.
    Load(usize),
    /// Its swap is applied or refused, and it learns which.
    Answer(usize),
    /// It gives up waiting; the request stays on the wire.
    TimeOut(usize),
    /// It trims its log and goes on to the next epoch.
    Finish(usize),
    /// It dies; a request that it may have sent stays on the wire.
    Crash(usize),
    /// A request on the wire is applied.
    Late(usize),
    /// A log is lost.
    LoseLog(usize),
    /// The staged files of the newest record of a log are lost.
    LoseFiles(usize),
}

/// A state of a [`DriverModel`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DriverWorld {
    pub(super) order: Order,
    pub(super) input: u8,
    pub(super) tables: [Table; 2],
    pub(super) files_gone: BTreeSet<Digest>,
    logs: Vec<Vec<Record>>,
    instances: Vec<Instance>,
    wire: Vec<(usize, u8, Written)>,
    timeouts: u8,
    losses: u8,
    vanishings: u8,
}

impl DriverWorld {
    fn log_of(&self, instance: usize) -> usize {
        instance.min(self.logs.len() - 1)
    }

    fn apply(&mut self, (sink, base, written): (usize, u8, Written)) -> bool {
        let table = &mut self.tables[sink];
        let applies = table.version == base;
        if applies {
            table.append(Some(written));
        }
        applies
    }

    fn put(&mut self, at: usize) {
        let log = self.log_of(at);
        let Stage::Staged(record) = self.instances[at].stage.clone() else { return };
        let id = (record.epoch, record.attempt);
        self.instances[at].stage = match self.logs[log].binary_search_by_key(&id, key) {
            Ok(_) => Stage::Stopped(Why::Fenced),
            Err(place) => {
                self.logs[log].insert(place, record.clone());
                Stage::Prepared(record)
            }
        };
    }

    fn confirm(&mut self, at: usize) {
        let log = self.log_of(at);
        let Stage::Prepared(record) = self.instances[at].stage.clone() else { return };
        let previous = self.instances[at].previous();
        let there = |id| self.logs[log].iter().any(|record| key(record) == id);
        if previous.is_none_or(there) {
            self.instances[at].commit(record, self.order);
        } else {
            self.instances[at].stage = Stage::Stopped(Why::Fenced);
        }
    }

    /// Keeps the first record and the two newest.
    fn trim(&mut self, log: usize) {
        let records = &mut self.logs[log];
        if records.len() > 3 {
            records.drain(1..records.len() - 2);
        }
    }

    fn look(&mut self, at: usize) {
        let world = self.clone();
        let Stage::Reading { head, primary } = &mut self.instances[at].stage else { return };
        match *primary {
            None => *primary = Some(world.tables[0].seen()),
            Some(primary) => {
                let (head, side) = (head.take(), world.tables[1].seen());
                self.instances[at].resume(head, [primary, side], &world);
            }
        }
    }

    fn send(&mut self, at: usize) {
        let request = self.instances[at].request(self.order);
        self.wire.extend(request.filter(|request| !self.wire.contains(request)));
        self.wire.sort_unstable_by_key(|(sink, base, written)| (*sink, *base, written.id.digest));
    }

    /// Requests for an older base can do nothing any more: without them there are fewer states.
    fn forget_losers(&mut self) {
        let tables = &self.tables;
        self.wire.retain(|(sink, base, _)| tables[*sink].version == *base);
    }

    /// Whether the files of the newest record of `log` can vanish without a commit in flight.
    fn can_lose_files(&self, log: usize) -> bool {
        let Some(newest) = self.logs[log].last() else { return false };
        let idle = |instance: &Instance| matches!(instance.stage, Stage::Down | Stage::Stopped(_));
        let mut wire = self.wire.iter();
        self.instances.iter().all(idle)
            && !wire.any(|(_, _, written)| written.id.digest == newest.digest)
            && !self.files_gone.contains(&newest.digest)
    }
}

fn key(record: &Record) -> (Epoch, u32) {
    (record.epoch, record.attempt)
}

impl Model for DriverModel {
    type State = DriverWorld;
    type Action = Event;

    fn init_states(&self) -> Vec<DriverWorld> {
        let logs = match self.logs {
            Logs::Shared => 1,
            Logs::Own => usize::from(self.instances),
        };
        vec![DriverWorld {
            order: self.order,
            input: self.input,
            tables: Default::default(),
            files_gone: BTreeSet::new(),
            logs: vec![Vec::new(); logs],
            instances: (0..self.instances).map(|it| Instance::new(it, self.crashes)).collect(),
            wire: Vec::new(),
            timeouts: self.timeouts,
            losses: self.losses,
            vanishings: self.vanishings,
        }]
    }

    fn actions(&self, world: &DriverWorld, events: &mut Vec<Event>) {
        for (at, instance) in world.instances.iter().enumerate() {
            match &instance.stage {
                Stage::Down => events.push(Event::Start(at)),
                Stage::Reading { .. } => events.push(Event::Look(at)),
                Stage::Staged(_) => events.push(Event::Put(at)),
                Stage::Prepared(_) => events.push(Event::Confirm(at)),
                Stage::Committed(_) => events.push(Event::Finish(at)),
                Stage::Committing { .. } if instance.request(world.order).is_some() => {
                    events.push(Event::Answer(at));
                    if world.timeouts > 0 {
                        events.push(Event::TimeOut(at));
                    }
                }
                Stage::Committing { .. } => events.push(Event::Load(at)),
                Stage::Stopped(_) => {}
            }
            let over = matches!(instance.stage, Stage::Down | Stage::Stopped(Why::Finished));
            if instance.crashes > 0 && !over {
                events.push(Event::Crash(at));
            }
        }
        events.extend((0..world.wire.len()).map(Event::Late));
        for (log, records) in world.logs.iter().enumerate() {
            if world.losses > 0 && !records.is_empty() {
                events.push(Event::LoseLog(log));
            }
            if world.vanishings > 0 && world.can_lose_files(log) {
                events.push(Event::LoseFiles(log));
            }
        }
    }

    fn next_state(&self, world: &DriverWorld, event: Event) -> Option<DriverWorld> {
        let mut world = world.clone();
        match event {
            Event::Start(at) => {
                let newest = world.logs[world.log_of(at)].last().cloned();
                world.instances[at].start(newest);
            }
            Event::Look(at) => world.look(at),
            Event::Put(at) => world.put(at),
            Event::Confirm(at) => world.confirm(at),
            Event::Load(at) => {
                let before = world.clone();
                world.instances[at].load(&before);
            }
            Event::Answer(at) => {
                let request = world.instances[at].request(world.order)?;
                if world.files_gone.contains(&request.2.id.digest) {
                    world.instances[at].stage = Stage::Stopped(Why::FilesGone);
                } else {
                    let applied = world.apply(request);
                    world.instances[at].answered(applied, self.order);
                }
            }
            Event::TimeOut(at) => {
                world.timeouts -= 1;
                world.send(at);
                world.instances[at].answered(false, self.order);
            }
            Event::Finish(at) => {
                world.trim(world.log_of(at));
                world.instances[at].finish(self.input);
            }
            Event::Crash(at) => {
                world.send(at);
                let crashes = world.instances[at].crashes - 1;
                world.instances[at] = Instance::new(world.instances[at].number, crashes);
            }
            Event::Late(at) => {
                let request = world.wire.remove(at);
                world.apply(request);
            }
            Event::LoseLog(log) => {
                world.losses -= 1;
                world.logs[log].clear();
            }
            Event::LoseFiles(log) => {
                world.vanishings -= 1;
                let digest = world.logs[log].last()?.digest;
                world.files_gone.insert(digest);
            }
        }
        world.forget_losers();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("no row twice and none skipped", |_, world: &DriverWorld| {
                SINKS.into_iter().all(|sink| world.is_whole(sink))
            }),
            Property::always("the tables agree on every epoch", |_, world: &DriverWorld| {
                world.agrees()
            }),
            Property::always("no table is two epochs behind", |_, world: &DriverWorld| {
                world.keeps_up()
            }),
            Property::always("believed means committed", |_, world: &DriverWorld| {
                world.instances.iter().all(|instance| match &instance.stage {
                    Stage::Committed(record) => world.holds(record),
                    _ => true,
                })
            }),
            Property::sometimes("every table holds everything", |_, world: &DriverWorld| {
                world.is_finished()
            }),
        ];
        if self.instances > 1 {
            all.push(Property::sometimes("an instance is fenced", |_, world: &DriverWorld| {
                let fenced = Stage::Stopped(Why::Fenced);
                world.instances.iter().any(|instance| instance.stage == fenced)
            }));
        }
        if self.losses > 0 || self.vanishings > 0 {
            all.push(Property::sometimes(
                "a plan that was run again ends",
                |_, world: &DriverWorld| {
                    world.instances.iter().any(|instance| match &instance.stage {
                        Stage::Committed(record) => record.attempt > 0,
                        _ => false,
                    })
                },
            ));
        }
        all
    }
}

impl DriverWorld {
    /// Whether the rows of a sink are those of the records so far, each once and in order.
    fn is_whole(&self, sink: usize) -> bool {
        let mut next = 0;
        self.tables[sink].written().all(|written| {
            let whole = written.from >= next && !has_rows(sink, next, written.from);
            next = written.to;
            whole
        })
    }

    /// Whether an epoch that both tables hold reads the same records in both, and the side table
    /// holds none that the primary went past without.
    fn agrees(&self) -> bool {
        let [primary, side] = &self.tables;
        let last = primary.written().last().map(|written| written.id.epoch);
        side.written().filter(|written| Some(written.id.epoch) <= last).all(|written| {
            let same = |it: Written| {
                (it.id.epoch, it.from, it.to) == (written.id.epoch, written.from, written.to)
            };
            primary.written().any(same)
        })
    }

    /// Whether the side table holds every epoch before the last of the primary.
    fn keeps_up(&self) -> bool {
        let [primary, side] = &self.tables;
        let Some(last) = primary.written().last() else { return true };
        let upto = side.written().last().map_or(0, |written| written.to);
        !has_rows(1, upto.min(last.from), last.from)
    }

    fn holds(&self, record: &Record) -> bool {
        SINKS.into_iter().all(|sink| {
            let mut written = self.tables[sink].written();
            !record.commits(sink) || written.any(|it| it.id.epoch == record.epoch)
        })
    }

    fn is_finished(&self) -> bool {
        SINKS.into_iter().all(|sink| {
            let upto = self.tables[sink].written().last().map_or(0, |written| written.to);
            !has_rows(sink, upto, self.input)
        })
    }
}
