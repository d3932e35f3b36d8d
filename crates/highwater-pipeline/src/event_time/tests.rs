//! Watermarks: the slowest partition, idle ones, the fastest of all, and that time never goes back.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use highwater_core::{Backlog, Epoch, Told};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use super::*;
use crate::Pipeline;

const SECOND: i64 = 1_000_000;

fn event_time(policy: WatermarkPolicy) -> EventTime {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let schema = Arc::new(Schema::new(vec![Field::new("at", time, true)]));
    let p = Pipeline::new("p");
    let events = p.source("events", MemorySource::new("t", schema, 2));
    events.watermark("at", Duration::from_secs(10)).sink("out", MemoryTable::new("out"));
    let options = Options::checkpoint_in(Storage::memory()).watermarks(policy);
    EventTime::new(p.build().unwrap().graph(), &options)
}

fn step() -> Name {
    "events.at".parse().unwrap()
}

fn origin(index: i32) -> Origin {
    Origin { source: "events".parse().unwrap(), partition: Partition::new("t", index) }
}

/// What the sources answered: how much is left of partitions 0 and 1.
fn left(behind: [u64; 2]) -> BTreeMap<Name, Planned> {
    let part = |(index, behind)| {
        let end = i64::try_from(behind).unwrap();
        Backlog { partition: Partition::new("t", index), end, behind, withheld: None }
    };
    let backlog = (0..).zip(behind).map(part).collect();
    BTreeMap::from([("events".parse().unwrap(), Planned { backlog, ..Planned::default() })])
}

fn look(time: &mut EventTime, behind: [u64; 2], now: i64) {
    time.look(&left(behind), &BTreeMap::new(), Timestamp(now * SECOND));
}

/// The two watermarks of the next plan, in seconds; none before anything is known.
fn next(time: &EventTime, now: i64) -> (Option<i64>, Option<i64>) {
    let next = time.next(Timestamp(now * SECOND))[&step()];
    let seconds = |time: Timestamp| (time != Timestamp::MIN).then_some(time.0 / SECOND);
    (seconds(next.late_before), seconds(next.watermark))
}

/// Runs an epoch in which partitions reach these times, in seconds.
fn run(time: &mut EventTime, now: i64, reached: &[(i32, i64)]) {
    let at = |seconds| Latest { credible: Timestamp(seconds), any: Timestamp(seconds) };
    let observed = reached.iter().map(|(index, it)| (origin(*index), at(it * SECOND))).collect();
    let mut outcome = Outcome::default();
    outcome.steps.insert(step(), Told { observed, ..Told::default() });
    let plan = EpochPlan {
        epoch: Epoch(0),
        now: Timestamp(now * SECOND),
        sources: BTreeMap::new(),
        targets: BTreeMap::new(),
        watermarks: time.next(Timestamp(now * SECOND)),
        last: false,
    };
    time.passed(&plan, &outcome);
}

#[test]
fn the_slowest_partition_decides_and_rows_are_late_an_epoch_later() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 5], 0);
    assert_eq!(next(&time, 0), (None, None));
    run(&mut time, 0, &[(0, 100), (1, 60)]);
    assert_eq!(next(&time, 0), (None, Some(50)));
    run(&mut time, 0, &[(1, 200)]);
    assert_eq!(next(&time, 0), (Some(50), Some(90)));
}

#[test]
fn a_partition_with_data_of_which_nothing_was_seen_holds_time_back() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 0], 0);
    run(&mut time, 0, &[(0, 100)]);
    assert_eq!(next(&time, 0), (None, Some(90)), "the other partition is empty");
    look(&mut time, [5, 1], 0);
    assert_eq!(next(&time, 0), (None, None), "it is not any more");
    run(&mut time, 0, &[(1, 300)]);
    assert_eq!(next(&time, 0), (None, Some(90)));
}

#[test]
fn a_partition_is_idle_once_it_was_read_to_its_end_for_a_while() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 5], 0);
    run(&mut time, 0, &[(0, 100), (1, 60)]);
    look(&mut time, [5, 0], 1);
    run(&mut time, 1, &[(0, 200)]);
    assert_eq!(next(&time, 60), (Some(50), Some(50)));
    assert_eq!(next(&time, 61), (Some(50), Some(190)));
    look(&mut time, [5, 3], 70);
    assert_eq!(next(&time, 70), (Some(50), Some(50)), "it has data again");
    look(&mut time, [0, 0], 80);
    run(&mut time, 80, &[(1, 190)]);
    assert_eq!(next(&time, 500), (Some(50), Some(50)), "all of them are idle");
}

#[test]
fn time_never_goes_back() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 0], 0);
    run(&mut time, 0, &[(0, 100)]);
    run(&mut time, 0, &[]);
    look(&mut time, [5, 1], 0);
    run(&mut time, 0, &[(1, 20)]);
    assert_eq!(next(&time, 0), (Some(90), Some(90)));
}

#[test]
fn the_fastest_partition_decides_for_all_under_global() {
    let mut time = event_time(WatermarkPolicy::Global);
    look(&mut time, [5, 5], 0);
    run(&mut time, 0, &[(0, 100)]);
    assert_eq!(next(&time, 0), (None, Some(90)));
    let any = Latest { credible: Timestamp(0), any: Timestamp(200 * SECOND + 999) };
    time.observed.get_mut(&step()).unwrap().insert(origin(1), any);
    let cut = time.next(Timestamp(0))[&step()].watermark;
    assert_eq!(cut, Timestamp(190 * SECOND), "cut to milliseconds; credible or not");
}

#[test]
fn a_clock_that_goes_wrong_moves_nothing() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 0], 0);
    run(&mut time, 0, &[(0, 100)]);
    let wrong = Latest { credible: Timestamp(100 * SECOND), any: Timestamp(i64::MAX) };
    time.observed.get_mut(&step()).unwrap().insert(origin(0), wrong);
    assert_eq!(next(&time, 0), (None, Some(90)));
}

#[test]
fn what_was_observed_goes_on_in_the_next_life() {
    let mut time = event_time(WatermarkPolicy::PerPartition);
    look(&mut time, [5, 0], 0);
    run(&mut time, 0, &[(0, 100)]);
    let plan = EpochPlan {
        epoch: Epoch(1),
        now: Timestamp(0),
        sources: BTreeMap::new(),
        targets: BTreeMap::new(),
        watermarks: time.next(Timestamp(0)),
        last: false,
    };
    let mut next_life = event_time(WatermarkPolicy::PerPartition);
    next_life.resume(&plan, time.observed.clone());
    look(&mut next_life, [5, 0], 0);
    assert_eq!(next(&next_life, 0), (Some(90), Some(90)));
}
