//! Create, append, reopen, read back.

use futures::TryStreamExt;
use highwater_core::arrow::compute::concat_batches;
use highwater_core::{ErrorKind, Found, Sink};
use highwater_iceberg::FileCatalog;
use highwater_storage::Storage;

use crate::fixture::{Pipeline, TABLE, context, ids, rows, schema, table, version};
use crate::lake::{Lake, in_both_catalogs};

in_both_catalogs!(
    rows_of_every_epoch_are_read_back,
    an_epoch_without_rows_leaves_its_marker,
    opening_commits_nothing,
    totals_are_counted,
);

async fn rows_of_every_epoch_are_read_back(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    assert_eq!(pipeline.found().await, Found::Nothing);
    pipeline.append(0, &[rows(0..10), rows(10..20)]).await;
    pipeline.append(1, &[rows(20..30)]).await;

    let table = table(lake).await;
    assert_eq!(table.snapshots(), 2);
    assert_eq!(table.markers().unwrap(), [pipeline.marker(1)]);
    let batches: Vec<_> = table.rows().await.unwrap().try_collect().await.unwrap();
    let all = concat_batches(&table.schema(), &batches).unwrap();
    assert_eq!(all.num_rows(), 30);
    let expected = rows(20..30);
    for (column, field) in expected.columns().iter().zip(schema().fields()) {
        let read = all.column_by_name(field.name()).unwrap();
        assert_eq!(&read.slice(0, 10), column, "{field}"); // the newest manifest comes first
    }
}

#[tokio::test]
async fn a_local_table_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let url = directory.path().join("warehouse");
    let warehouse = Storage::open(url.to_str().unwrap()).unwrap();
    Pipeline::open(&warehouse).await.append(0, &[rows(0..5)]).await;
    let mut again = Pipeline::open(&warehouse).await;
    assert_eq!(again.found().await, Found::Marker(again.marker(0)));
    again.append(1, &[rows(5..9)]).await;
    assert_eq!(ids(&warehouse).await, (0..9).collect::<Vec<_>>());
    let hint = std::fs::read_to_string(url.join("demo/orders/metadata/version-hint.text")).unwrap();
    assert_eq!(hint, "3");
}

async fn an_epoch_without_rows_leaves_its_marker(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    pipeline.append(0, &[]).await;
    pipeline.append(1, &[rows(0..4)]).await;
    pipeline.append(2, &[]).await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    assert_eq!(ids(lake).await, [0, 1, 2, 3]);
    assert_eq!(table(lake).await.snapshots(), 3);
}

async fn opening_commits_nothing(lake: &dyn Lake) {
    Pipeline::open(lake).await;
    Pipeline::open(lake).await;
    assert_eq!(version(lake).await, 1);
    assert_eq!(table(lake).await.snapshots(), 0);
    assert!(ids(lake).await.is_empty());
}

#[tokio::test]
async fn a_table_that_is_not_there_cannot_be_read() {
    let catalog = FileCatalog::new(Storage::memory());
    for name in ["demo.nothing", "nothing"] {
        let error = catalog.table(name).read().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn racing_creators_make_one_table() {
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::open(directory.path().to_str().unwrap()).unwrap();
    let open = || Pipeline::try_open(&warehouse, context("ledger", "run"));
    let (a, b, c) = tokio::join!(open(), open(), open());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(version(&warehouse).await, 1);
}

async fn totals_are_counted(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    pipeline.append(0, &[rows(0..10)]).await;
    let staged = pipeline.stage(1, &[rows(10..15)]).await;
    pipeline.commit(1, &staged).await;
    let table = table(lake).await;
    let entry = |key: &str| table.summary(key).unwrap();
    assert_eq!(entry("added-data-files"), "1");
    assert_eq!(entry("added-records"), "5");
    assert_eq!(entry("added-files-size"), staged[0].bytes.to_string());
    assert_eq!(entry("total-data-files"), "2");
    assert_eq!(entry("total-records"), "15");
    assert_eq!(entry("total-delete-files"), "0");
    assert_eq!(entry("highwater.pipeline"), "ledger");
    assert_eq!(entry("highwater.sink"), "orders");
    assert_eq!(entry("highwater.epoch"), "1");
    assert_eq!(entry("highwater.digest"), pipeline.marker(1).id.digest.to_string());
}

#[tokio::test]
async fn long_files_are_rolled() {
    let warehouse = Storage::memory();
    let catalog = FileCatalog::new(warehouse.clone());
    let sink =
        catalog.table(TABLE).append().create_property("write.target-file-size-bytes", "1000");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "r1")).await.unwrap();
    let staged = pipeline.stage(0, &[rows(0..500), rows(500..1000), rows(1000..1200)]).await;
    assert_eq!(staged.len(), 3);
    assert!(staged[2].path.ends_with("/demo/orders/data/orders-0-r1-0-2.parquet"), "{staged:?}");
    assert!(pipeline.committer.check(&staged).await.unwrap());
    pipeline.commit(0, &staged).await;
    assert_eq!(ids(&warehouse).await.len(), 1200);

    let mut shorter = staged.clone();
    shorter[1].bytes -= 1;
    assert!(!pipeline.committer.check(&shorter).await.unwrap());
    shorter[1].path += "x";
    assert!(!pipeline.committer.check(&shorter).await.unwrap());
}

#[test]
fn the_sink_names_its_table() {
    let sink = FileCatalog::new(Storage::memory()).table(TABLE).append();
    assert_eq!(sink.describe(), "iceberg demo.orders in memory://storage");
}
