//! The tables do not depend on what runs the pipeline: inline, or 1, 2 or 3 threads, in any order of
//! lives and with any faults.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use highwater_core::Routing;
use highwater_core::arrow::array::AsArray as _;
use highwater_core::arrow::datatypes::Int64Type;
use highwater_pipeline::Pipeline;
use highwater_testkit::counting::Counting;
use highwater_testkit::failpoints::{Occurrence, Shot};
use highwater_testkit::harness::{Harness, World};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::ahead::stateless;
use crate::executor;
use crate::steps::{Sums, pairs, pairs_schema};

/// Rows as they are, their sums by key and over all, what is below zero in a table of its own, and the
/// n-th row of each key and of each n over all epochs.
pub(crate) fn pipeline(world: &World, partitions: usize) -> Pipeline {
    let p = Pipeline::new("pairs");
    let source = world.partitioned_source("pairs", pairs_schema(), partitions);
    let pairs = p.source("pairs", source).map_batches("positive", pairs_schema(), |rows, cx| {
        for (row, n) in (0..).zip(rows.column(1).as_primitive::<Int64Type>().values()) {
            if *n < 0 {
                cx.reject(row, "below zero");
            }
        }
        Ok(rows.clone())
    });
    pairs.rejected().sink("rejected", world.table("rejected"));
    pairs.sink("pairs", world.table("pairs"));
    let sums = pairs.apply("sums", Sums::by_key());
    sums.sink("sums", world.table("sums"));
    sums.apply("all", Sums::on_one_worker()).sink("all", world.table("all"));
    let nths = pairs.apply("count", Counting::by("k").up_to(4));
    nths.sink("counts", world.table("counts"));
    let nths = nths.apply("count-all", Counting::by("nth").routed(Routing::Single));
    nths.sink("counts-all", world.table("counts-all"));
    p
}

type Rows = Vec<(Option<i64>, i64)>;

#[derive(Clone, Debug)]
struct Case {
    /// Without state epochs are read ahead.
    stateful: bool,
    /// What each partition is fed, feed by feed.
    feeds: Vec<Vec<Rows>>,
    records_per_epoch: u64,
    /// What runs each life: so many threads, or inline.
    threads: Vec<usize>,
    /// Where faults happen, as places in the undisturbed run.
    faults: Vec<(prop::sample::Index, bool)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let row = (prop::option::weighted(0.9, -20_i64..20), -5_i64..100);
    let feeds = move |partitions| vec(vec(vec(row.clone(), 0..30), partitions), 1..3);
    (
        any::<bool>(),
        (1_usize..5).prop_flat_map(feeds),
        1_u64..25,
        vec(0_usize..4, 1..5),
        vec((any::<prop::sample::Index>(), any::<bool>()), 0..3),
    )
        .prop_map(|(stateful, feeds, records_per_epoch, threads, faults)| Case {
            stateful,
            feeds,
            records_per_epoch,
            threads,
            faults,
        })
}

/// Runs a case on its executors, compares it with the undisturbed run of the inline one, and says
/// how many faults happened.
fn check(case: &Case) -> usize {
    let partitions = case.feeds[0].len();
    let build = if case.stateful { pipeline } else { stateless };
    let harness = || {
        let harness = Harness::new(move |world| build(world, partitions))
            .records_per_epoch(NonZeroU64::new(case.records_per_epoch).unwrap());
        case.feeds.iter().fold(harness, |harness, feed| {
            harness.feed_partitions("pairs", feed.iter().map(|rows| pairs(rows.clone())))
        })
    };
    let threaded = || harness().executors(case.threads.iter().map(|threads| executor(*threads)));
    assert_eq!(threaded().tables(), harness().tables());
    let choose = |seen: &[Occurrence]| {
        let shot = |fail| if fail { Shot::Fail } else { Shot::Kill };
        let fault = |(at, fail): &(prop::sample::Index, bool)| (*at.get(seen), shot(*fail));
        case.faults.iter().map(fault).collect()
    };
    threaded().faults(choose)
}

fn explore(cases_to_try: u32) {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases_to_try) });
    let (planned, fired) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let tried = runner.run(&cases(), |case| {
        planned.set(planned.get() + case.faults.len());
        fired.set(fired.get() + check(&case));
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
    let (planned, fired) = (planned.get(), fired.get());
    assert!(fired * 10 > planned * 8, "only {fired} of {planned} faults happened");
}

#[test]
fn any_executor_gives_the_tables_of_the_inline_one() {
    explore(100);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn any_executor_gives_the_tables_of_the_inline_one_in_2_000_cases() {
    explore(2_000);
}

/// Each start has other threads than the one before, and every row is counted once.
#[test]
fn state_goes_on_with_any_number_of_workers() {
    let feeds: Vec<Rows> = (0..8_i64)
        .map(|feed| (0..40).map(|n| ((n % 13 > 0).then_some(n * feed % 13), n)).collect())
        .collect();
    let harness = Harness::new(|world| pipeline(world, 1))
        .records_per_epoch(NonZeroU64::new(3).unwrap())
        .executors([1, 3, 2, 0, 3, 1, 2].map(executor));
    let fed =
        feeds.iter().fold(harness, |harness, rows| harness.feed("pairs", pairs(rows.clone())));
    let tables = fed.tables();
    let mut counts: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    let mut expected = Vec::new();
    for (key, _) in feeds.into_iter().flatten() {
        let count = counts.entry(key).or_default();
        *count = *count % 4 + 1;
        let key = key.map_or("null".to_owned(), |key| key.to_string());
        expected.push(format!("{key} | {count}"));
    }
    expected.sort();
    assert_eq!(tables["counts"], expected);
    let nth = |nth: i64| expected.iter().filter(move |row| row.ends_with(&format!(" {nth}")));
    let mut all: Vec<_> = (1..5)
        .flat_map(|n| (1..=nth(n).count()).map(move |count| format!("{n} | {count}")))
        .collect();
    all.sort();
    assert_eq!(tables["counts-all"], all);
}
