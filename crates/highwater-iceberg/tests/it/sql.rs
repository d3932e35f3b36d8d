//! The rows of a catalog's database: as others write them, and as others find them.

use std::fs;

use highwater_core::{Ended, ErrorKind, Swap};
use highwater_iceberg::SqlCatalog;
use highwater_storage::Storage;
use rusqlite::Connection;
use serde_json::json;

use crate::fixture::{Pipeline, TABLE, context, ids, metadata, rewrite, rows, table, version};
use crate::lake::{Lake, Sql};

/// The columns of Java's first layout; the second one adds `iceberg_type`.
const JAVA: &str = "
CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL,table_namespace VARCHAR(255) NOT NULL,
table_name VARCHAR(255) NOT NULL,metadata_location VARCHAR(1000),previous_metadata_location VARCHAR(1000),
PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE iceberg_namespace_properties(catalog_name VARCHAR(255) NOT NULL,namespace VARCHAR(255) NOT NULL,
property_key VARCHAR(255),property_value VARCHAR(1000),
PRIMARY KEY (catalog_name, namespace, property_key));";
const TO_V1: &str = "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)";

fn text(sql: &Sql, query: &str) -> Option<String> {
    sql.connect().query_row(query, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn the_row_names_the_metadata_as_other_catalogs_do() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    pipeline.append(0, &[rows(0..2)]).await;
    pipeline.append(1, &[rows(2..3)]).await;
    let columns = "SELECT catalog_name || '/' || table_namespace || '/' || table_name || '/' || \
                   iceberg_type FROM iceberg_tables";
    assert_eq!(text(&sql, columns).unwrap(), "default/demo/orders/TABLE");
    for (column, number) in [("metadata_location", "2"), ("previous_metadata_location", "1")] {
        let location = text(&sql, &format!("SELECT {column} FROM iceberg_tables")).unwrap();
        let start = format!("memory://storage/demo/orders/metadata/0000{number}-");
        assert!(location.starts_with(&start), "{location}");
        let path = sql.warehouse().path_of(&location).unwrap();
        assert!(sql.warehouse().length(&path).await.unwrap().is_some());
    }
    let namespace = "SELECT namespace || property_key || property_value \
                     FROM iceberg_namespace_properties WHERE catalog_name = 'default'";
    assert_eq!(text(&sql, namespace).unwrap(), "demoexiststrue");
    let log = metadata(&sql).await["metadata-log"].clone();
    let previous = text(&sql, "SELECT previous_metadata_location FROM iceberg_tables").unwrap();
    assert_eq!(log[1]["metadata-file"], previous);
}

#[tokio::test]
async fn both_layouts_of_java_are_read_and_written() {
    for more in ["", TO_V1] {
        let sql = Sql::new();
        sql.connect().execute_batch(&format!("{JAVA}{more}")).unwrap();
        let mut pipeline = Pipeline::open(&sql).await;
        pipeline.append(0, &[rows(0..2)]).await;
        // Somebody goes over to the second layout meanwhile: what stood there has no type.
        if more.is_empty() {
            sql.connect().execute_batch(TO_V1).unwrap();
        }
        pipeline.append(1, &[rows(2..3)]).await;
        assert_eq!(ids(&sql).await, [0, 1, 2]);
        let typed = text(&sql, "SELECT iceberg_type FROM iceberg_tables");
        assert_eq!(typed.is_none(), more.is_empty());
    }
}

#[tokio::test]
async fn catalogs_of_one_database_are_apart() {
    let sql = Sql::new();
    Pipeline::open(&sql).await.append(0, &[rows(0..2)]).await;
    let other = sql.catalog.clone().named("other");
    let error = other.table(TABLE).read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let place = sql.database().display();
    let expected =
        format!("iceberg: table demo.orders is not there: no metadata in sqlite:{place}");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn names_and_places_follow_pyiceberg() {
    let sql = Sql::new();
    let connection = sql.connect();
    connection.execute_batch(JAVA).unwrap();
    let property =
        "INSERT INTO iceberg_namespace_properties VALUES ('default', ?1, 'location', ?2)";
    connection.execute(property, ["elsewhere", "memory://storage/other/place/"]).unwrap();
    connection.execute(property, ["outside", "memory://nowhere"]).unwrap();
    for (table, place) in [("a.b.orders", "a.b/orders"), ("elsewhere.orders", "other/place/orders")]
    {
        let cx = context("ledger", "run");
        let sink = sql.named(table).append();
        Pipeline::try_open_with(sink, cx).await.unwrap().append(0, &[rows(0..1)]).await;
        for directory in ["data", "metadata"] {
            let files = sql.warehouse().list(&format!("{place}/{directory}")).await.unwrap();
            assert!(!files.is_empty(), "{table} has no {directory}");
        }
    }
    let sink = sql.named("outside.orders").append();
    let error = Pipeline::try_open_with(sink, context("ledger", "run")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("outside of the warehouse"), "{error}");
}

#[tokio::test]
async fn a_table_stays_where_another_engine_has_made_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    let sql = Sql::with_warehouse(Storage::open(root).unwrap());
    Pipeline::open(&sql).await;
    fs::rename(directory.path().join("demo"), directory.path().join("moved")).unwrap();
    let spelled = format!("file://{root}/moved/orders");
    let old = sql.newest(TABLE).await.0;
    let new = old.replace(&format!("{root}/demo/orders"), &spelled);
    let path = sql.warehouse().path_of(&new).unwrap();
    let bytes = sql.warehouse().read(&path).await.unwrap().unwrap();
    let mut metadata: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    metadata["location"] = json!(spelled);
    sql.warehouse().replace(&path, serde_json::to_vec(&metadata).unwrap().into()).await.unwrap();
    sql.connect().execute("UPDATE iceberg_tables SET metadata_location = ?1", [new]).unwrap();

    Pipeline::open(&sql).await.append(0, &[rows(0..3)]).await;
    assert_eq!(ids(&sql).await, [0, 1, 2]);
    assert!(sql.newest(TABLE).await.0.starts_with(&format!("{spelled}/metadata/00001-")));
    assert!(!directory.path().join("demo").exists());
}

#[tokio::test]
async fn views_and_rows_without_metadata_are_unsupported() {
    for (change, text) in [
        ("iceberg_type = 'VIEW'", "iceberg: table demo.orders is a view"),
        ("metadata_location = NULL", "iceberg: table demo.orders has no metadata in its catalog"),
        (
            "metadata_location = 'memory://storage/demo/1-a.gz.metadata.json'",
            "iceberg: table demo.orders compresses its metadata, which highwater does not",
        ),
    ] {
        let sql = Sql::new();
        Pipeline::open(&sql).await;
        sql.connect().execute(&format!("UPDATE iceberg_tables SET {change}"), []).unwrap();
        let error = Pipeline::try_open(&sql, context("ledger", "run")).await.err().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Unsupported, text));
    }
}

