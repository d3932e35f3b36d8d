//! The cell of a sink: writes the rows of its worker into files.

use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use highwater_core::{Failpoint, Name, Result};
use highwater_pipeline::parts::Writing;
use highwater_pipeline::{Done, NodeId, Tap};
use timely::dataflow::Stream;

use crate::cell::{Cell, Env, Frame, Parts, Streams};
use crate::container::Rows;
use crate::turn::Plans;

pub(crate) fn build<'s>(
    env: &Rc<Env>,
    node: (NodeId, &Name),
    inputs: Vec<(Tap, Stream<'s, u64, Rows>)>,
    plans: Stream<'s, u64, Plans>,
) -> Result<Streams<'s>> {
    let mut frame = Frame::new(env, node, plans);
    for (tap, stream) in inputs {
        frame.input(tap, stream)?;
    }
    Ok(frame.finish([], |parts| SinkCell { parts, state: State::Idle }))
}

struct SinkCell {
    parts: Parts,
    state: State,
}

/// Where the writer of the current epoch is.
enum State {
    /// No row has come yet.
    Idle,
    Open(Box<Writing>),
    /// It waits until less is waiting for its upload.
    CatchingUp(BoxFuture<'static, Result<Box<Writing>>>),
    /// Its last files are on their way.
    Closing(BoxFuture<'static, Result<Done>>),
}

impl Cell for SinkCell {
    fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    fn advance(&mut self) -> Result<bool> {
        let Parts { env, node, alarm, turns, inputs, outputs } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        match &mut self.state {
            State::CatchingUp(writing) => match writing.poll_unpin(&mut alarm.context()) {
                Poll::Pending => return Ok(false),
                Poll::Ready(writing) => self.state = State::Open(writing?),
            },
            State::Closing(closing) => match closing.poll_unpin(&mut alarm.context()) {
                Poll::Pending => return Ok(false),
                Poll::Ready(done) => {
                    outputs.report(turn, done?);
                    turns.next();
                    self.state = State::Idle;
                }
            },
            State::Idle | State::Open(_) => {
                if let Some((_, batch)) = inputs.next(turn.time) {
                    let mut writing = match std::mem::replace(&mut self.state, State::Idle) {
                        State::Open(writing) => writing,
                        _ => Box::new(Writing::open(&env.job, *node, &turn.plan, env.worker)?),
                    };
                    writing.write(batch)?;
                    let ready = async { writing.ready().await.map(|()| writing) };
                    self.state = State::CatchingUp(ready.boxed());
                } else if !inputs.close(turn.time) {
                    return Ok(false);
                } else if let State::Open(writing) = std::mem::replace(&mut self.state, State::Idle)
                {
                    env.job.failpoints.hit(Failpoint::BeforeClose)?;
                    self.state = State::Closing(writing.close().boxed());
                } else {
                    outputs.report(turn, Done::Idle);
                    turns.next();
                }
            }
        }
        Ok(true)
    }
}
