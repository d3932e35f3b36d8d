//! The cell of a step: one instance of its operator.

use std::rc::Rc;

use highwater_core::{Flow, Name, Output, Result};
use highwater_pipeline::parts::{Call, Stepping};
use highwater_pipeline::{NodeId, Tap};
use timely::dataflow::Stream;

use crate::cell::{Cell, Env, Frame, Parts, Streams};
use crate::container::Rows;
use crate::turn::Plans;

pub(crate) fn build<'s>(
    env: &Rc<Env>,
    node: (NodeId, &Name),
    sides: usize,
    inputs: Vec<(Tap, Stream<'s, u64, Rows>)>,
    plans: Stream<'s, u64, Plans>,
) -> Result<Streams<'s>> {
    let step = Stepping::build(env.graph(), node.0)?;
    let mut frame = Frame::new(env, node, plans);
    for (tap, stream) in inputs {
        frame.input(tap, stream)?;
    }
    let sides = (0..sides).map(Output::Side);
    let outputs = std::iter::once(Output::Main).chain(sides);
    let cell = |parts| StepCell { parts, step, flow: Flow::Done, ended: false };
    Ok(frame.finish(outputs, cell))
}

struct StepCell {
    parts: Parts,
    step: Stepping,
    /// Whether the operator has more to emit.
    flow: Flow,
    /// The operator was told that the epoch has ended.
    ended: bool,
}

impl Cell for StepCell {
    fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    fn advance(&mut self) -> Result<bool> {
        let Parts { env, turns, inputs, outputs, .. } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        let call = if self.flow == Flow::More {
            Call::More
        } else if self.ended {
            outputs.report(turn, self.step.done());
            turns.next();
            self.ended = false;
            return Ok(true);
        } else if let Some((port, batch)) = inputs.next(turn.time) {
            Call::Batch(port, batch)
        } else if inputs.close(turn.time) {
            self.ended = true;
            Call::EpochEnd
        } else {
            return Ok(false);
        };
        let mut emitted = Vec::new();
        self.flow = self.step.call((env.graph(), &turn.plan), call, &mut emitted)?;
        outputs.emit(turn, emitted)?;
        Ok(true)
    }
}
