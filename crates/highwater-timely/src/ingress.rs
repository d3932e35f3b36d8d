//! Where plans enter: on worker 0, for every worker.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use futures::StreamExt as _;
use futures::channel::mpsc::Receiver;
use highwater_core::EpochPlan;
use timely::dataflow::channels::pact::DistributorPact;
use timely::dataflow::channels::pushers::Output as Pusher;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::{Scope, Stream};
use timely::progress::operate::FrontierInterest;

use crate::cell::Env;
use crate::container::Letter;
use crate::route::ByAddress;
use crate::turn::Plans;
use crate::wake::Alarm;

/// The plans as every worker sees them. Worker 0 has the end of the channel that they come through.
pub(crate) fn build<'s>(
    env: &Rc<Env>,
    scope: Scope<'s, u64>,
    plans: Option<Receiver<Arc<EpochPlan>>>,
) -> Stream<'s, u64, Plans> {
    let mut builder = OperatorBuilder::new("plans".to_owned(), scope);
    let (output, stream) = builder.new_output();
    let alarm = Alarm::new(scope, builder.operator_info().address);
    let workers = env.workers;
    builder.build(move |initial| {
        let mut entrance = plans.zip(initial.into_iter().next()).map(|(plans, next)| Entrance {
            plans,
            next,
            workers,
            output,
            alarm,
        });
        move |_| {
            if entrance.as_mut().is_some_and(|entrance| entrance.receive() == End::Reached) {
                entrance = None;
            }
        }
    });
    distribute(stream)
}

struct Entrance {
    plans: Receiver<Arc<EpochPlan>>,
    /// The time of the next plan.
    next: Capability<u64>,
    workers: usize,
    output: Pusher<u64, Plans>,
    alarm: Alarm,
}

#[derive(PartialEq, Eq)]
enum End {
    Open,
    Reached,
}

impl Entrance {
    fn receive(&mut self) -> End {
        while let Poll::Ready(plan) = self.plans.poll_next_unpin(&mut self.alarm.context()) {
            let Some(plan) = plan else { return End::Reached };
            let mut session = self.output.activate();
            for worker in 0..self.workers {
                session.give(&self.next, &mut Letter::new(worker, Arc::clone(&plan)));
            }
            drop(session);
            let after = *self.next.time() + 1;
            self.next.downgrade(&after);
        }
        End::Open
    }
}

/// Takes the letters of this worker. One channel between the workers serves all cells.
fn distribute(stream: Stream<'_, u64, Plans>) -> Stream<'_, u64, Plans> {
    let mut builder = OperatorBuilder::new("plans here".to_owned(), stream.scope());
    let mut input = builder.new_input(stream, DistributorPact(|_| ByAddress));
    let (mut output, local) = builder.new_output();
    builder.set_notify_for(0, FrontierInterest::Never);
    builder.build(move |initial| {
        drop(initial);
        move |_| {
            input.for_each(|held, letter| output.activate().give(&held, letter));
        }
    });
    local
}
