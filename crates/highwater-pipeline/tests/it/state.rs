//! What steps keep goes on from epoch to epoch and from life to life, each row counted once.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_checkpoint::Log;
use highwater_core::{Error, ErrorKind, Failpoint, FailpointHook, Failpoints, Routing};
use highwater_pipeline::{OnRollback, Options, Pipeline, Plan, Trigger};
use highwater_storage::Storage;
use highwater_testkit::counting::Counting;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot, never_reached};
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;

/// The n-th row of each number, and again: of each n. Two steps of one worker keep state.
fn pipeline(world: &World) -> Pipeline {
    let p = Pipeline::new("counts");
    let counts = p
        .source("numbers", world.source("numbers", numbers([0]).schema()))
        .apply("count", Counting::by("n").up_to(3));
    counts.sink("counts", world.table("counts"));
    counts.apply("again", Counting::by("nth")).sink("again", world.table("again"));
    p
}

/// The same by a loop over all there is.
fn naive(rows: &[i64]) -> BTreeMap<String, Vec<String>> {
    let (mut counts, mut again) = (Vec::new(), Vec::new());
    let count = |all: &[i64], key: i64| i64::try_from(all.iter().filter(|it| **it == key).count());
    let mut nths = Vec::new();
    for (place, n) in rows.iter().enumerate() {
        let before = count(&rows[..place], *n).unwrap();
        let nth = before % 3 + 1;
        counts.push(format!("{n} | {nth}"));
        nths.push(nth);
        again.push(format!("{nth} | {}", count(&nths, nth).unwrap()));
    }
    counts.sort();
    again.sort();
    BTreeMap::from([("counts".to_owned(), counts), ("again".to_owned(), again)])
}

#[test]
fn every_row_is_counted_once_over_epochs_and_starts() {
    let rows = [1, 2, 1, 1, 1, 3, 2, 1, 2, 3, 1, 1, 1, 1, 2, 3, 3, 2, 1];
    let harness = Harness::new(pipeline)
        .feed("numbers", numbers(rows[..7].iter().copied()))
        .feed("numbers", numbers(rows[7..].iter().copied()))
        .records_per_epoch(NonZeroU64::new(2).unwrap());
    assert_eq!(harness.tables(), naive(&rows));
}

#[test]
fn every_single_fault_leaves_the_same_counts() {
    let harness = Harness::new(pipeline)
        .feed("numbers", numbers([1, 2, 1, 1, 3]))
        .feed("numbers", numbers([1, 2, 1]))
        .records_per_epoch(NonZeroU64::new(2).unwrap());
    let coverage = harness.every_crash();
    assert!(coverage.runs > 100, "{coverage:?}");
}

#[test]
fn every_pair_of_crashes_leaves_the_same_counts() {
    let harness =
        Harness::new(pipeline).feed("numbers", numbers([1, 2])).feed("numbers", numbers([1]));
    let coverage = harness.every_pair_of_crashes();
    assert!(coverage.runs > 500, "{coverage:?}");
    let missed = never_reached(&coverage.fired);
    assert!(missed.is_empty(), "failpoints without a case: {missed:?}");
}

/// One pipeline that is started again and again.
#[derive(Clone, Debug)]
struct Fixture {
    source: MemorySource,
    table: MemoryTable,
    storage: Storage,
}

impl Fixture {
    fn new() -> Self {
        Self {
            source: MemorySource::new("numbers", numbers([0]).schema(), 1),
            table: MemoryTable::new("counts"),
            storage: Storage::memory(),
        }
    }

    /// After epochs of these rows, one each.
    fn after(epochs: impl IntoIterator<Item = RecordBatch>) -> Self {
        let it = Self::new();
        for rows in epochs {
            it.source.append(0, rows);
            it.run().unwrap();
        }
        it
    }

    fn plan(&self, counting: Option<(&str, Counting)>) -> Plan {
        let p = Pipeline::new("counts");
        let rows = p.source("numbers", self.source.clone());
        let rows = match counting {
            Some((name, step)) => rows.apply(name, step),
            None => rows.map_batches("count", counted(&[], &[]).schema(), |rows, _| {
                let n = rows.column(0).as_primitive::<Int64Type>().values();
                Ok(counted(n, &vec![1; n.len()]))
            }),
        };
        rows.sink("counts", self.table.clone());
        p.build().unwrap()
    }

    fn options(&self) -> Options {
        Options::checkpoint_in(self.storage.clone()).trigger(Trigger::available_now())
    }

