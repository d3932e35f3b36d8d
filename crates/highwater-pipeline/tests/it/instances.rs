//! Two instances of one pipeline at once, on one checkpoint and on two.

use std::num::NonZeroU64;

use highwater_core::ErrorKind;
use highwater_pipeline::{Options, Pipeline, Plan, RunError, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;

const ROWS: i64 = 300;

struct Shared {
    source: MemorySource,
    table: MemoryTable,
    rejected: MemoryTable,
}

impl Shared {
    fn new() -> Self {
        let source = MemorySource::new("numbers", numbers([0]).schema(), 1);
        for start in (0..ROWS).step_by(5) {
            source.append(0, numbers(start..start + 4));
            source.append_rejected(0, "{", "bad");
        }
        let (table, rejected) = (MemoryTable::new("numbers"), MemoryTable::new("rejected"));
        Self { source, table, rejected }
    }

    fn plan(&self) -> Plan {
        let p = Pipeline::new("numbers");
        let numbers = p.source("numbers", self.source.clone());
        numbers.rejected().sink("rejected", self.rejected.clone());
        numbers.sink("numbers", self.table.clone());
        p.build().unwrap()
    }

    fn run(&self, checkpoint: &Storage, records: u64) -> Result<(), RunError> {
        let options = Options::checkpoint_in(checkpoint.clone())
            .trigger(Trigger::available_now())
            .max_records_per_epoch(NonZeroU64::new(records).unwrap());
        self.plan().run_blocking(options)
    }

    fn race(&self, one: &Storage, two: &Storage) {
        let ends = std::thread::scope(|scope| {
            let first = scope.spawn(|| self.run(one, 7));
            let second = scope.spawn(|| self.run(two, 11));
            [first.join().unwrap(), second.join().unwrap()]
        });
        for end in &ends {
            if let Err(error) = end {
                assert_eq!(error.error().kind(), ErrorKind::Fenced, "{error}");
            }
        }
        assert!(ends.iter().any(Result::is_ok), "one goes on: {ends:?}");
    }

    fn check(&self) {
        self.run(&Storage::memory(), 13).unwrap();
        let rejected = usize::try_from(ROWS / 5).unwrap();
        assert_eq!((self.table.row_count(), self.rejected.row_count()), (rejected * 4, rejected));
    }
}

#[test]
fn on_one_checkpoint_one_goes_on_and_the_other_is_fenced() {
    for _ in 0..20 {
        let shared = Shared::new();
        let checkpoint = Storage::memory();
        shared.race(&checkpoint, &checkpoint);
        shared.check();
    }
}

#[test]
fn on_two_checkpoints_one_goes_on_and_the_other_is_fenced() {
    for _ in 0..20 {
        let shared = Shared::new();
        shared.race(&Storage::memory(), &Storage::memory());
        shared.check();
    }
}
