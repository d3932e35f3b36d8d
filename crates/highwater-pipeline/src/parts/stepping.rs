//! One instance of a step.

use std::fmt;

use highwater_checkpoint::Tables;
use highwater_core::{
    Batch, Context, Emitted, EpochPlan, Flow, Level, Moment, Name, Operator, Port, Resolved,
    Result, StateReader, StateWriter, StepCounts, Watermarks,
};
use highwater_state::StepSave;

use crate::accounting::Stepped;

/// An operator with what it needs to be called.
pub struct Stepping {
    name: Name,
    operator: Box<dyn Operator>,
    keeps_state: bool,
    sides: usize,
    counts: StepCounts,
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
    /// A new instance of the step `name`.
    ///
    /// # Errors
    /// What the step reports.
    pub fn build(name: &Name, resolved: &Resolved) -> Result<Self> {
        let (operator, sides) = (resolved.build()?, resolved.sides().len());
        let (keeps_state, counts) = (resolved.state().is_some(), StepCounts::default());
        Ok(Self { name: name.clone(), operator, keeps_state, sides, counts })
    }

    /// Takes up the state that was saved, if there is any. Called once, before everything else, of
    /// steps that keep state.
    pub(crate) fn restore(&mut self, state: &StateReader) -> Result<()> {
        self.operator.restore(state)
    }

    /// Ends an epoch in which there is nothing more to emit: what it did, and what it saves if it keeps
    /// state.
    ///
    /// # Errors
    /// What the operator reports. It must not be called again.
    pub fn end(&mut self, plan: &EpochPlan) -> Result<(Stepped, Option<StepSave>)> {
        let (step, counts) = (self.name.clone(), std::mem::take(&mut self.counts));
        if !self.keeps_state {
            return Ok((Stepped { step, counts, tables: Tables::new() }, None));
        }
        let mut state = StateWriter::new(Level::of(plan.epoch));
        self.operator.save(&mut state)?;
        let (sections, notes) = state.into_parts();
        let stepped = Stepped { step: step.clone(), counts, tables: notes.clone() };
        Ok((stepped, Some(StepSave { step, sections, notes })))
    }

    /// Calls the operator. What it emits goes to the end of `emitted`, and is to be passed on before
    /// it is called for more.
    ///
    /// # Errors
    /// What the operator reports. It must not be called again.
    pub fn call(
        &mut self,
        plan: &EpochPlan,
        call: Call,
        emitted: &mut Vec<Emitted>,
    ) -> Result<Flow> {
        let watermarks = Watermarks::UNKNOWN;
        let moment = Moment { epoch: plan.epoch, now: plan.now, watermarks };
        let mut cx = Context::new(moment, self.sides, emitted, &mut self.counts);
        match call {
            Call::Batch(port, batch) => self.operator.on_batch(port, batch, &mut cx),
            Call::EpochEnd => self.operator.on_epoch_end(&mut cx),
            Call::More => self.operator.more(&mut cx),
        }
    }
}

impl fmt::Debug for Stepping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepping").field("sides", &self.sides).finish_non_exhaustive()
    }
}
