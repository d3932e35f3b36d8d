//! Requests to the tables and to the checkpoint that are rejected, lose their answers, or come
//! late.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_core::{ErrorKind, Failpoint, FailpointHook, Failpoints, Result};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_pipeline::{Options, RunError, Trigger};
use highwater_storage::Storage;
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use highwater_testkit::memory_source::MemorySource;
use object_store::memory::InMemory;

use super::{ORDERS, REJECTED, epochs, numbers, pipeline_into};
use crate::fixture::{active, batches};

const PLACE: &str = "memory://faulty";

/// When a held request is applied: the life that waited for it is over.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// Before the next life.
    AtOnce,
    /// When a later life is there.
    At(Failpoint),
    /// After everything that was there has been committed.
    AtLast,
}

const LATE: [Late; 3] = [Late::AtOnce, Late::At(Failpoint::BeforeSwap), Late::AtLast];

/// What goes wrong in one run.
#[derive(Clone, Copy, Debug)]
struct Case {
    into: Into,
    operation: Operation,
    within: &'static str,
    nth: usize,
    fault: Fault,
    late: Late,
}

/// How numbers come into their table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Into {
    /// Each beside the others.
    Append,
    /// Each in place of the same one, if it has been there.
    Update,
}

impl Into {
    fn sink(self) -> fn(&DeltaTable) -> DeltaSink {
        match self {
            Self::Append => DeltaTable::append,
            Self::Update => |table| table.update(["n"]),
        }
    }

    /// What is fed, in three starts, and what the table has then.
    fn feeds(self) -> ([&'static [i64]; 3], &'static [i64]) {
        match self {
            Self::Append => ([&[1, 2, 3, 4, -5], &[6, 7, -8], &[9]], &[1, 2, 3, 4, 6, 7, 9]),
            Self::Update => ([&[1, 2, 1, 3, -5], &[2, 1, -8], &[3]], &[1, 2, 3]),
        }
    }
}

/// A pipeline over storage that does not always answer.
struct Run {
    case: Case,
    store: FaultyStore,
    lake: Storage,
    checkpoint: Storage,
    /// The lake as it is, past the faults.
    tables: Storage,
    source: MemorySource,
}

enum Life {
    Done,
    /// It waited for an answer, and was stopped.
    Stuck,
}

impl Run {
    fn new(case: Case) -> Self {
        let objects = Arc::new(InMemory::new());
        let plain = Storage::with_store(Arc::clone(&objects) as _, PLACE).at("lake");
        let store = FaultyStore::new(objects);
        store.inject(case.operation, case.within, case.nth, case.fault);
        let storage = Storage::with_store(Arc::new(store.clone()), PLACE);
        let source = MemorySource::new("orders", numbers([]).schema(), 1);
        let (lake, checkpoint) = (storage.at("lake"), storage.at("checkpoint"));
        Self { case, store, lake, checkpoint, tables: plain, source }
    }

