//! Tables that are read at a version: when they are read, that all of them is there before the records
//! come, and which version a replay sees.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use highwater_core::arrow::array::{
    ArrayRef, AsArray as _, RecordBatch, TimestampMicrosecondArray,
};
use highwater_core::arrow::datatypes::Int64Type;
use highwater_core::{
    Batch, Context, Description, ErrorKind, Failpoint, Flow, Operator, OperatorSpec, Port,
    Resolved, Result, Routing, StreamInfo, Timestamp,
};
use highwater_pipeline::{ExecutorSpec, Options, Pipeline, Plan, Trigger};
use highwater_storage::Storage;
use highwater_testkit::counting::Counting;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;
use highwater_testkit::memory_versions::MemoryVersions;
use highwater_timely::Threads;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::executor;
use crate::steps::{pairs, pairs_schema};

type Rows = Vec<(Option<i64>, i64)>;

const STREAM: Port = Port(0);
const TABLE: Port = Port(1);

/// Puts what the table has for the key in place of each number, and 0 for keys it does not have. When
/// event time ends it emits the sum of the table.
struct LookUp;

impl OperatorSpec for LookUp {
    fn describe(&self) -> Description {
        Description { kind: "look-up", settings: String::new(), version: 0 }
    }

    fn resolve(&self, _: &[StreamInfo]) -> Result<Resolved> {
        let build = || Ok(Box::new(LookingUp::default()) as Box<dyn Operator>);
        let routing = Routing::ByKey(vec!["k".to_owned()]);
        let output = StreamInfo::new(pairs_schema());
        Ok(Resolved::new(output, build).with_routing(routing).with_table(TABLE))
    }
}

#[derive(Default)]
struct LookingUp {
    table: Option<BTreeMap<Option<i64>, i64>>,
}

impl Operator for LookingUp {
    fn on_epoch_start(&mut self, cx: &mut Context<'_>) -> Result<()> {
        assert!(cx.is_renewed(STREAM));
        if cx.is_renewed(TABLE) {
            self.table = Some(BTreeMap::new());
        }
        Ok(())
    }

    fn on_batch(&mut self, port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let column = |at: usize| batch.rows.column(at).as_primitive::<Int64Type>();
        let table = self.table.as_mut().unwrap();
        let rows = column(0).iter().zip(column(1).values());
        if port == TABLE {
            table.extend(rows.map(|(key, n)| (key, *n)));
        } else {
            let found = rows.map(|(key, _)| (key, table.get(&key).copied().unwrap_or_default()));
            cx.emit(batch.with_rows(pairs(found)));
        }
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let table = self.table.as_ref().unwrap();
        if cx.watermark() == Timestamp::MAX && !table.is_empty() {
            cx.emit(pairs([(Some(i64::MAX), table.values().sum())]).into());
        }
        Ok(Flow::Done)
    }
}

/// Twice the numbers of a table, a step that a table passes through.
fn doubled(table: highwater_pipeline::Stream) -> highwater_pipeline::Stream {
    table.map_batches("double", pairs_schema(), |rows, _| {
        let column = |at: usize| rows.column(at).as_primitive::<Int64Type>();
        let rows = column(0).iter().zip(column(1).values());
        Ok(pairs(rows.map(|(key, n)| (key, n * 2))))
    })
}

fn pipeline(world: &World, fixed: bool) -> Pipeline {
    let p = Pipeline::new("look-up");
    let prices = world.versions("prices", pairs_schema());
    let prices = if fixed { prices.fixed() } else { prices };
    // Declared behind what it is joined with, and read before it.
    let sold = p.source("sold", world.partitioned_source("sold", pairs_schema(), 2));
    let prices = p.source("prices", prices);
    let priced = sold.connect(&doubled(prices)).apply("look-up", LookUp);
    priced.sink("priced", world.table("priced"));
    priced.apply("count", Counting::by("k")).sink("counts", world.table("counts"));
    p
}

#[derive(Clone, Debug)]
struct Case {
    /// What each start finds: perhaps another version, and rows of each partition.
    feeds: Vec<(Option<Rows>, Vec<Rows>)>,
    records_per_epoch: u64,
    threads: Vec<usize>,
    in_flight: usize,
    faults: Vec<(prop::sample::Index, bool)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let row = || (prop::option::weighted(0.9, -5_i64..5), -5_i64..100);
    let feed = (prop::option::of(vec(row(), 0..12)), vec(vec(row(), 0..15), 2));
    let fault = (any::<prop::sample::Index>(), any::<bool>());
    let budget = prop_oneof![Just(1_usize), 1_usize..5_000];
    (vec(feed, 1..4), 1_u64..12, vec(1_usize..4, 1..4), budget, vec(fault, 0..3)).prop_map(
        |(feeds, records_per_epoch, threads, in_flight, faults)| Case {
            feeds,
            records_per_epoch,
            threads,
            in_flight,
            faults,
        },
    )
}

