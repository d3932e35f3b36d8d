//! A sink with its committer, as a pipeline would drive it, rows to write, and a log to look into.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use highwater_core::{
    Batch, CommitMachine, Committer, Digest, Ended, Epoch, Failpoints, Footing, Found, Marker,
    MarkerId, Move, Name, Result, Rule, Sink, SinkContext, Staged, StreamInfo, Swap, WriterContext,
};
use highwater_delta::{DeltaSink, DeltaSnapshot, DeltaTable};
use highwater_storage::{Created, Storage};
use serde_json::{Value, json};

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Rows of four types, of which `id` must not be null.
pub(crate) fn schema() -> SchemaRef {
    let zone = Some("+00:00".into());
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("note", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, zone), true),
    ]))
}

/// Rows with these ids.
pub(crate) fn rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.collect();
    let notes = ids.iter().map(|id| (id % 3 != 0).then(|| format!("note {}", id % 2)));
    let amounts: Decimal128Array = ids.iter().map(|id| Some(i128::from(id * 101))).collect();
    let times: TimestampMicrosecondArray = ids.iter().map(|id| Some(id * 1_000_000)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.clone())),
        Arc::new(notes.collect::<StringArray>()),
        Arc::new(amounts.with_precision_and_scale(18, 2).unwrap()),
        Arc::new(times.with_timezone("+00:00")),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// One sink of one pipeline.
pub(crate) struct Pipeline {
    pub(crate) sink: DeltaSink,
    pub(crate) cx: SinkContext,
    pub(crate) committer: Box<dyn Committer>,
}

impl Pipeline {
    pub(crate) async fn open(table: &Storage) -> Self {
        Self::try_open(table, context("ledger")).await.unwrap()
    }

    pub(crate) async fn try_open(table: &Storage, cx: SinkContext) -> Result<Self> {
        Self::try_open_with(DeltaTable::new(table.clone()).append(), cx).await
    }

    pub(crate) async fn try_open_with(sink: DeltaSink, cx: SinkContext) -> Result<Self> {
        let committer = sink.open(&cx).await?;
        Ok(Self { sink, cx, committer })
    }

    /// Stages rows on one worker.
    pub(crate) async fn stage(&self, epoch: u64, batches: &[RecordBatch]) -> Vec<Staged> {
        let cx = WriterContext {
            sink: self.cx.sink.clone(),
            input: self.cx.input.clone(),
            run: self.cx.run.clone(),
            epoch: Epoch(epoch),
            worker: 0,
            target: self.committer.target(),
            failpoints: self.cx.failpoints.clone(),
        };
        let mut writer = self.sink.writer(&cx).unwrap();
        for batch in batches {
            writer.write(Batch::from(batch.clone())).unwrap();
            writer.ready().await.unwrap();
        }
        writer.close().await.unwrap()
    }

    /// The marker of an epoch that follows the one before it.
    pub(crate) fn marker(&self, epoch: u64) -> Marker {
        let id = |epoch: u64| MarkerId {
            epoch: Epoch(epoch),
            digest: Digest::of(format!("{}/{epoch}", self.cx.pipeline).as_bytes()),
        };
        Marker {
            pipeline: self.cx.pipeline.clone(),
            sink: self.cx.sink.clone(),
            id: id(epoch),
            follows: epoch.checked_sub(1).map(id),
            plan: None,
        }
    }

    /// Commits as the driver does.
    pub(crate) async fn commit(&mut self, epoch: u64, staged: &[Staged]) -> Ended {
        let marker = self.marker(epoch);
        self.commit_as(&marker, Footing::on(marker.follows), staged).await
    }

    /// The same, on whatever footing.
    pub(crate) async fn commit_as(
        &mut self,
        marker: &Marker,
        on: Footing,
        staged: &[Staged],
    ) -> Ended {
        let rule = Rule { mine: marker.id, on, replaces: vec![] };
        let mut machine = CommitMachine::new(rule, 5);
        loop {
            match machine.next_move() {
                Move::Load => machine.loaded(&self.committer.load().await.unwrap()),
                Move::Swap => match self.committer.swap(marker, staged).await {
                    Swap::Committed => machine.committed(),
                    Swap::Conflicted | Swap::Unknown(_) => machine.unresolved(),
                    Swap::Failed(error) => panic!("{error}"),
                },
                Move::End(ended) => return ended,
            }
        }
    }

    /// Stages and commits.
    pub(crate) async fn append(&mut self, epoch: u64, batches: &[RecordBatch]) {
        let staged = self.stage(epoch, batches).await;
        let mine = self.marker(epoch).id;
        assert_eq!(self.commit(epoch, &staged).await, Ended::Committed(mine));
    }

    pub(crate) async fn found(&mut self) -> Found {
        self.committer.load().await.unwrap()
    }
}

pub(crate) fn context(pipeline: &str) -> SinkContext {
    SinkContext {
        pipeline: name(pipeline),
        sink: name("orders"),
        input: StreamInfo::new(schema()),
        run: "run".to_owned(),
        failpoints: Failpoints::default(),
    }
}

