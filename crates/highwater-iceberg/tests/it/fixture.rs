//! A sink with its committer, as a pipeline would drive it, and rows to write.

use std::sync::Arc;

use futures::TryStreamExt;
use highwater_core::arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use highwater_core::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use highwater_core::{
    Batch, CommitMachine, Committer, Digest, Ended, Epoch, Failpoints, Footing, Found, Marker,
    MarkerId, Move, Name, Result, Rule, Sink, SinkContext, Staged, StreamInfo, Swap, WriterContext,
};
use highwater_iceberg::{IcebergSink, IcebergTable};
use serde_json::Value;

use crate::lake::Lake;

/// The table of most tests.
pub(crate) const TABLE: &str = "demo.orders";

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Rows of four types, of which `note` may be null.
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
    let notes = ids.iter().map(|id| (id % 3 != 0).then(|| format!("note {id}")));
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
    pub(crate) sink: IcebergSink,
    pub(crate) cx: SinkContext,
    pub(crate) committer: Box<dyn Committer>,
}

impl Pipeline {
    pub(crate) async fn open(lake: &dyn Lake) -> Self {
        Self::try_open(lake, context("ledger", "run")).await.unwrap()
    }

    pub(crate) async fn try_open(lake: &dyn Lake, cx: SinkContext) -> Result<Self> {
        Self::try_open_with(lake.named(TABLE).append(), cx).await
    }

    pub(crate) async fn try_open_with(sink: IcebergSink, cx: SinkContext) -> Result<Self> {
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
        self.commit_within(5, epoch, staged).await
    }

    /// The same, with as many attempts.
    pub(crate) async fn commit_within(
        &mut self,
        attempts: u32,
        epoch: u64,
        staged: &[Staged],
    ) -> Ended {
        let marker = self.marker(epoch);
        let on = Footing::on(marker.follows);
        let rule = Rule { mine: marker.id, on, replaces: vec![] };
        let mut machine = CommitMachine::new(rule, attempts);
        loop {
            match machine.next_move() {
                Move::Load => machine.loaded(&self.committer.load().await.unwrap()),
                Move::Swap => match self.committer.swap(&marker, staged).await {
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

pub(crate) fn context(pipeline: &str, run: &str) -> SinkContext {
    SinkContext {
        pipeline: name(pipeline),
        sink: name("orders"),
        input: StreamInfo::new(schema()),
        run: run.to_owned(),
        failpoints: Failpoints::default(),
    }
}

pub(crate) async fn table(lake: &dyn Lake) -> IcebergTable {
    lake.named(TABLE).read().await.unwrap()
}

/// The ids in the table, sorted.
pub(crate) async fn ids(lake: &dyn Lake) -> Vec<i64> {
    let batches = table(lake).await.rows().await.unwrap();
    let batches: Vec<RecordBatch> = batches.try_collect().await.unwrap();
    let column = |batch: &RecordBatch| {
        let ids = batch.column_by_name("id").unwrap();
        ids.as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
    };
    let mut ids: Vec<i64> = batches.iter().flat_map(column).collect();
    ids.sort_unstable();
    ids
}

/// How many versions the table has had.
pub(crate) async fn version(lake: &dyn Lake) -> u64 {
    lake.newest(TABLE).await.1
}

/// The current metadata.
pub(crate) async fn metadata(lake: &dyn Lake) -> Value {
    let path = lake.warehouse().path_of(&lake.newest(TABLE).await.0).unwrap();
    let bytes = lake.warehouse().read(&path).await.unwrap().unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Makes the next metadata file out of the newest one, as another engine might.
pub(crate) async fn rewrite(lake: &dyn Lake, change: impl FnOnce(&mut Value)) {
    let mut metadata = metadata(lake).await;
    change(&mut metadata);
    lake.succeed(TABLE, &metadata).await;
}