fn harness(case: &Case) -> Harness<'static> {
    let harness = Harness::new(|world| pipeline(world, false))
        .records_per_epoch(NonZeroU64::new(case.records_per_epoch).unwrap());
    case.feeds.iter().fold(harness, |harness, (version, rows)| {
        let harness = match version {
            Some(rows) => harness.feed_version("prices", pairs(rows.clone())),
            None => harness,
        };
        harness.feed_partitions("sold", rows.iter().cloned().map(pairs))
    })
}

/// The rows that were sold, each with the price that was there when it was read.
fn priced(case: &Case) -> Vec<String> {
    let (mut prices, mut priced) = (BTreeMap::new(), Vec::new());
    for (version, partitions) in &case.feeds {
        if let Some(rows) = version {
            prices = rows.iter().copied().collect();
        }
        for (key, _) in partitions.iter().flatten() {
            let price = prices.get(key).map_or(0, |price| price * 2);
            let key = key.map_or("null".to_owned(), |key| key.to_string());
            priced.push(format!("{key} | {price}"));
        }
    }
    priced.sort_unstable();
    priced
}

/// So many threads, each of whose readers may have so many bytes on their way.
fn tight(threads: usize, in_flight: usize) -> Arc<dyn ExecutorSpec> {
    let threads = Threads::new(NonZeroUsize::new(threads).unwrap());
    Arc::new(threads.in_flight(NonZeroUsize::new(in_flight).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn every_row_meets_the_version_of_its_epoch(case in cases()) {
        prop_assert_eq!(&harness(&case).tables()["priced"], &priced(&case));
        let threads = || case.threads.iter().map(|threads| tight(*threads, case.in_flight));
        prop_assert_eq!(harness(&case).executors(threads()).tables(), harness(&case).tables());
        let choose = |seen: &[Occurrence]| {
            let shot = |fail| if fail { Shot::Fail } else { Shot::Kill };
            let fault = |(at, fail): &(prop::sample::Index, bool)| (*at.get(seen), shot(*fail));
            case.faults.iter().map(fault).collect()
        };
        harness(&case).executors(threads()).faults(choose);
    }
}

/// The version stays that of the first epoch, though each life finds one more.
#[test]
fn every_single_fault_leaves_the_same_tables() {
    let rows = |from: i64| (from..from + 4).map(|n| (Some(n % 3), n)).collect::<Rows>();
    // Which version is read is a matter of the plan, so one executor shows that it stays.
    for (threads, fixed) in [(0, false), (0, true), (3, false)] {
        let harness = Harness::new(|world| {
            let prices = world.versions("prices", pairs_schema());
            if fixed && !world.table("priced").commits().is_empty() {
                prices.put(pairs([(Some(0), 1_000), (Some(1), 2_000)]));
            }
            pipeline(world, fixed)
        });
        let coverage = harness
            .executors([executor(threads)])
            .records_per_epoch(NonZeroU64::new(3).unwrap())
            .feed_version("prices", pairs(rows(1)))
            .feed_partitions("sold", [pairs(rows(0)), pairs(rows(5))])
            .feed_version("prices", pairs(rows(2)))
            .feed_partitions("sold", [pairs(rows(3)), pairs([])])
            .every_crash();
        assert!(coverage.runs > 60, "{threads} threads, {fixed}: {coverage:?}");
    }
}

/// The same pairs, all of them of one moment.
fn timed(pairs: &RecordBatch) -> RecordBatch {
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0; pairs.num_rows()]));
    let columns = [("k", 0), ("n", 1)].map(|(name, at)| (name, Arc::clone(pairs.column(at)), true));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().chain([("at", at, true)])).unwrap()
}

struct Fixture {
    sold: MemorySource,
    prices: MemoryVersions,
    priced: MemoryTable,
    checkpoint: Storage,
}

impl Fixture {
    fn new() -> Self {
        Self {
            sold: MemorySource::new("sold", pairs_schema(), 1).bounded(),
            prices: MemoryVersions::new("prices", pairs_schema()),
            priced: MemoryTable::new("priced"),
            checkpoint: Storage::memory(),
        }
    }

    fn sell(&self, keys: impl IntoIterator<Item = i64>) {
        self.sold.append(0, pairs(keys.into_iter().map(|key| (Some(key), -1))));
    }

    /// The next version has one price for the keys 1 to 3.
    fn price(&self, price: i64) {
        self.prices.put(pairs((1..4).map(|key| (Some(key), price))));
    }

    /// A sale of key 9 makes a new version, which the next epoch finds.
    fn plan(&self) -> Plan {
        let p = Pipeline::new("look-up");
        let (sold, prices) = (p.source("sold", self.sold.clone()), self.prices.clone());
        let sold = sold.map_batches("change", timed(&pairs([])).schema(), {
            let prices = prices.clone();
            move |rows, _| {
                if rows.column(0).as_primitive::<Int64Type>().values().contains(&9) {
                    prices.put(pairs([]));
                }
                Ok(timed(rows))
            }
        });
        let sold = sold.watermark("at", Duration::ZERO);
        let prices = p.source("prices", prices);
        sold.connect(&prices).apply("look-up", LookUp).sink("priced", self.priced.clone());
        p.build().unwrap()
    }

