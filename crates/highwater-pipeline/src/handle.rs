//! The handle of a running pipeline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use highwater_core::{Epoch, Error, ErrorKind, Name, Positions, Result};
use serde::Serialize;
use tokio::sync::{broadcast, oneshot, watch};

use crate::{Began, Event, Options, Plan, Progress, RunError, meters, supervisor};

const PROGRESS_KEPT: usize = 100;
const PANICKED: &str = "the pipeline's thread panicked; nothing of its epoch was committed";

/// A running pipeline. Dropping the handle lets it run on; [`wait`](Self::wait) gives its end.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use highwater_pipeline::{Event, Options, Pipeline, State, Trigger};
/// use highwater_storage::Storage;
/// use highwater_testkit::memory::MemoryTable;
/// use highwater_testkit::memory_source::MemorySource;
/// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// # use highwater_core::Epoch;
///
/// # let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// # let rows = RecordBatch::try_from_iter([("id", ids)])?;
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
/// let source = MemorySource::new("orders", rows.schema(), 1);
/// source.append(0, rows);
/// let p = Pipeline::new("orders");
/// p.source("orders", source).sink("orders", MemoryTable::new("orders"));
///
/// let handle = p.build()?.start(Options::checkpoint_in(Storage::memory()))?;
/// let mut events = handle.subscribe();
/// let Event::Began(began) = events.recv().await? else { panic!("it begins first") };
/// assert_eq!(began.after, None); // nothing was committed before
/// let Event::Progress(progress) = events.recv().await? else { panic!("an epoch") };
/// assert_eq!(progress.num_input_rows, 3);
///
/// let observer = handle.observer(); // cheap, for the page of a service
/// handle.stop().await?;
/// assert_eq!(observer.status().state, State::Stopped);
/// assert_eq!(observer.status().committed, Some(Epoch(0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    end: oneshot::Receiver<Result<(), RunError>>,
    /// Made before the thread, for the first subscriber: it misses nothing.
    from_the_start: Mutex<Option<broadcast::Receiver<Event>>>,
}

/// Where a pipeline stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The pipeline.
    pub pipeline: Name,
    /// What it is doing.
    pub state: State,
    /// The last epoch that every table holds, as far as this process knows.
    pub committed: Option<Epoch>,
    /// What ended the last life, or the run; none once an epoch is committed again.
    pub error: Option<String>,
}

/// What a pipeline is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
                let _ending = Ending(&driver);
                let result = runtime.block_on(supervisor::run(&plan, &options, &driver));
                driver.end(&result);
                // Nobody waits when the handle was dropped.
                let _unread = ended.send(result);
            })
            .map_err(|error| Error::new(ErrorKind::Transient, "pipeline", error))?;
        Ok(Self { shared, end, from_the_start })
    }

    /// Where it stands.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::datatypes::Schema;
    /// # use highwater_pipeline::{Options, Pipeline, Trigger};
    /// # use highwater_storage::Storage;
    /// # use highwater_testkit::{memory::MemoryTable, memory_source::MemorySource};
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
    /// # let source = MemorySource::new("orders", Arc::new(Schema::empty()), 1);
    /// # let p = Pipeline::new("orders");
    /// # p.source("orders", source).sink("orders", MemoryTable::new("orders"));
    /// # let options = Options::checkpoint_in(Storage::memory());
    /// let handle = p.build()?.start(options)?;
    /// let status = handle.status();
    /// assert_eq!((status.pipeline.as_str(), status.error), ("orders", None));
    /// # handle.stop().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The last 100 epochs of this process, the newest at the end.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use highwater_pipeline::{Options, Pipeline, Trigger};
    /// # use highwater_storage::Storage;
    /// # use highwater_testkit::{memory::MemoryTable, memory_source::MemorySource};
    /// # let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    /// # let rows = RecordBatch::try_from_iter([("id", ids)])?;
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
    /// # let source = MemorySource::new("orders", rows.schema(), 1);
    /// # source.append(0, rows);
    /// # let p = Pipeline::new("orders");
    /// # p.source("orders", source).sink("orders", MemoryTable::new("orders"));
    /// # let options = Options::checkpoint_in(Storage::memory());
    /// let handle = p.build()?.start(options.trigger(Trigger::available_now()))?;
    /// let observer = handle.observer();
    /// handle.wait().await?;
    /// let [epoch] = &observer.recent_progress()[..] else { panic!("one epoch") };
    /// assert_eq!((epoch.accounting.rows, epoch.accounting.rejected), (3, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recent_progress(&self) -> Vec<Progress> {
        self.shared.recent_progress()
    }

    /// What happens: to the first subscriber from the start, to others from now on. A slow reader
    /// misses the oldest events, and is told how many. The example of [`Handle`] has one.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        let first = lock(&self.from_the_start).take();
        first.unwrap_or_else(|| self.shared.events.subscribe())
    }

    /// A handle with which others can see where it stands, also after its end.
    pub fn observer(&self) -> Observer {
        Observer(Arc::clone(&self.shared))
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
                let error = Error::new(ErrorKind::Internal, "pipeline", PANICKED);
                Err(RunError { pipeline, epoch: None, error })
            }
        }
    }
}

/// Shows a pipeline to others, such as to the page of a service. Cheap to clone; it neither stops
/// the pipeline nor keeps it running.
#[derive(Clone, Debug)]
pub struct Observer(Arc<Shared>);

impl Observer {
    /// Where it stands.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// The last 100 epochs of this process, the newest at the end.
    pub fn recent_progress(&self) -> Vec<Progress> {
        self.0.recent_progress()
    }

    /// What happens from now on. A slow reader misses the oldest events, and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
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
        let status = Status { pipeline, state: State::Starting, committed: None, error: None };
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

    fn recent_progress(&self) -> Vec<Progress> {
        lock(&self.recent).iter().cloned().collect()
    }

    /// What is known and counted is so before those who listen hear of it.
    pub(crate) fn tell(&self, event: Event) {
        self.note(&event);
        meters::told(&self.status().pipeline, &event);
        // Nobody may be listening.
        let _unheard = self.events.send(event);
    }

    fn note(&self, event: &Event) {
        let mut status = lock(&self.status);
        match event {
            Event::Began(Began { after, .. }) => status.committed = *after,
            Event::Retrying { error, .. } => status.error = Some(error.clone()),
            Event::Idle(_) => {}
            Event::Progress(progress) => {
                status.committed = Some(progress.batch_id);
                status.error = None;
                let mut recent = lock(&self.recent);
                recent.push_back(Progress::clone(progress));
                if recent.len() > PROGRESS_KEPT {
                    recent.pop_front();
                }
            }
        }
    }

    fn end(&self, result: &Result<(), RunError>) {
        let mut status = lock(&self.status);
        status.state = State::Stopped;
        if let Err(error) = result {
            status.error = Some(error.to_string());
        }
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

/// Says that a run is over whose thread panicked.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut status = lock(&self.0.status);
            (status.state, status.error) = (State::Stopped, Some(PANICKED.to_owned()));
        }
    }
}

/// A panic elsewhere leaves at worst an old status behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
