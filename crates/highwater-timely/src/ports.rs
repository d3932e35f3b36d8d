//! Where rows come into a cell and leave it.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use highwater_core::{Batch, Emitted, Output, Port, Result};
use highwater_pipeline::parts::unread;
use highwater_pipeline::{Done, NodeId, Tap};
use timely::communication::Pull;
use timely::dataflow::channels::Message;
use timely::dataflow::channels::pushers::Output as Pusher;
use timely::dataflow::operators::InputCapability;
use timely::dataflow::operators::generic::InputHandleCore;

use crate::cell::Env;
use crate::container::{Letter, Rows};
use crate::turn::Turn;

/// What a cell has done, on its way to worker 0.
pub(crate) type Reports = Letter<Done>;

/// Receives everything that has come at an input.
pub(crate) type Drain<C> = Box<dyn FnMut(&mut dyn FnMut(InputCapability<u64>, C))>;

pub(crate) fn drain<C, P>(mut handle: InputHandleCore<u64, C, P>) -> Drain<C>
where
    C: timely::Container,
    P: Pull<Message<u64, C>> + 'static,
{
    Box::new(move |each| handle.for_each(|held, sent| each(held, std::mem::take(sent))))
}

/// The ports of a cell.
pub(crate) struct Inputs {
    ports: Vec<Drain<Rows>>,
    arrivals: Arrivals,
}

impl Inputs {
    /// Among so many workers. For each port it says whether tables come there.
    pub(crate) fn new(ports: Vec<(Drain<Rows>, bool)>, workers: usize) -> Self {
        let (ports, tables) = ports.into_iter().unzip();
        Self { ports, arrivals: Arrivals::new(tables, workers) }
    }

    /// Takes what has come.
    pub(crate) fn receive(&mut self) {
        let arrivals = &mut self.arrivals;
        for (port, drain) in self.ports.iter_mut().enumerate() {
            drain(&mut |held, rows| arrivals.add(*held.time(), Port(port), rows));
        }
    }

    /// The next batch of an epoch, if it is there.
    pub(crate) fn next(&mut self, time: u64) -> Option<(Port, Batch)> {
        self.arrivals.next(time)
    }

    /// Whether every batch of an epoch has come and was taken. Says so once.
    pub(crate) fn close(&mut self, time: u64) -> bool {
        self.arrivals.close(time)
    }
}

/// What has come, and waits for its epoch, or for the end of the tables in it.
///
/// Batches that wait hold room in the budgets of their readers, which slows these until the tables
/// have ended. Nothing that a table is made of waits for them: it is read under a budget of its own, and
/// takes a way that no records take.
struct Arrivals {
    /// For each port whether tables come there.
    tables: Vec<bool>,
    /// So many ends close a port: one of each worker.
    workers: usize,
    epochs: BTreeMap<u64, Arrived>,
}

#[derive(Default)]
struct Arrived {
    of_tables: Arrivings,
    others: Arrivings,
}

/// What has come of an epoch at ports of one kind.
#[derive(Default)]
struct Arrivings {
    batches: VecDeque<(Port, Batch)>,
    ends: usize,
}

impl Arrivings {
    fn are_over(&self, ends: usize) -> bool {
        self.batches.is_empty() && self.ends == ends
    }
}

impl Arrivals {
    fn new(tables: Vec<bool>, workers: usize) -> Self {
        Self { tables, workers, epochs: BTreeMap::new() }
    }

    /// The ends of all ports of one kind.
    fn ends(&self, of_tables: bool) -> usize {
        self.tables.iter().filter(|table| **table == of_tables).count() * self.workers
    }

    fn add(&mut self, time: u64, port: Port, rows: Rows) {
        let of_table = self.tables.get(port.0).is_some_and(|table| *table);
        let epoch = self.epochs.entry(time).or_default();
        let here = if of_table { &mut epoch.of_tables } else { &mut epoch.others };
        match rows {
            Rows::Batch(batch) => here.batches.push_back((port, batch)),
            Rows::End(_) => here.ends += 1,
            Rows::Taken => {}
        }
    }

    fn next(&mut self, time: u64) -> Option<(Port, Batch)> {
        let ends = self.ends(true);
        let epoch = self.epochs.get_mut(&time)?;
        if epoch.of_tables.are_over(ends) {
            return epoch.others.batches.pop_front();
        }
        epoch.of_tables.batches.pop_front()
    }

    fn close(&mut self, time: u64) -> bool {
        let (tables, others) = (self.ends(true), self.ends(false));
        let over =
            |epoch: &Arrived| epoch.of_tables.are_over(tables) && epoch.others.are_over(others);
        let over = self.epochs.get(&time).is_some_and(over);
        if over {
            self.epochs.remove(&time);
        }
        over
    }
}

/// The outputs of a cell.
pub(crate) struct Outputs {
    env: Rc<Env>,
    node: NodeId,
    /// Those that somebody reads, in the order of a turn's capabilities.
    rows: Vec<(Output, Pusher<u64, Rows>)>,
    report: Pusher<u64, Reports>,
}

impl Outputs {
    pub(crate) fn new(
        env: &Rc<Env>,
        node: NodeId,
        rows: Vec<(Output, Pusher<u64, Rows>)>,
        report: Pusher<u64, Reports>,
    ) -> Self {
        Self { env: Rc::clone(env), node, rows, report }
    }

    /// Passes rows on to whoever reads them.
    pub(crate) fn emit(&mut self, turn: &Turn, emitted: Vec<Emitted>) -> Result<()> {
        for (output, batch) in emitted {
            let mut outputs = self.rows.iter_mut().zip(&turn.rows);
            match outputs.find(|((read, _), _)| *read == output) {
                Some(((_, pusher), held)) => pusher.activate().give(held, &mut Rows::Batch(batch)),
                None => unread(self.env.graph(), Tap { node: self.node, output }, &batch)?,
            }
        }
        Ok(())
    }

    /// Tells whoever reads its rows that this cell has emitted all of an epoch.
    pub(crate) fn end(&mut self, turn: &Turn) {
        for ((_, pusher), held) in self.rows.iter_mut().zip(&turn.rows) {
            let mut session = pusher.activate();
            for worker in 0..self.env.workers {
                session.give(held, &mut Rows::End(worker));
            }
        }
    }

    /// Tells worker 0 what this cell has done in an epoch, with which it is over.
    pub(crate) fn report(&mut self, turn: &Turn, done: Done) {
        let mut letter = Letter::new(0, done);
        self.report.activate().give(&turn.report, &mut letter);
    }
}

#[cfg(test)]
mod tests;