    fn run(&self) -> Result<(), Ended> {
        self.run_with(self.options())
    }

    fn run_with(&self, options: Options) -> Result<(), Ended> {
        self.run_as(Some(("count", Counting::by("n"))), options)
    }

    fn run_as(&self, counting: Option<(&str, Counting)>, options: Options) -> Result<(), Ended> {
        let ended = self.plan(counting).run_blocking(options);
        ended.map_err(|error| Ended::of(error.error(), error.to_string()))
    }

    /// Runs a start that dies where the `nth` record is prepared, and loses what it staged.
    fn die_with_an_epoch_to_be_run_again(&self) {
        let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
        let armed = Armed::shooting([(dies, Shot::Kill)]);
        self.run_with(self.options().failpoints(armed.failpoints())).unwrap_err();
        armed.assert_fired();
        self.table.forget_staged();
    }

    /// Numbers with their counts.
    fn counts(&self) -> Vec<(i64, i64)> {
        let column =
            |rows: &RecordBatch, at| rows.column(at).as_primitive::<Int64Type>().values().to_vec();
        let rows = self.table.rows();
        let rows = rows.iter().flat_map(|it| column(it, 0).into_iter().zip(column(it, 1)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable();
        rows
    }

    /// The levels of the saves that count.
    async fn levels(&self) -> Vec<usize> {
        let newest = Log::new(self.storage.clone()).newest().await.unwrap().unwrap();
        let state = newest.record.state.unwrap();
        state.objects.into_iter().map(|object| object.level.index()).collect()
    }

    async fn objects(&self) -> Vec<String> {
        let objects = self.storage.list("state").await.unwrap();
        objects.into_iter().map(|object| object.path).collect()
    }
}

/// Numbers with a count each, in the columns that counting gives.
fn counted(n: &[i64], nth: &[i64]) -> RecordBatch {
    let column = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    RecordBatch::try_from_iter([("n", column(n)), ("nth", column(nth))]).unwrap()
}

#[derive(Debug)]
struct Ended {
    kind: ErrorKind,
    text: String,
}

impl Ended {
    fn of(error: &Error, text: String) -> Self {
        Self { kind: error.kind(), text }
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn an_epoch_that_is_run_again_begins_with_the_state_before_it() {
    let it = Fixture::after([numbers([1]), numbers([1, 2])]);
    it.source.append(0, numbers([1, 2, 1]));
    it.die_with_an_epoch_to_be_run_again();
    it.run().unwrap();
    it.source.append(0, numbers([2, 1]));
    it.run().unwrap();
    let expected = [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1), (2, 2), (2, 3)];
    assert_eq!(it.counts(), expected);
}

#[test]
fn the_first_epoch_is_run_again_without_state() {
    let it = Fixture::new();
    it.source.append(0, numbers([1, 1]));
    it.die_with_an_epoch_to_be_run_again();
    it.run().unwrap();
    assert_eq!(it.counts(), [(1, 1), (1, 2)]);
}

#[test]
fn an_epoch_is_not_run_again_without_the_record_before_it() {
    let it = Fixture::after([numbers([1]), numbers([1]), numbers([1])]);
    it.source.append(0, numbers([1]));
    it.die_with_an_epoch_to_be_run_again();
    wait(it.storage.delete("prepared/00000000000000000002.0000.json")).unwrap();
    let Ended { kind, text } = it.run().unwrap_err();
    assert_eq!(kind, ErrorKind::Refused, "{text}");
    assert!(text.contains("epoch 3 has to be run again, and the record of epoch 2"), "{text}");
    assert!(text.contains("Next: restore the checkpoint from a copy"), "{text}");
}

#[test]
fn a_lost_log_is_refused_because_a_table_holds_no_state() {
    let it = Fixture::after([numbers([1])]);
    wait(it.storage.delete("prepared/00000000000000000000.0000.json")).unwrap();
    for choice in [OnRollback::Refuse, OnRollback::Accept] {
        let Ended { kind, text } = it.run_with(it.options().on_rollback(choice)).unwrap_err();
        assert_eq!(kind, ErrorKind::Refused, "{text}");
        assert!(text.contains("sink counts holds epoch 0, and the state of step count"), "{text}");
        assert!(text.contains("Next: restore the checkpoint from a copy"), "{text}");
    }
    assert_eq!(it.counts(), [(1, 1)]);
}

#[test]
fn state_of_other_steps_is_refused_and_what_differs_is_named() {
    let it = Fixture::after([numbers([1])]);
    it.source.append(0, numbers([1]));
    let count = |name, up_to| Some((name, Counting::by("n").up_to(up_to)));
    let was = format!("step count kept state of count v0 n up to {}, and today it keeps", i64::MAX);
    let tally = count("tally", i64::MAX);
    for (today, keeps) in [
        (count("count", 7), "state of count v0 n up to 7"),
        (None, "no state"),
        (tally, "no state"),
    ] {
        let says = format!("{was} {keeps}");
        let Ended { kind, text } = it.run_as(today, it.options()).unwrap_err();
        assert_eq!(kind, ErrorKind::Refused, "{text}");
        assert!(text.contains(&says), "{text}");
        assert!(text.contains("Next: go back to the former step or options, or begin"), "{text}");
    }
    it.run().unwrap();
    assert_eq!(it.counts(), [(1, 1), (1, 2)]);
}

#[test]
fn state_is_not_begun_in_the_middle() {
    let it = Fixture::new();
    it.source.append(0, numbers([1]));
    it.run_as(None, it.options()).unwrap();
    let Ended { kind, text } = it.run().unwrap_err();
    assert_eq!(kind, ErrorKind::Refused, "{text}");
    assert!(text.contains("step count kept no state, and today it keeps state of count"), "{text}");
}

#[test]
fn a_state_object_that_is_damaged_cut_or_gone_stops_and_is_named() {
    let it = Fixture::after([numbers([1, 2, 3])]);
    let [path] = &wait(it.objects())[..] else { panic!("one worker, one epoch") };
    let whole = wait(it.storage.read(path)).unwrap().unwrap();
    it.source.append(0, numbers([1]));
    let check = |says: &str| {
        let Ended { kind, text } = it.run().unwrap_err();
        assert_eq!(kind, ErrorKind::Corrupt, "{says}: {text}");
        assert!(text.contains(path.as_str()), "{says}: {text}");
        assert!(text.contains("Next: restore the"), "{says}: {text}");
        assert_eq!(it.counts(), [(1, 1), (2, 1), (3, 1)], "{says}");
    };
    // Behind the magic comes padding, which nothing is read from.
    for place in (0..whole.len()).filter(|place| !(0..64).contains(place)) {
        let mut damaged = whole.to_vec();
        damaged[place] ^= 0x10;
        wait(it.storage.replace(path, damaged.into())).unwrap();
        check(&format!("byte {place}"));
    }
    wait(it.storage.replace(path, whole.slice(..whole.len() - 1))).unwrap();
    check("cut");
    wait(it.storage.delete(path)).unwrap();
    check("gone");
    wait(it.storage.replace(path, whole)).unwrap();
    it.run().unwrap();
    assert_eq!(it.counts(), [(1, 1), (1, 2), (2, 1), (3, 1)]);
}

#[test]
fn there_are_never_many_state_objects_and_none_is_left_by_the_dead() {
    let it = Fixture::new();
    it.source.append(0, numbers((0..600).map(|n| n % 7)));
    let one_each = || it.options().max_records_per_epoch(NonZeroU64::MIN);
    let saved = Occurrence { point: Failpoint::StateSaved, nth: 40 };
    let armed = Armed::shooting([(saved, Shot::Kill)]);
    it.run_with(one_each().failpoints(armed.failpoints())).unwrap_err();
    armed.assert_fired();
    let orphan = wait(it.objects()).pop().unwrap();
    it.run_with(one_each()).unwrap();
    let objects = wait(it.objects());
    assert!(!objects.contains(&orphan), "{orphan} is of no record");
    assert!(objects.len() < 60, "{} objects", objects.len());
    let expected = |key: i64| (1..=(600 - key + 6) / 7).map(move |nth| (key, nth));
    assert_eq!(it.counts(), (0..7).flat_map(expected).collect::<Vec<_>>());
}

#[test]
fn the_first_epoch_of_a_life_leaves_a_large_save_to_the_second() {
    for (epochs, levels) in [(1, &[0; 16][..]), (2, &[1]), (3, &[1, 0])] {
        let it = Fixture::after((0..15).map(|n| numbers([n])));
        assert_eq!(wait(it.levels()), [0; 15], "each life had one epoch");
        it.source.append(0, numbers((0..epochs).map(|n| n + 15)));
        it.run_with(it.options().max_records_per_epoch(NonZeroU64::MIN)).unwrap();
        assert_eq!(wait(it.levels()), levels, "after {epochs} epochs");
        it.source.append(0, numbers([0]));
        it.run().unwrap();
        assert_eq!(it.counts().last(), Some(&(14 + epochs, 1)));
        assert_eq!(it.counts()[..2], [(0, 1), (0, 2)], "state is whole");
    }
}

/// Another instance, which goes on when this one has made its first plan.
#[derive(Debug)]
struct Overtakes {
    other: Fixture,
    once: Mutex<bool>,
}

impl FailpointHook for Overtakes {
    fn hit(&self, point: Failpoint) -> highwater_core::Result<()> {
        if point == Failpoint::Planned && !std::mem::replace(&mut *self.once.lock().unwrap(), true)
        {
            let options = self.other.options().max_records_per_epoch(NonZeroU64::MIN);
            std::thread::scope(|scope| {
                scope.spawn(|| self.other.run_with(options).unwrap()).join().unwrap();
            });
        }
        Ok(())
    }
}

#[test]
fn who_is_overtaken_before_it_has_its_state_is_fenced() {
    let it = Fixture::after([numbers([1]), numbers([1])]);
    it.source.append(0, numbers(vec![2; 40]));
    let overtakes = Overtakes { other: it.clone(), once: Mutex::new(false) };
    let options = it.options().failpoints(Failpoints::armed(Arc::new(overtakes)));
    let Ended { kind, text } = it.run_with(options).unwrap_err();
    assert_eq!(kind, ErrorKind::Fenced, "{text}");
    assert!(text.contains("another instance went on"), "{text}");
    assert_eq!(it.counts().len(), 42);
}

#[test]
fn an_upgrade_is_checked_without_a_start() {
    let it = Fixture::new();
    let check = |counting| wait(it.plan(counting).check_upgrade(&it.storage)).unwrap();
    let count = |up_to| Some(("count", Counting::by("n").up_to(up_to)));
    let empty = check(count(i64::MAX));
    assert!(!empty.is_refused() && empty.after.is_none(), "{empty}");
    it.source.append(0, numbers([1]));
    it.run().unwrap();
    let same = check(count(i64::MAX));
    assert_eq!(same.to_string(), "state behind epoch 0:\n  count: compatible\n");
    assert!(!same.is_refused());
    let other = check(count(7));
    assert!(other.is_refused());
    let was = format!("state of count v0 n up to {}", i64::MAX);
    let says =
        format!("count: refuse; it kept {was}, and today it keeps state of count v0 n up to 7");
    assert!(other.to_string().contains(&says), "{other}");
    assert!(check(None).is_refused());
    let p = Pipeline::new("others");
    p.source("numbers", it.source.clone()).sink("counts", MemoryTable::new("counts"));
    let error = wait(p.build().unwrap().check_upgrade(&it.storage)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}

#[test]
fn progress_and_explain_tell_of_state() {
    let it = Fixture::new();
    it.source.append(0, numbers([1, 2, 1]));
    let plan = it.plan(Some(("count", Counting::by("n").up_to(2))));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let handle = plan.start(it.options()).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap();
    let epoch = serde_json::to_value(&observer.recent_progress()[0]).unwrap();
    let expected = serde_json::json!([{
        "operatorName": "count",
        "numRowsTotal": 1,
        "numRowsUpdated": 2,
        "numRowsRemoved": 1,
        "numRowsDroppedByWatermark": 0,
        "memoryUsedBytes": 17,
        "numDuplicateRows": 0,
    }]);
    assert_eq!(epoch["stateOperators"], expected);
    assert!(
        plan.explain().contains("    keeps one row for each key, for ever\n"),
        "{}",
        plan.explain()
    );
    assert_eq!(plan.explain_json()["nodes"][1]["state"], "one row for each key, for ever");
}

#[test]
fn state_that_cannot_find_its_rows_again_is_a_mistake() {
    let p = Pipeline::new("counts");
    let rows = p.source("numbers", MemorySource::new("numbers", numbers([0]).schema(), 1));
    let local = Counting::by("n").routed(Routing::Local);
    rows.apply("count", local).sink("counts", MemoryTable::new("counts"));
    let mistakes = p.build().unwrap_err().to_string();
    assert!(
        mistakes.contains("count: pipeline: it keeps state, and its rows stay on"),
        "{mistakes}"
    );
}
