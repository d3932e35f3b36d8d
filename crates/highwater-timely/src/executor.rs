//! The executor as the driver sees it: plans go in, reports come out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::channel::mpsc::{Receiver, Sender, channel};
use highwater_core::{EpochPlan, Error, ErrorKind, Result};
use highwater_pipeline::{Executor, Job, Report};
use timely::CommunicationConfig;
use timely::communication::allocator::AllocatorBuilder;

use crate::fault::bug;
use crate::worker::{self, Start};

/// The worker threads of one life. They end with it.
pub(crate) struct TimelyExecutor {
    plans: Sender<Arc<EpochPlan>>,
    reports: Receiver<Result<Report>>,
    halt: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// How many epochs.
    running: usize,
}

/// So many epochs run at once: the second is read while the files of the first are closed.
const AT_ONCE: usize = 2;

/// An epoch has two reports; one more would be a bug that nobody should wait for.
const REPORTS: usize = 2 * AT_ONCE;

impl TimelyExecutor {
    pub(crate) fn start(job: Job, workers: usize, in_flight: usize) -> Result<Self> {
        let channels = CommunicationConfig::Process(workers).try_build();
        let (channels, _) = channels.map_err(|error| Error::new(KIND, "timely", error))?;
        let (plans, receiver) = channel(AT_ONCE);
        let (driver, reports) = channel(REPORTS);
        let halt = Arc::new(AtomicBool::new(false));
        let mut executor = Self { plans, reports, halt, threads: Vec::new(), running: 0 };
        let mut receiver = Some(receiver);
        for (worker, channels) in channels.into_iter().enumerate() {
            let AllocatorBuilder::Process(channels) = channels else {
                return Err(bug("channels of another kind than asked for"));
            };
            executor.spawn(Start {
                channels,
                job: job.clone(),
                worker,
                workers,
                in_flight,
                plans: receiver.take(),
                driver: driver.clone(),
                halt: Arc::clone(&executor.halt),
            })?;
        }
        Ok(executor)
    }

    fn spawn(&mut self, start: Start) -> Result<()> {
        // Thread 0 is the driver's.
        let name = format!("highwater-{}-{}", start.job.plan.name(), start.worker + 1);
        let thread = thread::Builder::new().name(name).spawn(move || worker::run(start));
        let thread = thread.map_err(|error| Error::new(KIND, "timely", error))?;
        self.threads.push(thread);
        Ok(())
    }
}

const KIND: ErrorKind = ErrorKind::Transient;

#[async_trait(?Send)]
impl Executor for TimelyExecutor {
    fn submit(&mut self, plan: Arc<EpochPlan>) -> Result<()> {
        if self.running == AT_ONCE {
            return Err(bug("an epoch was submitted while as many run as may"));
        }
        self.running += 1;
        // A worker that has ended has said why: the error comes with the next report.
        let _ended = self.plans.try_send(plan);
        Ok(())
    }

    fn plans_ahead(&self) -> bool {
        true
    }

    async fn next(&mut self) -> Result<Report> {
        let report = self.reports.next().await;
        let report = report.ok_or_else(|| bug("the workers ended without a word"))??;
        if matches!(report, Report::Prepared(_)) {
            self.running = self.running.saturating_sub(1);
        }
        Ok(report)
    }
}

impl Drop for TimelyExecutor {
    /// Ends the workers, in the middle of an epoch too. It is dropped on the driver's own thread,
    /// so that no task of the caller waits for them.
    fn drop(&mut self) {
        self.halt.store(true, Ordering::SeqCst);
        for thread in &self.threads {
            thread.thread().unpark();
        }
        for thread in self.threads.drain(..) {
            // A panic outside of the cells was none of the epoch's; the workers are gone either way.
            let _panicked = thread.join();
        }
    }
}