pub(crate) async fn table(storage: &Storage) -> DeltaSnapshot {
    DeltaTable::new(storage.clone()).read().await.unwrap()
}

/// All rows of the table.
pub(crate) async fn batches(storage: &Storage) -> Vec<RecordBatch> {
    table(storage).await.rows().try_collect().await.unwrap()
}

/// The numbers in a column of the table, sorted.
pub(crate) async fn numbers_in(storage: &Storage, column: &str) -> Vec<i64> {
    let of = |batch: &RecordBatch| {
        batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    let mut numbers: Vec<i64> = batches(storage).await.iter().flat_map(of).collect();
    numbers.sort_unstable();
    numbers
}

/// The ids in the table, sorted.
pub(crate) async fn ids(storage: &Storage) -> Vec<i64> {
    numbers_in(storage, "id").await
}

pub(crate) fn log_path(version: u64) -> String {
    format!("_delta_log/{version:020}.json")
}

/// The actions of a version.
pub(crate) async fn actions(storage: &Storage, version: u64) -> Vec<Value> {
    let bytes = storage.read(&log_path(version)).await.unwrap().unwrap();
    let lines = std::str::from_utf8(&bytes).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a version says in actions of one kind.
pub(crate) async fn all(storage: &Storage, version: u64, kind: &str) -> Vec<Value> {
    let actions = actions(storage, version).await;
    actions.into_iter().filter_map(|action| action.get(kind).cloned()).collect()
}

/// The files of the table as its commits say it, without any library: each one that goes must be
/// there, with the deletion vector it has, and none may come twice.
pub(crate) async fn active(storage: &Storage) -> BTreeMap<String, Value> {
    let mut active = BTreeMap::new();
    for version in 0..=table(storage).await.version() {
        let text = |action: &Value| action["path"].as_str().unwrap().to_owned();
        for removed in all(storage, version, "remove").await {
            let was: Value = active.remove(&text(&removed)).expect("a file that is there");
            assert_eq!(was["deletionVector"], removed["deletionVector"], "of version {version}");
        }
        for added in all(storage, version, "add").await {
            let twice = active.insert(text(&added), added);
            assert_eq!(twice, None, "in version {version}");
        }
    }
    active
}

/// Another engine puts the files at `paths` into one; the rows of the table stay the same.
pub(crate) async fn compact(storage: &Storage, paths: &[String], rows: &[RecordBatch]) {
    let active = active(storage).await;
    let remove = |path: &String| {
        let mut remove = json!({"path": path, "dataChange": false, "deletionTimestamp": 1});
        remove["deletionVector"] = active[path]["deletionVector"].clone();
        json!({"remove": remove})
    };
    let mut actions = vec![info("OPTIMIZE", &json!({}))];
    actions.extend(paths.iter().map(remove));
    actions.extend(foreign_files(storage, rows, false).await);
    foreign(storage, &actions).await;
}

/// Files of another writer, as actions that add them.
pub(crate) async fn foreign_files(
    storage: &Storage,
    rows: &[RecordBatch],
    changes: bool,
) -> Vec<Value> {
    let Some(first) = rows.first() else { return vec![] };
    let mut cx = context("ledger");
    cx.input = StreamInfo::new(first.schema());
    cx.sink = name("foreign");
    cx.run = format!("of-{}", table(storage).await.version());
    let writer = Pipeline::try_open(storage, cx).await.unwrap();
    let add = |file: Staged| {
        let detail: Value = serde_json::from_str(&file.detail).unwrap();
        json!({"add": {
            "path": file.path, "size": file.bytes, "partitionValues": detail["partition"],
            "modificationTime": 1, "dataChange": changes, "stats": detail["stats"],
        }})
    };
    writer.stage(0, rows).await.into_iter().map(add).collect()
}

/// Makes the next version, as another engine might. Gives its number.
pub(crate) async fn foreign(storage: &Storage, actions: &[Value]) -> u64 {
    let next = table(storage).await.version() + 1;
    let lines: Vec<_> = actions.iter().map(ToString::to_string).collect();
    let made = storage.create(&log_path(next), lines.join("\n").into()).await.unwrap();
    assert_eq!(made, Created::Created);
    next
}

/// What another engine says of a commit.
/// What the table is called and has, with one more column of whole numbers.
pub(crate) async fn with_column(storage: &Storage, name: &str, nullable: bool) -> Value {
    let mut metadata = all(storage, 0, "metaData").await.remove(0);
    let text = metadata["schemaString"].as_str().unwrap();
    let mut schema: Value = serde_json::from_str(text).unwrap();
    let more = json!({"name": name, "type": "long", "nullable": nullable, "metadata": {}});
    schema["fields"].as_array_mut().unwrap().push(more);
    metadata["schemaString"] = schema.to_string().into();
    json!({"metaData": metadata})
}

pub(crate) fn info(operation: &str, parameters: &Value) -> Value {
    let later: i64 = 4_000_000_000_000;
    json!({"commitInfo": {
        "timestamp": later, "operation": operation, "operationParameters": parameters,
    }})
}