#[tokio::test]
async fn a_table_of_a_directory_catalog_is_left_alone() {
    let sql = Sql::new();
    Pipeline::open(sql.warehouse()).await;
    let error = Pipeline::try_open(&sql, context("ledger", "run")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().ends_with("is metadata of another kind of catalog"), "{error}");
    assert_eq!(table(sql.warehouse()).await.snapshots(), 0);
}

#[tokio::test]
async fn a_table_dropped_or_made_anew_is_refused() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    pipeline.append(0, &[rows(0..1)]).await;
    sql.connect().execute("DELETE FROM iceberg_tables", []).unwrap();
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("was dropped: no metadata in sqlite:"), "{error}");
    Pipeline::open(&sql).await;
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("was dropped and made anew"), "{error}");
}

#[tokio::test]
async fn old_metadata_is_deleted_and_a_reader_that_was_outrun_goes_on() {
    let sql = Sql::new();
    let sink = sql.named(TABLE).append();
    let sink = sink.create_property("write.metadata.previous-versions-max", "2");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    for epoch in 0..6 {
        pipeline.append(epoch, &[]).await;
    }
    let files = sql.warehouse().list("demo/orders/metadata").await.unwrap();
    let mut kept: Vec<_> =
        files.iter().filter(|file| file.path.ends_with(".metadata.json")).collect();
    kept.sort();
    let numbers = kept.iter().map(|file| &file.path["demo/orders/metadata/".len()..][..5]);
    assert_eq!(numbers.collect::<Vec<_>>(), ["00004", "00005", "00006"]);
    // What the row names and nobody has is a table that is broken, not one that has moved on.
    let newest = sql.warehouse().path_of(&sql.newest(TABLE).await.0).unwrap();
    sql.warehouse().delete(&newest).await.unwrap();
    let error = Pipeline::try_open(&sql, context("ledger", "run")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("is named by table demo.orders and not there"), "{error}");
}

