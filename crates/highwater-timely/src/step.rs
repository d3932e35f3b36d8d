//! The cell of a step: one instance of its operator.

use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use highwater_core::{Flow, Name, Output, Result};
use highwater_pipeline::parts::{Call, Stepping};
use highwater_pipeline::{Done, NodeId, Tap};
use timely::dataflow::Stream;

use crate::cell::{Cell, Env, Frame, Parts, Streams};
use crate::container::Rows;
use crate::turn::Plans;

pub(crate) fn build<'s>(
    env: &Rc<Env>,
    node: (NodeId, &Name),
    (step, sides): (Stepping, usize),
    inputs: Vec<(Tap, Stream<'s, u64, Rows>)>,
    plans: Stream<'s, u64, Plans>,
) -> Result<Streams<'s>> {
    let mut frame = Frame::new(env, node, plans);
    for (tap, stream) in inputs {
        frame.input(tap, stream)?;
    }
    let sides = (0..sides).map(Output::Side);
    let outputs = std::iter::once(Output::Main).chain(sides);
    let cell = |parts| StepCell { parts, step, state: State::Open(Flow::Done) };
    Ok(frame.finish(outputs, cell))
}

struct StepCell {
    parts: Parts,
    step: Stepping,
    state: State,
}

/// Where the operator is in the current epoch.
enum State {
    /// Batches come. It may have more to emit of the last one.
    Open(Flow),
    /// It was told that the epoch has ended. It may have more to emit.
    Ending(Flow),
    /// It is the last of its worker to save its state, and waits until that of all is durable.
    Saving(BoxFuture<'static, Result<Done>>),
}

impl Cell for StepCell {
    fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    fn advance(&mut self) -> Result<bool> {
        let Parts { turns, inputs, alarm, .. } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        match &mut self.state {
            State::Open(Flow::More) => self.call(Call::More, State::Open),
            State::Ending(Flow::More) => self.call(Call::More, State::Ending),
            State::Open(Flow::Done) => {
                if let Some((port, batch)) = inputs.next(turn.time) {
                    self.call(Call::Batch(port, batch), State::Open)
                } else if inputs.close(turn.time) {
                    self.call(Call::EpochEnd, State::Ending)
                } else {
                    Ok(false)
                }
            }
            State::Ending(Flow::Done) => self.end(),
            State::Saving(saving) => match saving.poll_unpin(&mut alarm.context()) {
                Poll::Pending => Ok(false),
                Poll::Ready(done) => {
                    let done = done?;
                    self.report(done);
                    Ok(true)
                }
            },
        }
    }
}

impl StepCell {
    fn call(&mut self, call: Call, state: fn(Flow) -> State) -> Result<bool> {
        let Parts { env, turns, outputs, .. } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        let mut emitted = Vec::new();
        self.state = state(self.step.call((env.graph(), &turn.plan), call, &mut emitted)?);
        outputs.emit(turn, emitted)?;
        Ok(true)
    }

    /// Lets those that read its rows go on, whatever becomes of its state meanwhile.
    fn end(&mut self) -> Result<bool> {
        let Parts { env, turns, outputs, .. } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        outputs.end(turn);
        let (stepped, save) = self.step.end(&turn.plan)?;
        match save.and_then(|save| env.gathering.borrow_mut().add(save)) {
            Some(all) => {
                let saved = all.write(&env.job, &turn.plan, env.place());
                let saving = async { Ok(Done::Saved(stepped, saved.await?)) };
                self.state = State::Saving(saving.boxed());
            }
            None => self.report(Done::Stepped(stepped)),
        }
        Ok(true)
    }

    fn report(&mut self, done: Done) {
        let Parts { turns, outputs, .. } = &mut self.parts;
        if let Some(turn) = turns.current() {
            outputs.report(turn, done);
        }
        turns.next();
        self.state = State::Open(Flow::Done);
    }
}
