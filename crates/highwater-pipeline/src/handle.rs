//! The handle of a running pipeline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use highwater_core::{Epoch, Error, ErrorKind, Name, Positions, Result};
use tokio::sync::{broadcast, oneshot, watch};

use crate::{Event, Options, Plan, Progress, RunError, supervisor};

const PROGRESS_KEPT: usize = 100;

/// A running pipeline. Dropping the handle lets it run on; [`wait`](Self::wait) gives its end.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    end: oneshot::Receiver<Result<(), RunError>>,
    /// Made before the thread, for the first subscriber: it misses nothing.
    from_the_start: Mutex<Option<broadcast::Receiver<Event>>>,
}

/// What a pipeline is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The pipeline.
    pub pipeline: Name,
    /// What it is doing.
    pub state: State,
    /// The last epoch that every table holds, as far as this process knows.
    pub committed: Option<Epoch>,
}

/// What a pipeline is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Opening tables and finding out where it stands.
    Starting,
    /// Waiting for the trigger or for data.
    Waiting,
    /// Reading, computing or committing an epoch.
    Running(Epoch),
    /// Waiting before it tries again.
    Retrying,
    /// Stopped.
    Stopped,
}

/// What the driver's thread and the handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    status: Mutex<Status>,
    recent: Mutex<VecDeque<Progress>>,
    events: broadcast::Sender<Event>,
    stop: watch::Sender<bool>,
    /// Where a run over what is there ends. Fixed by its first life.
    pub(crate) ends: OnceLock<BTreeMap<Name, Positions>>,
}

impl Handle {
    pub(crate) fn spawn(
        plan: Plan,
        options: Options,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::new(plan.name().clone()));
        let from_the_start = Mutex::new(Some(shared.events.subscribe()));
        let (ended, end) = oneshot::channel();
        let name = format!("highwater-{}-0", plan.name());
        let driver = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(name)
            .spawn(move || {
                let result = runtime.block_on(supervisor::run(&plan, &options, &driver));
                driver.set_state(State::Stopped);
                // Nobody waits when the handle was dropped.
                let _unread = ended.send(result);
            })
            .map_err(|error| Error::new(ErrorKind::Transient, "pipeline", error))?;
        Ok(Self { shared, end, from_the_start })
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The last epochs, the newest at the end.
    pub fn recent_progress(&self) -> Vec<Progress> {
        lock(&self.shared.recent).iter().cloned().collect()
    }

    /// What happens: to the first subscriber from the start, to others from now on. A slow reader
    /// misses the oldest events.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        let first = lock(&self.from_the_start).take();
        first.unwrap_or_else(|| self.shared.events.subscribe())
    }

    /// A handle with which others can stop it.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Asks it to stop, and waits until the running epoch is committed or abandoned.
    ///
    /// # Errors
    /// What ended it, if it had failed.
    pub async fn stop(self) -> Result<(), RunError> {
        self.shared.ask_to_stop();
        self.wait().await
    }

    /// Waits until it has come to its end.
    ///
    /// # Errors
    /// What ended it.
    pub async fn wait(self) -> Result<(), RunError> {
        let pipeline = self.shared.status().pipeline;
        match self.end.await {
            Ok(result) => result,
            Err(_) => {
                let what = "the pipeline's thread panicked; nothing of its epoch was committed";
                let error = Error::new(ErrorKind::Internal, "pipeline", what);
                Err(RunError { pipeline, epoch: None, error })
            }
        }
    }
}

/// Stops a pipeline from elsewhere, such as from a signal.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// Asks the pipeline to stop. [`Handle::wait`] tells when it has.
    pub fn stop(&self) {
        self.0.ask_to_stop();
    }
}

impl Shared {
    fn new(pipeline: Name) -> Self {
        let status = Status { pipeline, state: State::Starting, committed: None };
        Self {
            status: Mutex::new(status),
            recent: Mutex::default(),
            events: broadcast::channel(PROGRESS_KEPT).0,
            stop: watch::channel(false).0,
            ends: OnceLock::new(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    pub(crate) fn set_state(&self, state: State) {
        lock(&self.status).state = state;
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Event::Progress(progress) = &event {
            lock(&self.status).committed = Some(progress.batch_id);
            let mut recent = lock(&self.recent);
            recent.push_back(Progress::clone(progress));
            if recent.len() > PROGRESS_KEPT {
                recent.pop_front();
            }
        }
        // Nobody may be listening.
        let _unheard = self.events.send(event);
    }

    fn ask_to_stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Resolves once somebody asked to stop.
    pub(crate) async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as self.
        let _alive = stop.wait_for(|stop| *stop).await;
    }
}

/// A panic elsewhere leaves at worst an old status behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
