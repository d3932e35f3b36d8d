//! The plans that have come to a cell, each with what it may emit under it.

use std::collections::VecDeque;
use std::sync::Arc;

use highwater_core::EpochPlan;
use timely::dataflow::operators::Capability;

use crate::container::Letter;
use crate::ports::Drain;

/// A plan on its way to every cell.
pub(crate) type Plans = Letter<Arc<EpochPlan>>;

/// One epoch as a cell sees it. Dropping it says that nothing more of it will come from this cell.
pub(crate) struct Turn {
    /// The how-manieth plan of this executor it is: the timestamp of everything in the dataflow.
    pub(crate) time: u64,
    pub(crate) plan: Arc<EpochPlan>,
    /// To emit rows, by output.
    pub(crate) rows: Vec<Capability<u64>>,
    /// To report that the cell is done. Outlasts the others where files are still being written.
    pub(crate) report: Capability<u64>,
}

/// The epochs that a cell has to run, in their order.
pub(crate) struct Turns {
    plans: Drain<Plans>,
    outputs: usize,
    waiting: VecDeque<Turn>,
}

impl Turns {
    /// For a cell with `outputs` outputs for rows, followed by the one for reports.
    pub(crate) fn new(plans: Drain<Plans>, outputs: usize) -> Self {
        Self { plans, outputs, waiting: VecDeque::new() }
    }

    /// Takes the plans that have come.
    pub(crate) fn receive(&mut self) {
        let Self { plans, outputs, waiting } = self;
        plans(&mut |held, letter| {
            if let Some(plan) = letter.content {
                waiting.push_back(Turn {
                    time: *held.time(),
                    plan,
                    rows: (0..*outputs).map(|port| held.retain(port)).collect(),
                    report: held.retain(*outputs),
                });
            }
        });
    }

    /// The epoch to run, if there is one.
    pub(crate) fn current(&self) -> Option<&Turn> {
        self.waiting.front()
    }

    /// Goes on to the next epoch.
    pub(crate) fn next(&mut self) {
        self.waiting.pop_front();
    }
}
