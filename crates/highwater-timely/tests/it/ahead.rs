//! The next epoch is read while the files of one are closed, and counts only after that one.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use highwater_core::arrow::array::AsArray as _;
use highwater_core::arrow::datatypes::Int64Type;
use highwater_core::{
    Batch, Committer, Epoch, Result, Routing, Sink, SinkContext, Staged, StreamInfo, Writer,
    WriterContext,
};
use highwater_pipeline::{Options, Pipeline, Plan, RunError, Trigger};
use highwater_storage::Storage;
use highwater_testkit::harness::World;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::executor;
use crate::steps::{Sums, pairs, pairs_schema};

/// Rows as they are and their sums in each epoch: nothing is kept from one epoch to the next.
pub(crate) fn stateless(world: &World, partitions: usize) -> Pipeline {
    let p = Pipeline::new("pairs");
    let source = world.partitioned_source("pairs", pairs_schema(), partitions);
    let pairs = p.source("pairs", source);
    pairs.sink("pairs", world.table("pairs"));
    pairs.apply("sums", Sums::by_key()).sink("sums", world.table("sums"));
    p
}

/// A table whose files of the second epoch are closed once a row of the third was seen.
struct Patient {
    table: MemoryTable,
    seen: Arc<AtomicBool>,
}

#[async_trait]
impl Sink for Patient {
    fn describe(&self) -> String {
        self.table.describe()
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.table.resolve(input)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        self.table.open(cx).await
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        let seen = (cx.epoch == Epoch(1)).then(|| Arc::clone(&self.seen));
        Ok(Box::new(PatientWriter { inner: self.table.writer(cx)?, seen }))
    }
}

struct PatientWriter {
    inner: Box<dyn Writer>,
    seen: Option<Arc<AtomicBool>>,
}

impl Writer for PatientWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.inner.write(batch)
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        async move {
            if let Some(seen) = &self.seen {
                // Time for the third to be read, if it is read at all.
                tokio::time::sleep(Duration::from_millis(50)).await;
                while !seen.load(SeqCst) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            self.inner.close().await
        }
        .boxed()
    }
}

const EPOCH: i64 = 10;

/// What becomes of the rows of the third epoch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Third {
    Passes,
    Fails,
}

/// Rows of three epochs. Those of the third are noted in `seen`.
fn three_epochs(table: &MemoryTable, seen: &Arc<AtomicBool>, third: Third) -> Plan {
    let source = MemorySource::new("pairs", pairs_schema(), 1);
    source.append(0, pairs((0..3 * EPOCH).map(|n| (Some(n), n))));
    let p = Pipeline::new("ahead");
    let sink = Patient { table: table.clone(), seen: Arc::clone(seen) };
    let seen = Arc::clone(seen);
    p.source("pairs", source)
        .map_batches("seen", pairs_schema(), move |rows, _| {
            let numbers = rows.column(1).as_primitive::<Int64Type>().values();
            let of_third = numbers.iter().any(|n| *n >= 2 * EPOCH);
            seen.fetch_or(of_third, SeqCst);
            match of_third && third == Third::Fails {
                true => Err("twenty is too much".into()),
                false => Ok(rows.clone()),
            }
        })
        .sink("pairs", sink);
    p.build().unwrap()
}

async fn run(plan: &Plan, checkpoint: &Storage) -> Result<(), RunError> {
    let options = Options::checkpoint_in(checkpoint.clone())
        .trigger(Trigger::available_now())
        .max_records_per_epoch(NonZeroU64::new(EPOCH.unsigned_abs()).unwrap())
        .retry_for(Duration::ZERO)
        .executor(executor(2));
    let running = plan.start(options).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), running.wait()).await;
    ended.unwrap_or_else(|_| panic!("the run hangs"))
}

#[tokio::test]
async fn the_next_epoch_is_read_while_the_files_of_one_are_closed() {
    let table = MemoryTable::new("pairs");
    let plan = three_epochs(&table, &Arc::default(), Third::Passes);
    run(&plan, &Storage::memory()).await.unwrap();
    assert_eq!(table.row_count(), 30);
}

#[tokio::test]
async fn an_epoch_that_fails_keeps_none_before_it_from_its_commit_for_long() {
    let (table, checkpoint) = (MemoryTable::new("pairs"), Storage::memory());
    // The files of the second epoch wait for the third, which fails; in the next life they wait no more.
    let seen = Arc::default();
    let mut committed = Vec::new();
    for _ in 0..2 {
        let plan = three_epochs(&table, &seen, Third::Fails);
        let error = run(&plan, &checkpoint).await.unwrap_err().to_string();
        assert!(error.contains("twenty is too much"), "{error}");
        committed.push(table.row_count());
    }
    assert_eq!(committed, [10, 20]);
}