    fn run(&self, threads: usize, change: impl Fn(Options) -> Options) -> Result<(), ErrorKind> {
        let options = Options::checkpoint_in(self.checkpoint.clone())
            .trigger(Trigger::available_now())
            .max_records_per_epoch(NonZeroU64::new(1).unwrap())
            .executor(executor(threads));
        self.plan().run_blocking(change(options)).map_err(|error| error.error().kind())
    }

    fn prices(&self) -> Vec<i64> {
        let column =
            |rows: &RecordBatch| rows.column(1).as_primitive::<Int64Type>().values().to_vec();
        self.priced.rows().iter().flat_map(column).collect()
    }
}

#[test]
fn an_unchanged_table_is_read_once_a_run() {
    for threads in [0, 2] {
        let it = Fixture::new();
        it.price(5);
        it.sell([1, 2, 3, 1, 2]);
        it.run(threads, |it| it).unwrap();
        assert_eq!((it.prices(), it.prices.reads()), (vec![5; 5], vec![1]));
        it.sell([3]);
        it.run(threads, |it| it).unwrap();
        assert_eq!((it.prices(), it.prices.reads()), (vec![5; 6], vec![1, 1]));
    }
}

#[test]
fn a_table_that_changes_during_a_run_is_read_by_the_next_epoch() {
    for threads in [0, 2] {
        let it = Fixture::new();
        it.price(5);
        it.sell([1, 2, 9, 1, 2]);
        it.run(threads, |it| it.trigger(Trigger::every(Duration::from_millis(1)))).unwrap();
        assert_eq!(it.prices(), [5, 5, 0, 0, 0], "the new version has no rows");
        assert_eq!(it.prices.reads(), [1, 2]);
    }
}

#[test]
fn ends_are_fixed_for_tables_too() {
    let it = Fixture::new();
    it.price(5);
    it.sell([9, 1]);
    it.run(0, |it| it).unwrap();
    assert_eq!((it.prices(), it.prices.reads()), (vec![0, 5], vec![1]));
}

#[test]
fn a_table_alone_makes_no_epoch() {
    let it = Fixture::new();
    it.price(5);
    it.run(0, |it| it).unwrap();
    assert!(it.priced.commits().is_empty());
    it.sell([1]);
    it.run(0, |it| it).unwrap();
    it.price(6);
    it.run(0, |it| it.trigger(Trigger::every(Duration::from_millis(1)))).unwrap();
    assert_eq!((it.priced.commits().len(), it.prices.reads()), (1, vec![1]));
}

#[test]
fn the_last_epoch_of_all_has_its_tables() {
    for threads in [0, 2] {
        let it = Fixture::new();
        it.price(5);
        it.sell([1]);
        it.run(threads, |it| it).unwrap();
        it.run(threads, |it| it.trigger(Trigger::Drain)).unwrap();
        let prices = it.prices();
        assert_eq!((prices[0], prices.iter().sum::<i64>()), (5, 20), "{prices:?}");
    }
}

#[test]
fn a_replay_reads_the_version_of_its_plan() {
    for threads in [0, 2] {
        let it = Fixture::new();
        it.price(5);
        it.sell([1]);
        let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
        let armed = Armed::shooting([(dies, Shot::Kill)]);
        it.run(threads, |it| it.failpoints(armed.failpoints())).unwrap_err();
        it.priced.forget_staged();
        it.price(6);
        it.sell([2]);
        it.run(threads, |it| it).unwrap();
        assert_eq!((it.prices(), it.prices.reads()), (vec![5, 6], vec![1, 1, 2]));
    }
}

#[test]
fn a_version_that_is_gone_is_refused() {
    let it = Fixture::new();
    it.price(5);
    it.sell([1]);
    let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
    let armed = Armed::shooting([(dies, Shot::Kill)]);
    it.run(0, |it| it.failpoints(armed.failpoints())).unwrap_err();
    it.priced.forget_staged();
    it.price(6);
    it.prices.forget(1);
    assert_eq!(it.run(0, |it| it), Err(ErrorKind::Refused));
}

#[test]
fn a_table_goes_where_tables_are_taken_and_nowhere_else() {
    let p = Pipeline::new("look-up");
    let prices = p.source("prices", MemoryVersions::new("prices", pairs_schema()));
    let sold = p.source("sold", MemorySource::new("sold", pairs_schema(), 1));
    prices.sink("prices", MemoryTable::new("prices"));
    let _counts = prices.apply("count", Counting::by("k"));
    let _records = sold.connect(&sold).apply("records", LookUp);
    let _tables = prices.connect(&prices).apply("tables", LookUp);
    let _swapped = prices.connect(&sold).apply("swapped", LookUp);
    let shown = p.build().unwrap_err().to_string();
    for mistake in [
        "prices: pipeline: the rows of table prices come anew",
        "count: pipeline: the rows of table prices come anew",
        "records: pipeline: its input 1 takes a table",
        "tables: pipeline: the rows of table prices",
        "swapped: pipeline: the rows of table prices",
    ] {
        assert!(shown.contains(mistake), "{shown}");
    }
}
