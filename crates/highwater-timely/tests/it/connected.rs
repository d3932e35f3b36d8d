//! Steps of two inputs: the same tables on any threads, with any faults and under any budget.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use highwater_core::arrow::array::RecordBatch;
use highwater_core::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_pipeline::{ExecutorSpec, Pipeline};
use highwater_testkit::counting::Counting;
use highwater_testkit::harness::{Harness, World};
use highwater_timely::Threads;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::executor;
use crate::steps::{Sums, pairs, pairs_schema};

type Rows = Vec<(Option<i64>, i64)>;

/// As pairs, whose key has another name and may not be null.
fn spent_schema() -> SchemaRef {
    let columns =
        [Field::new("key", DataType::Int64, true), Field::new("n", DataType::Int64, false)];
    Arc::new(Schema::new(columns.to_vec()))
}

fn spent(rows: Rows) -> RecordBatch {
    RecordBatch::try_new(spent_schema(), pairs(rows).columns().to_vec()).unwrap()
}

/// What was paid less what was spent, by key and epoch; how often each key came; and the same of a
/// stream beside itself.
fn pipeline(world: &World) -> Pipeline {
    let p = Pipeline::new("accounts");
    let paid = p.source("paid", world.partitioned_source("paid", pairs_schema(), 2));
    let spent = p.source("spent", world.partitioned_source("spent", spent_schema(), 3));
    let net = paid.connect(&spent).apply("net", Sums::less("key"));
    net.sink("net", world.table("net"));
    net.apply("count", Counting::by("k")).sink("counts", world.table("counts"));
    net.connect(&net).apply("nothing", Sums::less("k")).sink("nothing", world.table("nothing"));
    p
}

#[derive(Clone, Debug)]
struct Case {
    paid: Vec<Rows>,
    spent: Vec<Rows>,
    records_per_epoch: u64,
    threads: Vec<usize>,
    in_flight: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let row = (prop::option::weighted(0.9, -5_i64..5), -5_i64..100);
    let rows = move |partitions| vec(vec(row.clone(), 0..20), partitions);
    (rows(2), rows(3), 1_u64..40, vec(1_usize..4, 1..4), prop_oneof![Just(1_usize), 1_usize..100])
        .prop_map(|(paid, spent, records_per_epoch, threads, in_flight)| Case {
            paid,
            spent,
            records_per_epoch,
            threads,
            in_flight,
        })
}

fn harness(case: &Case) -> Harness<'static> {
    Harness::new(pipeline)
        .records_per_epoch(NonZeroU64::new(case.records_per_epoch).unwrap())
        .feed_partitions("paid", case.paid.iter().cloned().map(pairs))
        .feed_partitions("spent", case.spent.iter().cloned().map(spent))
}

/// So many threads, each of whose readers may have so many bytes on their way.
fn tight(threads: usize, in_flight: usize) -> Arc<dyn ExecutorSpec> {
    let threads = Threads::new(NonZeroUsize::new(threads).unwrap());
    Arc::new(threads.in_flight(NonZeroUsize::new(in_flight).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn any_threads_and_any_budget_give_the_tables_of_the_inline_executor(case in cases()) {
        let threads = case.threads.iter().map(|threads| tight(*threads, case.in_flight));
        prop_assert_eq!(harness(&case).executors(threads).tables(), harness(&case).tables());
    }
}

#[test]
fn the_rows_of_a_key_meet_whatever_its_column_is_called() {
    let (mut paid, mut spent) = (Vec::new(), Vec::new());
    for n in 0..60_i64 {
        let key = (n % 7 > 0).then_some(n % 7);
        paid.push((key, n));
        spent.push((key, n / 2));
    }
    let mut net: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    for ((key, paid), (_, spent)) in paid.iter().zip(&spent) {
        *net.entry(*key).or_default() += paid - spent;
    }
    // Each feed is processed by a start of its own, so what is fed first has its own sums.
    let case = Case {
        paid: vec![paid, Vec::new()],
        spent: vec![Vec::new(), spent, Vec::new()],
        records_per_epoch: 1_000,
        threads: Vec::new(),
        in_flight: 1,
    };
    for threads in 0..4 {
        let tables = harness(&case).executors([executor(threads)]).tables();
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for row in &tables["net"] {
            let (key, n) = row.split_once(" | ").unwrap();
            *sums.entry(key.to_owned()).or_default() += n.parse::<i64>().unwrap();
        }
        let wanted =
            net.iter().map(|(key, n)| (key.map_or("null".to_owned(), |key| key.to_string()), *n));
        assert_eq!(sums, wanted.collect(), "{threads} threads");
        assert!(tables["nothing"].iter().all(|row| row.ends_with(" | 0")), "{tables:?}");
    }
}

#[test]
fn every_single_fault_leaves_the_same_tables() {
    let rows = |from: i64| (from..from + 5).map(|n| (Some(n % 3), n)).collect::<Rows>();
    let case = Case {
        paid: vec![rows(0), rows(5)],
        spent: vec![rows(1), Vec::new(), rows(7)],
        records_per_epoch: 6,
        threads: Vec::new(),
        in_flight: 1,
    };
    for threads in [0, 3] {
        let coverage = harness(&case).executors([executor(threads)]).every_crash();
        assert!(coverage.runs > 60, "{threads} threads: {coverage:?}");
    }
}
