//! Lives of a run: what passes by itself ends a life, and the next one recovers as after a crash.

use std::time::Duration;

use highwater_core::{Epoch, Error, ErrorKind};
use tokio::time::Instant;

use crate::driver::Driver;
use crate::handle::Shared;
use crate::{Event, Options, Plan, RunError, State, meters};

const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs a plan until it is done, stopped or failed for good.
pub(crate) async fn run(plan: &Plan, options: &Options, shared: &Shared) -> Result<(), RunError> {
    let mut pause = options.first_retry_after;
    let mut ever_ran = false;
    let mut progressed = Instant::now();
    loop {
        let mut life = Life::default();
        let Err(error) = live(plan, options, shared, &mut life).await else { return Ok(()) };
        ever_ran |= life.planned;
        if life.committed {
            (pause, progressed) = (options.first_retry_after, Instant::now());
        }
        let passes = error.kind() == ErrorKind::Transient && ever_ran;
        meters::failed(plan.name(), error.kind());
        if !passes || progressed.elapsed() >= options.retry_for {
            tell_end(plan, &life, &error);
            return Err(RunError { pipeline: plan.name().clone(), epoch: life.epoch, error });
        }
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(pipeline = %plan.name(), %error, pause_ms, "retrying");
        shared.set_state(State::Retrying);
        shared.tell(Event::Retrying { error: error.to_string(), pause_ms });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.stopping() => return Ok(()),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The error itself goes to whoever waits for the run, so this says no more than that it ended.
fn tell_end(plan: &Plan, life: &Life, error: &Error) {
    let (pipeline, kind) = (plan.name(), meters::word(error.kind()));
    let epoch = life.epoch.map(|epoch| epoch.0);
    tracing::info!(%pipeline, epoch, kind, %error, "stopped by an error");
}

/// What a life has come to, also when it failed.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// Every source has answered once: what fails from now on may pass by itself.
    pub(crate) planned: bool,
    /// It committed an epoch.
    pub(crate) committed: bool,
    /// The epoch it was in.
    pub(crate) epoch: Option<Epoch>,
}

async fn live(
    plan: &Plan,
    options: &Options,
    shared: &Shared,
    life: &mut Life,
) -> Result<(), Error> {
    let mut driver = tokio::select! {
        driver = begin(plan, options, shared, life) => driver?,
        () = shared.stopping() => return Ok(()),
    };
    driver.run(life).await
}

/// Opens and recovers. A stop may cut it short anywhere, as a crash may.
async fn begin<'a>(
    plan: &'a Plan,
    options: &'a Options,
    shared: &'a Shared,
    life: &mut Life,
) -> Result<Driver<'a>, Error> {
    let mut driver = Driver::open(plan, options, shared).await?;
    driver.recover(life).await?;
    Ok(driver)
}
