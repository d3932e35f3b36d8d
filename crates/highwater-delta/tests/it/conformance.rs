//! The suite that every sink passes.

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use highwater_core::{
    Committer, Found, Marker, Name, Result, Routing, Sink, SinkContext, Staged, StreamInfo, Swap,
    Target, Writer, WriterContext,
};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_storage::Storage;
use highwater_testkit::conformance::{self, SinkCase};
use serde_json::Value;

use crate::fixture::{all, ids, name, rows, table};

/// The suite lets two pipelines write one table, which this sink refuses: the second one becomes
/// another sink of the first.
struct OnePipeline(DeltaSink);

#[async_trait]
impl Sink for OnePipeline {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.0.resolve(input)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        let (pipeline, sink) = (cx.pipeline.clone(), cx.sink.clone());
        let mut cx = cx.clone();
        cx.sink = cx.pipeline;
        cx.pipeline = name("ledger");
        let committer = self.0.open(&cx).await?;
        Ok(Box::new(Renamed { committer, pipeline, sink }))
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        self.0.writer(cx)
    }
}

/// A committer of this sink names its marker by whom it was opened for, not by what it is given.
struct Renamed {
    committer: Box<dyn Committer>,
    pipeline: Name,
    sink: Name,
}

#[async_trait]
impl Committer for Renamed {
    async fn load(&mut self) -> Result<Found> {
        let rename = |marker: Marker| Marker {
            pipeline: self.pipeline.clone(),
            sink: self.sink.clone(),
            ..marker
        };
        Ok(match self.committer.load().await? {
            Found::Nothing => Found::Nothing,
            Found::Marker(marker) => Found::Marker(rename(marker)),
            Found::RolledBack { last, standing } => {
                Found::RolledBack { last: rename(last), standing }
            }
        })
    }

    fn target(&self) -> Target {
        self.committer.target()
    }

    async fn swap(&mut self, marker: &Marker, staged: &[Staged]) -> Swap {
        self.committer.swap(marker, staged).await
    }

    async fn check(&mut self, staged: &[Staged]) -> Result<bool> {
        self.committer.check(staged).await
    }
}

async fn conforms(sink: DeltaSink, storage: Storage) {
    let count = || {
        let storage = storage.clone();
        async move { ids(&storage).await.len() }.boxed()
    };
    suite(sink, &count).await;
}

async fn suite(sink: DeltaSink, count: &(dyn Fn() -> BoxFuture<'static, usize> + Sync)) {
    let sink = OnePipeline(sink);
    conformance::sink(SinkCase { sink: &sink, rows: rows(0..10), count }).await;
}

/// The same for a sink that replaces rows: whatever the number of commits, the table holds the
/// sample once. How often it came is what the suite asks for.
async fn conforms_replacing(sink: DeltaSink, storage: Storage) {
    let count = || {
        let storage = storage.clone();
        async move {
            let mut came = 0;
            for version in 0..=table(&storage).await.version() {
                let adds = all(&storage, version, "add").await;
                let staged = |add: &Value| add["path"].as_str().unwrap().contains("-run-0-");
                came += usize::from(
                    adds.iter().any(|add| staged(add) && add["deletionVector"].is_null()),
                );
            }
            let ids = ids(&storage).await;
            assert!(ids.is_empty() && came == 0 || ids == (0..10).collect::<Vec<_>>(), "{ids:?}");
            10 * came
        }
        .boxed()
    };
    suite(sink, &count).await;
}

#[tokio::test]
async fn a_table_in_a_directory_is_a_sink() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::open(directory.path().to_str().unwrap()).unwrap();
    conforms(DeltaTable::new(storage.clone()).append(), storage).await;
}

#[tokio::test]
async fn a_table_that_is_updated_is_a_sink() {
    for vectors in ["true", "false"] {
        let storage = Storage::memory().at("lake/orders");
        let sink = DeltaTable::new(storage.clone()).update(["id"]);
        conforms_replacing(sink.create_property("delta.enableDeletionVectors", vectors), storage)
            .await;
    }
}

#[tokio::test]
async fn a_table_that_is_replaced_is_a_sink() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::open(directory.path().to_str().unwrap()).unwrap();
    let sink = DeltaTable::new(storage.clone()).complete().partition_by(["note"]);
    conforms_replacing(sink, storage).await;
}

#[tokio::test]
async fn a_partitioned_table_is_a_sink() {
    let storage = Storage::memory().at("lake/orders");
    conforms(DeltaTable::new(storage.clone()).append().partition_by(["note", "at"]), storage).await;
}

#[tokio::test]
async fn a_table_in_memory_is_a_sink() {
    let storage = Storage::memory();
    conforms(DeltaTable::new(storage.clone()).append(), storage).await;
}
