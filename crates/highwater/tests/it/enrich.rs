//! A stream of events that is joined with a Delta table of users and becomes another Delta table.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use futures::TryStreamExt as _;
use highwater::arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use highwater::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use highwater::core::{Failpoint, Failpoints};
use highwater::join::StaticJoin;
use highwater::pipeline::{ExecutorSpec, Inline, Options, Pipeline, RunError, Trigger};
use highwater::storage::Storage;
use highwater::timely::Threads;
use highwater_delta::{DeltaSource, DeltaTable};
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::memory_source::MemorySource;

fn schema(other: &str) -> SchemaRef {
    let columns =
        [Field::new("user_id", DataType::Int64, true), Field::new(other, DataType::Utf8, true)];
    Arc::new(Schema::new(columns.to_vec()))
}

fn rows(other: &str, rows: &[(i64, &str)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>());
    RecordBatch::try_new(schema(other), vec![ids, texts]).unwrap()
}

fn executor(threads: usize) -> Arc<dyn ExecutorSpec> {
    match NonZeroUsize::new(threads) {
        None => Arc::new(Inline),
        // The bytes of one payload at most are on their way.
        Some(threads) => Arc::new(Threads::new(threads).in_flight(NonZeroUsize::MIN)),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

struct Fixture {
    events: MemorySource,
    new_users: MemorySource,
    users: DeltaTable,
    enriched: Storage,
    checkpoint: Storage,
    threads: usize,
}

impl Fixture {
    fn new(threads: usize) -> Self {
        Self {
            events: MemorySource::new("events", schema("type"), 2),
            new_users: MemorySource::new("users", schema("name"), 1),
            users: DeltaTable::new(Storage::memory()),
            enriched: Storage::memory(),
            checkpoint: Storage::memory(),
            threads,
        }
    }

    fn run(
        &self,
        p: &Pipeline,
        checkpoint: &Storage,
        failpoints: Failpoints,
    ) -> Result<(), RunError> {
        let options = Options::checkpoint_in(checkpoint.clone())
            .trigger(Trigger::available_now())
            .max_records_per_epoch(NonZeroU64::new(2).unwrap())
            .executor(executor(self.threads))
            .failpoints(failpoints);
        p.build().unwrap().run_blocking(options)
    }

    /// Another pipeline appends to the table of users.
    fn add_users(&self, users: &[(i64, &str)]) {
        self.new_users.append(0, rows("name", users));
        let p = Pipeline::new("users");
        p.source("users", self.new_users.clone()).sink("users", self.users.append());
        self.run(&p, &Storage::memory(), Failpoints::default()).unwrap();
    }

    fn enrich(&self, which: impl Fn(DeltaSource) -> DeltaSource) {
        self.enrich_with(which, Failpoints::default()).unwrap();
    }

    fn enrich_with(
        &self,
        which: impl Fn(DeltaSource) -> DeltaSource,
        failpoints: Failpoints,
    ) -> Result<(), RunError> {
        let p = Pipeline::new("enrich");
        let events = p.source("events", self.events.clone());
        let users = p.source("users", which(self.users.source(schema("name"))));
        events
            .connect(&users)
            .apply("enriched", StaticJoin::inner(["user_id"]))
            .sink("enriched", DeltaTable::new(self.enriched.clone()).append());
        self.run(&p, &self.checkpoint, failpoints)
    }

    /// Loses the data files of the enriched table, all of which were only staged.
    fn forget_staged(&self) {
        runtime().block_on(async {
            let files = self.enriched.list("").await.unwrap();
            let staged = files.iter().filter(|file| file.path.ends_with(".parquet"));
            let staged: Vec<_> = staged.map(|file| file.path.clone()).collect();
            assert!(!staged.is_empty());
            for path in staged {
                self.enriched.delete(&path).await.unwrap();
            }
        });
    }

    /// The ids, types and names in the enriched table.
    fn found(&self) -> Vec<String> {
        let table = DeltaTable::new(self.enriched.clone());
        let batches: Vec<RecordBatch> = runtime()
            .block_on(async { table.read().await.unwrap().rows().try_collect().await.unwrap() });
        let mut found = Vec::new();
        for batch in &batches {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            let text = |column: usize| batch.column(column).as_string::<i32>();
            found.extend((0..batch.num_rows()).map(|row| {
                format!("{} {} {}", ids.value(row), text(1).value(row), text(2).value(row))
            }));
        }
        found.sort_unstable();
        found
    }
}

#[test]
fn events_meet_the_newest_users_or_those_of_the_first_epoch() {
    for threads in [0, 1, 3] {
        for fixed in [false, true] {
            let it = Fixture::new(threads);
            let which = |users: DeltaSource| if fixed { users.fixed() } else { users };
            it.add_users(&[(1, "Ada"), (2, "Bo")]);
            it.events.append(0, rows("type", &[(1, "a"), (3, "b"), (2, "c")]));
            it.events.append(1, rows("type", &[(2, "d")]));
            it.enrich(which);
            assert_eq!(it.found(), ["1 a Ada", "2 c Bo", "2 d Bo"]);

            it.add_users(&[(3, "Cy")]);
            it.events.append(1, rows("type", &[(3, "e"), (1, "f")]));
            it.enrich(which);
            let mut wanted = vec!["1 a Ada", "1 f Ada", "2 c Bo", "2 d Bo"];
            wanted.extend((!fixed).then_some("3 e Cy"));
            assert_eq!(it.found(), wanted, "{threads} threads, fixed: {fixed}");
        }
    }
}

#[test]
fn a_replay_meets_the_users_of_its_plan() {
    for threads in [0, 2] {
        let it = Fixture::new(threads);
        it.add_users(&[(1, "Ada")]);
        it.events.append(0, rows("type", &[(2, "a")]));
        it.events.append(1, rows("type", &[(1, "b")]));
        let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
        let armed = Armed::shooting([(dies, Shot::Kill)]);
        it.enrich_with(|users| users, armed.failpoints()).unwrap_err();
        armed.assert_fired();
        it.forget_staged();

        // The epoch that is run again and the next one are of one run, and see different tables.
        it.add_users(&[(2, "Bo")]);
        it.events.append(0, rows("type", &[(2, "c")]));
        it.events.append(1, rows("type", &[(1, "d")]));
        it.enrich(|users| users);
        assert_eq!(it.found(), ["1 b Ada", "1 d Ada", "2 c Bo"], "{threads} threads");
    }
}

#[test]
fn the_table_knows_the_version_when_the_checkpoint_is_lost() {
    let mut it = Fixture::new(0);
    it.add_users(&[(1, "Ada")]);
    it.events.append(0, rows("type", &[(1, "a")]));
    it.enrich(DeltaSource::fixed);
    it.add_users(&[(2, "Bo")]);
    it.checkpoint = Storage::memory();
    it.events.append(0, rows("type", &[(1, "b"), (2, "c")]));
    it.enrich(DeltaSource::fixed);
    assert_eq!(it.found(), ["1 a Ada", "1 b Ada"]);
}
