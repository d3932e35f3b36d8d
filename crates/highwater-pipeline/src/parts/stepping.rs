//! One instance of a step.

use std::fmt;

use highwater_core::{Batch, Context, Emitted, EpochPlan, Flow, Operator, Port, Resolved, Result};

/// An operator with what it needs to be called.
pub struct Stepping {
    operator: Box<dyn Operator>,
    sides: usize,
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
        Ok(Self { operator: resolved.build()?, sides: resolved.sides().len() })
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
        let mut cx = Context::new(plan.epoch, plan.now, self.sides, emitted);
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
