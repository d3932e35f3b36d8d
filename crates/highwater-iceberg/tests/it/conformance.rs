//! The suite that every sink passes.

use async_trait::async_trait;
use futures::FutureExt;
use highwater_core::{
    Committer, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};
use highwater_iceberg::{IcebergSink, bucket, identity};
use highwater_storage::Storage;
use highwater_testkit::conformance::{self, SinkCase};

use crate::fixture::{TABLE, ids, name, rows};
use crate::lake::{Lake, Sql};

/// The suite lets two pipelines write one table, which this sink refuses: the second one becomes
/// another sink of the first.
struct OnePipeline(IcebergSink);

#[async_trait]
impl Sink for OnePipeline {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.0.resolve(input)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        let mut cx = cx.clone();
        cx.sink = cx.pipeline;
        cx.pipeline = name("ledger");
        self.0.open(&cx).await
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        self.0.writer(cx)
    }
}

async fn conforms(lake: impl Lake + Clone + Send + 'static) {
    let sink = lake.named(TABLE).append();
    conforms_as(sink, lake).await;
}

async fn conforms_as(sink: IcebergSink, lake: impl Lake + Clone + Send + 'static) {
    let sink = OnePipeline(sink);
    let count = || {
        let lake = lake.clone();
        async move { ids(&lake).await.len() }.boxed()
    };
    conformance::sink(SinkCase { sink: &sink, rows: rows(0..10), count: &count }).await;
}

#[tokio::test]
async fn a_table_in_a_directory_is_a_sink() {
    let directory = tempfile::tempdir().unwrap();
    conforms(Storage::open(directory.path().to_str().unwrap()).unwrap()).await;
}

#[tokio::test]
async fn a_partitioned_table_is_a_sink() {
    let warehouse = Storage::memory();
    let sink = warehouse.named(TABLE).append();
    conforms_as(sink.partition_by([bucket(4, "id"), identity("note")]), warehouse).await;
}

#[tokio::test]
async fn a_table_in_memory_is_a_sink() {
    conforms(Storage::memory()).await;
}

#[tokio::test]
async fn a_table_of_a_database_is_a_sink() {
    conforms(Sql::new()).await;
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::open(directory.path().to_str().unwrap()).unwrap();
    conforms(Sql::with_warehouse(warehouse)).await;
}
