//! A pipeline that runs for long: what it takes stays what it was.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use highwater_delta::{DeltaSink, DeltaTable, Maintenance};
use highwater_pipeline::{Options, Pipeline, Trigger};
use highwater_storage::Storage;
use highwater_testkit::counting::Counting;
use highwater_testkit::memory_source::MemorySource;

use crate::fixture::numbers_in;

/// Starts, over which the commits are spread: what is an orphan goes at a start.
const LIVES: u64 = 20;
const ROWS: u64 = 10;
const KEYS: i64 = 500;

/// What is taken after a life.
#[derive(Clone, Copy, Debug)]
struct Taken {
    /// Bytes of memory.
    resident: u64,
    log: u64,
    data: u64,
    checkpoint: u64,
    state: u64,
}

impl Taken {
    fn now(table: &Path, checkpoint: &Path) -> Self {
        let log = files(&table.join("_delta_log"));
        let state = files(&checkpoint.join("state"));
        Self {
            resident: resident(),
            log,
            data: files(table) - log,
            checkpoint: files(checkpoint) - state,
            state,
        }
    }

    fn files(self) -> [u64; 4] {
        [self.log, self.data, self.checkpoint, self.state]
    }
}

/// How many files are below a directory.
fn files(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let count = |path: &Path| if path.is_dir() { files(path) } else { 1 };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

/// The memory of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}

/// Numbers of which those of one epoch are different keys.
fn numbers(rows: std::ops::Range<u64>) -> RecordBatch {
    let keys = rows.map(|row| i64::try_from(row).unwrap() % KEYS);
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
    RecordBatch::try_from_iter([("n", keys)]).unwrap()
}

fn sink(table: &Storage) -> DeltaSink {
    let at_once = "interval 0 seconds";
    // Older than any attempt to commit that goes on.
    let age = Duration::from_secs(5);
    DeltaTable::new(table.clone())
        .update(["n"])
        .create_property("delta.checkpointInterval", "50")
        .create_property("delta.logRetentionDuration", at_once)
        .create_property("delta.deletedFileRetentionDuration", at_once)
        .maintain(Maintenance::default().compact(8).remove_orphans(age))
}

/// As many commits as `HIGHWATER_SOAK_COMMITS` says, 10,000 unless it does, of a pipeline that keeps state
/// and updates a table that is maintained.
///
/// Each life has threads of its own. What glibc keeps for each of so many would be measured as well: that is why
/// `MALLOC_ARENA_MAX` is to be 1.
#[test]
#[ignore = "takes minutes, and measures: run it with MALLOC_ARENA_MAX=1"]
fn a_long_run_takes_no_more_than_a_short_one() {
    let commits = std::env::var("HIGHWATER_SOAK_COMMITS").map_or(10_000, |it| it.parse().unwrap());
    let each = u64::max(commits / LIVES, 50);
    let directory = tempfile::tempdir().unwrap();
    let (table, checkpoint) = (directory.path().join("table"), directory.path().join("checkpoint"));
    let open = |path: &Path| Storage::open(path.to_str().unwrap()).unwrap();
    let source = MemorySource::new("numbers", numbers(0..0).schema(), 1).bounded();
    let start = Instant::now();
    let mut taken = Vec::new();
    for life in 0..LIVES {
        source.append(0, numbers(life * each * ROWS..(life + 1) * each * ROWS));
        let p = Pipeline::new("counts");
        p.source("numbers", source.clone())
            .apply("count", Counting::by("n"))
            .sink("counts", sink(&open(&table)));
        let options = Options::checkpoint_in(open(&checkpoint))
            .trigger(Trigger::available_now())
            .max_records_per_epoch(ROWS.try_into().unwrap());
        p.build().unwrap().run_blocking(options).unwrap();
        taken.push(Taken::now(&table, &checkpoint));
        eprintln!("{} commits, {:?}: {:?}", (life + 1) * each, start.elapsed(), taken.last());
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counts = runtime.block_on(numbers_in(&open(&table), "nth"));
    let rows = i64::try_from(LIVES * each * ROWS).unwrap();
    let mut expected: Vec<_> =
        (0..KEYS.min(rows)).map(|key| (rows - key + KEYS - 1) / KEYS).collect();
    expected.sort_unstable();
    assert_eq!(counts, expected);

    // A tenth of the way is the second life.
    let (early, late) = (taken[1], taken[taken.len() - 1]);
    assert!(10 * late.resident <= 11 * early.resident, "{early:?} {late:?}");
    for (early, late) in early.files().into_iter().zip(late.files()) {
        assert!(late <= early + early / 2 + 20, "{taken:?}");
    }
}
