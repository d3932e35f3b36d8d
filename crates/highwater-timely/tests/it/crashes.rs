//! A crash or an error at every step of a threaded run, the next life on other threads.

use std::num::NonZeroU64;

use highwater_core::Phase;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::Harness;

use crate::ahead::stateless;
use crate::conformance::pipeline;
use crate::executor;
use crate::steps::pairs;

fn harness(threads: &[usize]) -> Harness<'static> {
    Harness::new(|world| pipeline(world, 2))
        .records_per_epoch(NonZeroU64::new(4).unwrap())
        .feed_partitions(
            "pairs",
            [
                pairs([(Some(1), 1), (Some(2), 2), (Some(3), -3)]),
                pairs([(Some(1), 4), (None, 5), (Some(2), -6)]),
            ],
        )
        .executors(threads.iter().map(|threads| executor(*threads)))
}

/// Every life has the same number of threads, so that every step of the undisturbed run is met again.
#[test]
fn every_single_fault_leaves_the_same_tables() {
    for threads in [1, 3] {
        let coverage = harness(&[threads]).every_crash();
        let missed = never_reached(&coverage.fired);
        let missed: Vec<_> = missed.iter().filter(|it| it.phase() != Phase::Recover).collect();
        assert!(coverage.runs > 100 && missed.is_empty(), "{threads} threads: {missed:?}");
    }
}

/// Of three epochs of a feed the last is read while the files of the second are closed.
#[test]
fn a_fault_while_two_epochs_run_leaves_the_same_tables() {
    for threads in [1, 3] {
        let rows = |from: i64| pairs((from..from + 5).map(|n| (Some(n % 3), n * (2 - n % 3))));
        let harness = Harness::new(|world| stateless(world, 2))
            .records_per_epoch(NonZeroU64::new(4).unwrap())
            .feed_partitions("pairs", [rows(0), rows(5)])
            .feed_partitions("pairs", [rows(10), rows(15)])
            .executors([executor(threads)]);
        let coverage = harness.every_crash();
        assert!(coverage.runs > 100, "{threads} threads: {}", coverage.runs);
    }
}
