//! A pipeline of one's own under test: fed, killed at every step, started again, compared.
#![expect(clippy::panic, reason = "a test ends at the first thing that does not hold")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use highwater_core::{Clock, Failpoint, Timestamp};
use highwater_pipeline::{ExecutorSpec, Inline, Options, Pipeline, RunError, Trigger};
use highwater_storage::Storage;
use tokio::runtime::Runtime;

use crate::failpoints::{Armed, Occurrence, Shot, is_injected};

mod world;
pub use world::World;

/// More lives than this, and a run makes no progress.
const MOST_LIVES: usize = 20;
const SHOTS: [Shot; 2] = [Shot::Kill, Shot::Fail];

/// A pipeline and what it is fed. Each feed is processed to its end by a start of its own.
///
/// Tables are in memory, or any others that the pipeline keeps in [`World::storage`] and reads by
/// [`World::read_with`].
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_pipeline::Pipeline;
/// use highwater_testkit::harness::Harness;
///
/// let orders = |ids: [i64; 3]| {
///     let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
///     RecordBatch::try_from_iter([("id", id)]).unwrap()
/// };
/// let schema = orders([0, 0, 0]).schema();
///
/// Harness::new(|world| {
///     let p = Pipeline::new("orders");
///     p.source("orders", world.source("orders", schema.clone())).sink("orders", world.table("orders"));
///     p
/// })
/// .feed("orders", orders([1, 2, 3]))
/// .feed("orders", orders([4, 5, 6]))
/// .every_crash();
/// ```
pub struct Harness<'a> {
    build: Box<dyn Fn(&World) -> Pipeline + 'a>,
    feeds: Vec<Feed>,
    records_per_epoch: NonZeroU64,
    executors: Vec<Arc<dyn ExecutorSpec>>,
    runtime: Runtime,
}

enum Feed {
    /// Rows for each partition of a source.
    Rows(String, Vec<RecordBatch>),
    Rejected(String, Vec<u8>, String),
    /// The rows of the next version of a table.
    Version(String, RecordBatch),
}

/// What a set of runs has met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many runs there were.
    pub runs: usize,
    /// The failpoints at which a run was killed or failed.
    pub fired: BTreeSet<Failpoint>,
}

/// One run from the first feed to the last.
struct Run {
    rows: BTreeMap<String, Vec<String>>,
    armed: Arc<Armed>,
}

