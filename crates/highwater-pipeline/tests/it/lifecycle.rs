//! Starts, stops, progress, and runs that must end.

use std::sync::Arc;
use std::time::Duration;

use highwater_core::ErrorKind;
use highwater_pipeline::{Event, OnRollback, Options, Pipeline, Plan, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;

struct Fixture {
    source: MemorySource,
    table: MemoryTable,
    rejected: MemoryTable,
    checkpoint: Storage,
}

impl Fixture {
    fn new() -> Self {
        Self {
            source: MemorySource::new("numbers", numbers([0]).schema(), 1),
            table: MemoryTable::new("numbers"),
            rejected: MemoryTable::new("rejected"),
            checkpoint: Storage::memory(),
        }
    }

    fn plan(&self, name: &str) -> Plan {
        let p = Pipeline::new(name);
        let numbers = p.source("numbers", self.source.clone());
        numbers.rejected().sink("rejected", self.rejected.clone());
        numbers.sink("numbers", self.table.clone());
        p.build().unwrap()
    }

    fn options(&self) -> Options {
        Options::checkpoint_in(self.checkpoint.clone()).trigger(Trigger::available_now())
    }

    fn run(&self) -> Result<(), ErrorKind> {
        self.run_with(self.options())
    }

    fn run_with(&self, options: Options) -> Result<(), ErrorKind> {
        self.plan("numbers").run_blocking(options).map_err(|error| error.error().kind())
    }
}

#[test]
fn a_second_run_commits_nothing() {
    let it = Fixture::new();
    it.source.append(0, numbers([1, 2]));
    it.run().unwrap();
    let commits = it.table.commits();
    it.run().unwrap();
    assert_eq!(it.table.commits(), commits);
    assert_eq!(it.table.row_count(), 2);
}

#[test]
fn a_lost_checkpoint_is_made_up_for_by_the_tables() {
    let mut it = Fixture::new();
    for value in 0..5 {
        it.source.append(0, numbers([value]));
        if value % 2 == 0 {
            it.source.append_rejected(0, "{", "bad");
        }
        it.run().unwrap();
        it.checkpoint = Storage::memory();
    }
    assert_eq!((it.table.row_count(), it.rejected.row_count()), (5, 3));
}

#[test]
fn a_checkpoint_of_another_pipeline_is_refused() {
    let it = Fixture::new();
    it.source.append(0, numbers([1]));
    it.run().unwrap();
    let other = it.plan("other").run_blocking(it.options()).unwrap_err();
    assert_eq!(other.error().kind(), ErrorKind::Refused);
}

#[test]
fn a_rollback_is_refused_until_it_is_accepted() {
    let it = Fixture::new();
    for value in 0..3 {
        it.source.append(0, numbers([value]));
        it.run().unwrap();
    }
    it.table.roll_back(1);
    it.table.foreign_append(numbers([100]));
    assert_eq!(it.run(), Err(ErrorKind::Refused));
    it.source.append(0, numbers([3]));
    it.run_with(it.options().on_rollback(OnRollback::Accept)).unwrap();
    assert_eq!(it.table.row_count(), 4, "0, 1, the foreign 100 and 3; 2 stays out");
    it.run().unwrap();
}

#[test]
fn lost_answers_double_nothing() {
    let it = Fixture::new();
    it.source.append(0, numbers([1]));
    it.table.lose_answers(1);
    it.run().unwrap();
    assert_eq!(it.table.row_count(), 1);
}

#[test]
fn staged_files_that_vanish_are_made_again() {
    use highwater_core::Failpoint;
    use highwater_testkit::failpoints::{Armed, Occurrence, Shot};

    let it = Fixture::new();
    it.source.append(0, numbers([1, 2, 3]));
    let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
    let armed = Armed::shooting([(dies, Shot::Kill)]);
    it.run_with(it.options().failpoints(armed.failpoints())).unwrap_err();
    armed.assert_fired();
    it.table.forget_staged();
    it.run().unwrap();
    assert_eq!(it.table.row_count(), 3);
}

#[test]
fn an_epoch_that_rejects_most_stops_before_it_is_committed() {
    let it = Fixture::new();
    for _ in 0..100 {
        it.source.append_rejected(0, "{", "bad");
    }
    assert_eq!(it.run(), Err(ErrorKind::Refused));
    assert_eq!(it.rejected.row_count(), 0);
    it.run_with(it.options().max_rejected_ratio(1.0)).unwrap();
    assert_eq!(it.rejected.row_count(), 100);
}

#[test]
fn rejected_records_that_nobody_takes_stop_the_pipeline() {
    let it = Fixture::new();
    it.source.append_rejected(0, "{", "bad");
    let p = Pipeline::new("numbers");
    p.source("numbers", it.source.clone()).sink("numbers", it.table.clone());
    let error = p.build().unwrap().run_blocking(it.options()).unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::BadRecord);
    assert!(error.to_string().contains("offset 0"), "{error}");
}

#[tokio::test]
async fn a_running_pipeline_takes_what_comes_and_stops() {
    let it = Fixture::new();
    let every = Trigger::every(Duration::from_millis(5));
    let handle = it.plan("numbers").start(it.options().trigger(every)).unwrap();
    let mut events = handle.subscribe();
    it.source.append(0, numbers(0..10));
    loop {
        if let Event::Progress(progress) = events.recv().await.unwrap() {
            assert_eq!(progress.num_input_rows, 10);
            break;
        }
    }
    assert_eq!(handle.recent_progress().len(), 1);
    handle.stop().await.unwrap();
    assert_eq!(it.table.row_count(), 10);
}

#[test]
fn a_panic_in_a_closure_ends_the_run_and_commits_nothing() {
    let it = Fixture::new();
    it.source.append(0, numbers([1]));
    let p = Pipeline::new("numbers");
    let schema = Arc::clone(&numbers([0]).schema());
    p.source("numbers", it.source.clone())
        .map_batches("boom", schema, |_, _| panic!("boom"))
        .sink("numbers", it.table.clone());
    let error = p.build().unwrap().run_blocking(it.options()).unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::Internal);
    assert_eq!(it.table.row_count(), 0);
}