    async fn live(&self) -> std::result::Result<Life, RunError> {
        let options = Options::checkpoint_in(self.checkpoint.clone())
            .trigger(Trigger::available_now())
            .max_records_per_epoch(NonZeroU64::new(2).unwrap())
            .first_retry_after(Duration::from_millis(1))
            .stop_within(Duration::ZERO)
            .failpoints(Failpoints::armed(Arc::new(Releasing(self.store.clone(), self.case.late))));
        let sink = self.case.into.sink();
        let plan = pipeline_into(self.source.clone(), &self.lake, sink).build().unwrap();
        let held = self.store.held();
        let handle = plan.start(options).unwrap();
        let stopper = handle.stopper();
        let ended = handle.wait();
        let stuck = async {
            while self.store.held() <= held {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stopper.stop();
        };
        tokio::pin!(ended);
        tokio::select! {
            biased;
            ended = &mut ended => ended.map(|()| Life::Done),
            () = stuck => ended.await.map(|()| Life::Stuck),
        }
    }

    /// Takes a feed to its end, by as many starts as it needs.
    async fn process(&self, values: &[i64]) {
        self.source.append(0, numbers(values.iter().copied()));
        for _ in 0..5 {
            match self.live().await {
                Ok(Life::Done) => return,
                Ok(Life::Stuck) if matches!(self.case.late, Late::AtOnce) => {
                    self.store.release().await;
                }
                Ok(Life::Stuck) => {}
                // A record of the life before that comes late looks like one of another instance.
                Err(error) => {
                    let kind = error.error().kind();
                    let passes = matches!(kind, ErrorKind::Transient | ErrorKind::Fenced);
                    assert!(passes, "{:?}: {error}", self.case);
                }
            }
        }
        panic!("{:?}: no end", self.case);
    }

    /// Whether the fault happened in a run that came out as it should.
    async fn comes_out_right(&self) -> bool {
        let ([first, second, third], expected) = self.case.into.feeds();
        self.process(first).await;
        self.process(second).await;
        self.store.release().await;
        let fired = self.store.fired() == 1;
        self.process(third).await;
        assert_eq!(self.numbers(ORDERS).await, expected, "{:?}", self.case);
        active(&self.tables.at(ORDERS)).await;
        assert_eq!(self.numbers(REJECTED).await, [-8, -5], "{:?}", self.case);
        assert_eq!(epochs(&self.tables, ORDERS).await, [0, 1, 2, 3, 4, 5], "{:?}", self.case);
        assert_eq!(epochs(&self.tables, REJECTED).await, [0, 2, 4], "{:?}", self.case);
        fired
    }

    /// What is in a table of numbers, or in one of rejected records with numbers in it.
    async fn numbers(&self, table: &str) -> Vec<i64> {
        let column = |batch: RecordBatch| {
            let values = batch.column(0).as_primitive::<Int64Type>();
            values.values().to_vec()
        };
        let batches = batches(&self.tables.at(table)).await;
        let mut numbers: Vec<_> = batches.into_iter().flat_map(column).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Lets held requests through when a failpoint is reached.
struct Releasing(FaultyStore, Late);

impl FailpointHook for Releasing {
    fn hit(&self, point: Failpoint) -> Result<()> {
        if matches!(self.1, Late::At(at) if at == point) {
            futures::executor::block_on(self.0.release());
        }
        Ok(())
    }
}

impl fmt::Debug for Releasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

/// Makes the first such request go wrong, then the second, and so on until there is none. Gives how
/// many there were.
async fn each(
    into: Into,
    operation: Operation,
    within: &'static str,
    fault: Fault,
    late: Late,
) -> usize {
    let mut nth = 0;
    let case = |nth| Case { into, operation, within, nth, fault, late };
    while Run::new(case(nth)).comes_out_right().await {
        nth += 1;
    }
    nth
}

/// What is written, and how often at least: in five epochs, of which three have rows and two have
/// rejected ones. Where rows are replaced, in two of them other rows of their files are left.
const WRITTEN: [(&str, usize); 3] =
    [("_delta_log/", 2 + 5 + 3), (".parquet", 3 + 2), ("prepared/", 5)];

fn written(into: Into) -> Vec<(&'static str, usize)> {
    let vectors = (into == Into::Update).then_some((".bin", 2));
    WRITTEN.into_iter().chain(vectors).collect()
}

#[tokio::test]
async fn a_write_that_fails_doubles_and_loses_nothing() {
    for into in [Into::Append, Into::Update] {
        for fault in [Fault::Reject, Fault::ApplyThenFail] {
            for (within, at_least) in written(into) {
                let met = each(into, Operation::Put, within, fault, Late::AtLast).await;
                assert!(met >= at_least, "{fault:?} of {within}: only {met}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_comes_late_doubles_and_loses_nothing() {
    for into in [Into::Append, Into::Update] {
        for late in LATE {
            for (within, at_least) in written(into) {
                let met = each(into, Operation::Put, within, Fault::Hold, late).await;
                assert!(met >= at_least, "{late:?} of {within}: only {met}");
            }
        }
    }
}

#[tokio::test]
async fn a_read_or_a_deletion_that_fails_doubles_and_loses_nothing() {
    for (into, operation, within, at_least) in [
        (Into::Append, Operation::Get, "_delta_log/", 20),
        (Into::Append, Operation::List, "_delta_log", 2),
        (Into::Append, Operation::Get, "prepared/", 1),
        (Into::Append, Operation::List, "prepared", 2),
        (Into::Append, Operation::Delete, "prepared/", 1),
        (Into::Update, Operation::Get, "_delta_log/", 20),
        (Into::Update, Operation::Get, ".parquet", 5),
        (Into::Update, Operation::Get, ".bin", 1),
    ] {
        let met = each(into, operation, within, Fault::Reject, Late::AtLast).await;
        assert!(met >= at_least, "{operation:?} of {within}: only {met}");
    }
}
