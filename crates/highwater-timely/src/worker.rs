//! One worker thread: it builds its dataflow, and steps it until all is done or something fails.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::channel::mpsc::{Receiver, Sender};
use highwater_core::{EpochPlan, Result};
use highwater_pipeline::parts::Gathering;
use highwater_pipeline::{Job, Report};
use timely::WorkerConfig;
use timely::communication::Allocator;
use timely::communication::allocator::ProcessBuilder;
use timely::worker::Worker;

use crate::cell::Env;
use crate::dataflow::{self, Ends};
use crate::fault::Fault;

/// What a worker thread is started with.
pub(crate) struct Start {
    pub(crate) channels: ProcessBuilder,
    pub(crate) job: Job,
    pub(crate) worker: usize,
    pub(crate) workers: usize,
    pub(crate) in_flight: usize,
    /// Worker 0 gets the plans.
    pub(crate) plans: Option<Receiver<Arc<EpochPlan>>>,
    pub(crate) driver: Sender<Result<Report>>,
    /// Set when the others are to stop: one has failed, or the executor was dropped.
    pub(crate) halt: Arc<AtomicBool>,
}

/// Runs until the executor is dropped, or until a cell fails or panics: the driver then gets the
/// error, and nothing of the epoch is released.
pub(crate) fn run(start: Start) {
    let Start { channels, job, worker: index, workers, in_flight, plans, driver, halt } = start;
    let fault = Rc::new(Fault::default());
    // Readers and writers find their timers and sockets here, wherever they are polled.
    let runtime = job.runtime.clone();
    let _io = runtime.enter();
    let gathering = RefCell::new(Gathering::new(job.plan.graph()));
    let mut job = job;
    let saved = job.state.take_saved();
    let env = Env { job, worker: index, workers, in_flight, fault: Rc::clone(&fault), gathering };
    let mut tell = driver.clone();
    let channels = Allocator::Process(channels.build());
    let mut worker = Worker::new(WorkerConfig::default(), channels, Some(Instant::now()));
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let env = Rc::new(env);
        let ends = Ends { plans, driver };
        worker.dataflow::<u64, _, _>(|scope| dataflow::build(scope, &env, &saved, ends))?;
        drop(saved);
        env.job.restored()?;
        while !halt.load(Ordering::SeqCst) && worker.has_dataflows() {
            worker.step_or_park(None);
            if let Some(error) = fault.take() {
                return Err(error);
            }
        }
        Ok(())
    }));
    let failed = match ran {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(payload) => Some(fault.panicked(payload.as_ref())),
    };
    if let Some(error) = failed {
        // The first error is the one that the driver takes; whether there is room for another does
        // not matter.
        let _full = tell.try_send(Err(error));
    }
    // What unwound may have left a cell that panics again when it is dropped.
    let _again = catch_unwind(AssertUnwindSafe(|| {
        for dataflow in worker.installed_dataflows() {
            worker.drop_dataflow(dataflow);
        }
    }));
}
