//! One instance of a step.

use std::fmt;

use highwater_core::{
    Batch, Context, Emitted, EpochPlan, Flow, Moment, Operator, Port, Resolved, Result, StepCounts,
    Watermarks,
};

/// An operator with what it needs to be called.
pub struct Stepping {
    operator: Box<dyn Operator>,
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
    /// A new instance of a step.
    ///
    /// # Errors
    /// What the step reports.
    pub fn build(resolved: &Resolved) -> Result<Self> {
        let (operator, sides) = (resolved.build()?, resolved.sides().len());
        Ok(Self { operator, sides, counts: StepCounts::default() })
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
