//! Where rows come into a cell and leave it.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use highwater_core::{Batch, Emitted, Output, Port, Result};
use highwater_pipeline::parts::unclaimed;
use highwater_pipeline::{Done, NodeId, Tap};
use timely::communication::Pull;
use timely::dataflow::channels::Message;
use timely::dataflow::channels::pushers::Output as Pusher;
use timely::dataflow::operators::InputCapability;
use timely::dataflow::operators::generic::InputHandleCore;
use timely::progress::frontier::MutableAntichain;

use crate::cell::Env;
use crate::container::{Letter, Rows};
use crate::turn::Turn;

/// What a cell has done, with its worker, on its way to worker 0.
pub(crate) type Reports = Letter<(usize, Done)>;

/// Receives everything that has come at an input.
pub(crate) type Drain<C> = Box<dyn FnMut(&mut dyn FnMut(InputCapability<u64>, C))>;

pub(crate) fn drain<C, P>(mut handle: InputHandleCore<u64, C, P>) -> Drain<C>
where
    C: timely::Container,
    P: Pull<Message<u64, C>> + 'static,
{
    Box::new(move |each| handle.for_each(|held, sent| each(held, std::mem::take(sent))))
}

/// The ports of a cell, with the batches that wait for their epoch.
pub(crate) struct Inputs {
    ports: Vec<Drain<Rows>>,
    waiting: BTreeMap<u64, VecDeque<(Port, Batch)>>,
}

impl Inputs {
    pub(crate) fn new(ports: Vec<Drain<Rows>>) -> Self {
        Self { ports, waiting: BTreeMap::new() }
    }

    /// Takes the batches that have come.
    pub(crate) fn receive(&mut self) {
        let waiting = &mut self.waiting;
        for (port, drain) in self.ports.iter_mut().enumerate() {
            drain(&mut |held, rows| {
                if let Some(batch) = rows.0 {
                    waiting.entry(*held.time()).or_default().push_back((Port(port), batch));
                }
            });
        }
    }

    /// The next batch of an epoch, if it is there.
    pub(crate) fn next(&mut self, time: u64) -> Option<(Port, Batch)> {
        let queue = self.waiting.get_mut(&time)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&time);
        }
        next
    }

    /// Whether every batch of an epoch has come and was taken.
    pub(crate) fn are_over(&self, time: u64, frontiers: &[MutableAntichain<u64>]) -> bool {
        let more = frontiers.iter().any(|frontier| frontier.less_equal(&time));
        !more && !self.waiting.contains_key(&time)
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
                Some(((_, pusher), held)) => pusher.activate().give(held, &mut Rows(Some(batch))),
                None if output == Output::Main => {}
                None => {
                    let tap = Tap { node: self.node, output };
                    return Err(unclaimed(self.env.graph(), tap, &batch));
                }
            }
        }
        Ok(())
    }

    /// Tells worker 0 that this cell is done with an epoch.
    pub(crate) fn report(&mut self, turn: &Turn, done: Done) {
        let mut letter = Letter::new(0, (self.env.worker, done));
        self.report.activate().give(&turn.report, &mut letter);
    }
}
