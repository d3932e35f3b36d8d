//! One instance of a step.

use std::fmt;

use highwater_core::{
    Batch, Context, Emitted, EpochPlan, Flow, Moment, Name, Operator, Port, Result, Told,
};

use super::bug;
use crate::accounting::Done;
use crate::graph::{Graph, NodeId, NodeKind};

/// An operator with what it needs to be called.
pub struct Stepping {
    node: NodeId,
    name: Name,
    operator: Box<dyn Operator>,
    sides: usize,
    moment: Option<Moment>,
    told: Told,
}

/// What an operator is called for.
#[derive(Debug)]
pub enum Call {
    /// Rows came at a port.
    Batch(Port, Batch),
    /// The last rows of every port have come.
    EpochEnd,
    /// It has more to emit.
    More,
}

impl Stepping {
    /// A new instance of the step at `node`.
    ///
    /// # Errors
    /// What the step reports.
    pub fn build(graph: &Graph, node: NodeId) -> Result<Self> {
        let found = graph.node(node).ok_or_else(|| bug("a step is no node"))?;
        let NodeKind::Step(_, resolved) = &found.kind else {
            return Err(bug("a source or sink was taken for a step"));
        };
        let (operator, sides) = (resolved.build()?, resolved.sides().len());
        let (name, told) = (found.name.clone(), Told::default());
        Ok(Self { node, name, operator, sides, moment: None, told })
    }

    /// Calls the operator. What it emits goes to the end of `emitted`, and is to be passed on before
    /// it is called for more.
    ///
    /// # Errors
    /// What the operator reports. It must not be called again.
    pub fn call(
        &mut self,
        (graph, plan): (&Graph, &EpochPlan),
        call: Call,
        emitted: &mut Vec<Emitted>,
    ) -> Result<Flow> {
        let moment = match self.moment {
            Some(moment) if moment.epoch == plan.epoch => moment,
            _ => {
                let watermarks = graph.watermarks_into(self.node, plan);
                *self.moment.insert(Moment { epoch: plan.epoch, now: plan.now, watermarks })
            }
        };
        let mut cx = Context::new(moment, self.sides, emitted, &mut self.told);
        match call {
            Call::Batch(port, batch) => self.operator.on_batch(port, batch, &mut cx),
            Call::EpochEnd => self.operator.on_epoch_end(&mut cx),
            Call::More => self.operator.more(&mut cx),
        }
    }

    /// What it has told since this was asked last.
    pub fn done(&mut self) -> Done {
        Done::Stepped(self.name.clone(), std::mem::take(&mut self.told))
    }
}

impl fmt::Debug for Stepping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepping").field("name", &self.name).finish_non_exhaustive()
    }
}