#[tokio::test]
async fn names_of_metadata_that_say_no_number_are_followed_by_the_first() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    let from = sql.newest(TABLE).await.0;
    let (above, _) = from.rsplit_once('/').unwrap();
    let to = format!("{above}/metadata.json");
    let path = |location: &str| sql.warehouse().path_of(location).unwrap();
    let bytes = sql.warehouse().read(&path(&from)).await.unwrap().unwrap();
    sql.warehouse().replace(&path(&to), bytes).await.unwrap();
    sql.connect().execute("UPDATE iceberg_tables SET metadata_location = ?1", [to]).unwrap();
    pipeline.append(0, &[]).await;
    assert_eq!(version(&sql).await, 1);
}

#[tokio::test]
async fn tables_of_other_programs_may_stand_in_the_database() {
    let sql = Sql::new();
    sql.connect()
        .execute_batch("CREATE TABLE notes (text); INSERT INTO notes VALUES ('x')")
        .unwrap();
    Pipeline::open(&sql).await.append(0, &[rows(0..1)]).await;
    assert_eq!(text(&sql, "SELECT text FROM notes").unwrap(), "x");
}

#[tokio::test]
async fn a_foreign_swap_between_load_and_swap_wins() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    pipeline.append(0, &[rows(0..2)]).await;
    let staged = pipeline.stage(1, &[rows(2..4)]).await;
    pipeline.found().await;
    rewrite(&sql, |metadata| metadata["properties"]["theirs"] = json!("kept")).await;
    let marker = pipeline.marker(1);
    let swap = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
    assert_eq!(pipeline.commit(1, &staged).await, Ended::Committed(marker.id));
    assert_eq!(metadata(&sql).await["properties"]["theirs"], "kept");
    assert_eq!(ids(&sql).await, [0, 1, 2, 3]);
}

#[test]
fn addresses_are_those_of_sqlalchemy() {
    let database = |uri: &str| {
        SqlCatalog::open(uri, "data/warehouse").map(|catalog| catalog.database().to_owned())
    };
    let here = std::env::current_dir().unwrap();
    for (uri, path) in [
        ("sqlite:data/catalog.db", here.join("data/catalog.db")),
        ("sqlite:/data/catalog.db", "/data/catalog.db".into()),
        ("sqlite:///data/catalog.db", here.join("data/catalog.db")),
        ("sqlite:////data/catalog.db", "/data/catalog.db".into()),
    ] {
        assert_eq!(database(uri).unwrap(), path, "{uri}");
    }
    for uri in [
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://host",
        "sqlite::memory:",
        "sqlite:///:memory:",
        "sqlite:data/",
        "sqlite:a.db?mode=ro",
        "postgresql://host/db",
        "a.db",
    ] {
        let error = database(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains("write sqlite:data/catalog.db"), "{error}");
    }
}

#[tokio::test]
async fn the_directory_of_the_database_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("a/b/catalog.db");
    let sql = Sql::in_file(&database, Storage::memory());
    assert!(sql.named(TABLE).read().await.is_err());
    assert!(!directory.path().join("a").exists(), "reading makes nothing");
    Pipeline::open(&sql).await.append(0, &[rows(0..1)]).await;
    let connection = Connection::open(&database).unwrap();
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM iceberg_tables", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}
