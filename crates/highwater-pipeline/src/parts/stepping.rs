//! One instance of a step.

use std::fmt;

use highwater_checkpoint::{Levels, Tables};
use highwater_core::{
    Batch, Context, Emitted, EpochPlan, Flow, Moment, Name, Operator, Port, Result, StateReader,
    StateWriter, Told,
};
use highwater_state::StepSave;

use super::{Version, bug};
use crate::accounting::Stepped;
use crate::graph::{Graph, NodeId, NodeKind, Tap};

/// An operator with what it needs to be called.
pub struct Stepping {
    node: NodeId,
    name: Name,
    operator: Box<dyn Operator>,
    keeps_state: bool,
    levels: Levels,
    sides: usize,
    tables: Vec<(Port, Version)>,
    /// The tables that are as in the epoch before.
    unchanged: Vec<Port>,
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
        let table = |(port, tap): (usize, &Tap)| {
            let source = resolved.is_table(Port(port)).then(|| graph.version_of(*tap)).flatten();
            source.map(|source| (Port(port), Version::new(source.clone())))
        };
        Ok(Self {
            node,
            name: found.name.clone(),
            operator,
            keeps_state: resolved.state().is_some(),
            levels: Levels::default(),
            sides,
            tables: found.inputs.iter().enumerate().filter_map(table).collect(),
            unchanged: Vec::new(),
            moment: None,
            told: Told::default(),
        })
    }

    /// Takes up the state that was saved, if there is any, to save at these levels. Called once, before
    /// everything else, of steps that keep state.
    pub(crate) fn restore(&mut self, state: &StateReader, levels: Levels) -> Result<()> {
        self.levels = levels;
        self.operator.restore(state)
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
        let (moment, starts) = match self.moment {
            Some(moment) if moment.epoch == plan.epoch => (moment, false),
            _ => (self.start(graph, plan), true),
        };
        let cx = Context::new(moment, self.sides, emitted, &mut self.told);
        let mut cx = cx.with_unchanged(&self.unchanged);
        if starts {
            self.operator.on_epoch_start(&mut cx)?;
        }
        match call {
            // What a step before made of nothing is not the table, which the operator has.
            Call::Batch(port, _) if !cx.is_renewed(port) => Ok(Flow::Done),
            Call::Batch(port, batch) => self.operator.on_batch(port, batch, &mut cx),
            Call::EpochEnd => self.operator.on_epoch_end(&mut cx),
            Call::More => self.operator.more(&mut cx),
        }
    }

    fn start(&mut self, graph: &Graph, plan: &EpochPlan) -> Moment {
        self.unchanged.clear();
        for (port, version) in &mut self.tables {
            if !version.moves_to(plan) {
                self.unchanged.push(*port);
            }
        }
        let watermarks = graph.watermarks_into(self.node, plan);
        *self.moment.insert(Moment { epoch: plan.epoch, now: plan.now, watermarks })
    }

    /// Ends an epoch in which there is nothing more to emit: what it did, and what it saves if it keeps
    /// state.
    ///
    /// # Errors
    /// What the operator reports. It must not be called again.
    pub fn end(&mut self, plan: &EpochPlan) -> Result<(Stepped, Option<StepSave>)> {
        let (step, told) = (self.name.clone(), std::mem::take(&mut self.told));
        if !self.keeps_state {
            return Ok((Stepped { step, told, tables: Tables::new() }, None));
        }
        let mut state = StateWriter::new(self.levels.of(plan.epoch));
        self.operator.save(&mut state)?;
        let (sections, notes) = state.into_parts();
        let stepped = Stepped { step: step.clone(), told, tables: notes.clone() };
        Ok((stepped, Some(StepSave { step, sections, notes })))
    }
}

impl fmt::Debug for Stepping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepping").field("name", &self.name).finish_non_exhaustive()
    }
}