impl<'a> Harness<'a> {
    /// A harness for the pipeline that `build` declares over the sources and tables of a world.
    ///
    /// # Panics
    /// When the system has no room for another runtime.
    pub fn new(build: impl Fn(&World) -> Pipeline + 'a) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        Self {
            build: Box::new(build),
            feeds: Vec::new(),
            records_per_epoch: NonZeroU64::MAX,
            executors: vec![Arc::new(Inline)],
            runtime,
        }
    }

    /// Feeds rows to a source.
    #[must_use]
    pub fn feed(self, source: &str, rows: RecordBatch) -> Self {
        self.feed_partitions(source, [rows])
    }

    /// Feeds rows to each partition of a source that has several, from the first on.
    #[must_use]
    pub fn feed_partitions(
        mut self,
        source: &str,
        rows: impl IntoIterator<Item = RecordBatch>,
    ) -> Self {
        self.feeds.push(Feed::Rows(source.to_owned(), rows.into_iter().collect()));
        self
    }

    /// Feeds a record that cannot become a row.
    #[must_use]
    pub fn feed_rejected(mut self, source: &str, raw: &[u8], reason: &str) -> Self {
        self.feeds.push(Feed::Rejected(source.to_owned(), raw.to_vec(), reason.to_owned()));
        self
    }

    /// Gives a [table that is read](World::versions) its next version.
    #[must_use]
    pub fn feed_version(mut self, table: &str, rows: RecordBatch) -> Self {
        self.feeds.push(Feed::Version(table.to_owned(), rows));
        self
    }

    /// Cuts each feed into epochs of at most this many records.
    #[must_use]
    pub fn records_per_epoch(mut self, records: NonZeroU64) -> Self {
        self.records_per_epoch = records;
        self
    }

    /// What runs each life of a run, in turn: the first life by the first of them, and so on, over
    /// again after the last. [`Inline`] where nothing is said.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn executors(mut self, executors: impl IntoIterator<Item = Arc<dyn ExecutorSpec>>) -> Self {
        self.executors = executors.into_iter().collect();
        assert!(!self.executors.is_empty(), "something has to run the pipeline");
        self
    }

    /// The rows of every table after an undisturbed run, sorted, each as its columns in words.
    ///
    /// # Panics
    /// When the pipeline fails.
    pub fn tables(&self) -> BTreeMap<String, Vec<String>> {
        self.run(&[]).rows
    }

    /// Kills the pipeline, and makes it fail, at every step of an undisturbed run, one run each,
    /// and checks that the tables come out the same every time.
    ///
    /// # Panics
    /// When a row is lost or doubled, when the pipeline fails by itself, or when a fault did not
    /// happen.
    pub fn every_crash(&self) -> Coverage {
        let clean = self.run(&[]);
        let mut coverage = Coverage::default();
        for occurrence in clean.armed.seen() {
            for shot in SHOTS {
                self.check(&clean, &[(occurrence, shot)], &mut coverage);
            }
        }
        coverage
    }

    /// Kills the pipeline twice: at every step, and at every step that is met after it, recovery
    /// included. Checks the tables as [`every_crash`](Self::every_crash) does.
    ///
    /// # Panics
    /// As [`every_crash`](Self::every_crash).
    pub fn every_pair_of_crashes(&self) -> Coverage {
        self.every_pair_of(&[Shot::Kill])
    }

    /// As [`every_pair_of_crashes`](Self::every_pair_of_crashes), with each of the two being a kill
    /// or a failure.
    ///
    /// # Panics
    /// As [`every_crash`](Self::every_crash).
    pub fn every_pair_of_faults(&self) -> Coverage {
        self.every_pair_of(&SHOTS)
    }

    /// Runs with the faults that `choose` picks among the steps of an undisturbed run, and checks that
    /// the tables come out the same. Says how many faults happened: after the first one, a life may
    /// take another way and meet fewer steps.
    ///
    /// # Panics
    /// When a row is lost or doubled, or when the pipeline fails by itself.
    pub fn faults(&self, choose: impl Fn(&[Occurrence]) -> Vec<(Occurrence, Shot)>) -> usize {
        let clean = self.run(&[]);
        let shots = choose(&clean.armed.seen());
        let run = self.run(&shots);
        assert_eq!(run.rows, clean.rows, "the tables differ after {shots:?}");
        run.armed.fired()
    }

    fn every_pair_of(&self, shots: &[Shot]) -> Coverage {
        let clean = self.run(&[]);
        let mut coverage = Coverage::default();
        for (place, first) in clean.armed.seen().into_iter().enumerate() {
            for first in shots.iter().map(|shot| (first, *shot)) {
                let once = self.check(&clean, &[first], &mut coverage);
                for second in once.armed.seen().into_iter().skip(place + 1) {
                    for second in shots.iter().map(|shot| (second, *shot)) {
                        self.check(&clean, &[first, second], &mut coverage);
                    }
                }
            }
        }
        coverage
    }

    fn check(&self, clean: &Run, shots: &[(Occurrence, Shot)], coverage: &mut Coverage) -> Run {
        let run = self.run(shots);
        run.armed.assert_fired();
        let shown: Vec<_> = shots.iter().map(|(it, shot)| format!("{shot:?} {it}")).collect();
        assert_eq!(run.rows, clean.rows, "the tables differ after {}", shown.join(", "));
        coverage.runs += 1;
        coverage.fired.extend(shots.iter().map(|(occurrence, _)| occurrence.point));
        run
    }

    fn run(&self, shots: &[(Occurrence, Shot)]) -> Run {
        let armed = Armed::shooting(shots.iter().copied());
        let world = World::new();
        let checkpoint = Storage::memory();
        let mut executors = self.executors.iter().cycle();
        for feed in &self.feeds {
            // Building first makes sure that the source is there to be fed.
            let _declared = (self.build)(&world);
            world.take(feed);
            let mut live = || {
                let executor = executors.next().cloned();
                self.live(&world, &checkpoint, &armed, executor.unwrap_or_else(|| Arc::new(Inline)))
            };
            live_until_done(&mut live, &armed);
        }
        Run { rows: world.rows(), armed }
    }

    fn live(
        &self,
        world: &World,
        checkpoint: &Storage,
        armed: &Arc<Armed>,
        executor: Arc<dyn ExecutorSpec>,
    ) -> Result<(), Box<RunError>> {
        let plan = (self.build)(world).build().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let options = Options::checkpoint_in(checkpoint.clone())
            .trigger(Trigger::available_now())
            .max_records_per_epoch(self.records_per_epoch)
            .first_retry_after(Duration::ZERO)
            .executor(executor)
            .failpoints(armed.failpoints())
            .clock(Arc::new(StandingClock));
        let _context = self.runtime.enter();
        let handle = plan.start(options).unwrap_or_else(|error| panic!("{error}"));
        self.runtime.block_on(handle.wait()).map_err(Box::new)
    }
}

impl fmt::Debug for Harness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("feeds", &self.feeds.len()).finish_non_exhaustive()
    }
}

fn live_until_done(live: &mut dyn FnMut() -> Result<(), Box<RunError>>, armed: &Arc<Armed>) {
    for _ in 0..MOST_LIVES {
        match live() {
            Ok(()) => return,
            Err(error) if is_injected(error.error()) => armed.revive(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("still not done after {MOST_LIVES} lives");
}

/// A clock that stands still, so that runs can be compared.
#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}
