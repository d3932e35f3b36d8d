//! The suite that every sink passes.

use async_trait::async_trait;
use futures::FutureExt;
use highwater_core::{
    Committer, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};
use highwater_iceberg::{FileCatalog, IcebergSink, bucket, identity};
use highwater_storage::Storage;
use highwater_testkit::conformance::{self, SinkCase};

use crate::fixture::{TABLE, ids, name, rows};

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

async fn conforms(warehouse: Storage) {
    let sink = FileCatalog::new(warehouse.clone()).table(TABLE).append();
    conforms_as(sink, warehouse).await;
}

async fn conforms_as(sink: IcebergSink, warehouse: Storage) {
    let sink = OnePipeline(sink);
    let count = || {
        let warehouse = warehouse.clone();
        async move { ids(&warehouse).await.len() }.boxed()
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
    let sink = FileCatalog::new(warehouse.clone()).table(TABLE).append();
    conforms_as(sink.partition_by([bucket(4, "id"), identity("note")]), warehouse).await;
}

#[tokio::test]
async fn a_table_in_memory_is_a_sink() {
    conforms(Storage::memory()).await;
}
