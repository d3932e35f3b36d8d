//! The database of a catalog: locked, read-only, damaged, or written by two processes at once.

use std::fs;
use std::process::Command;
use std::time::Duration;

use highwater_core::{Ended, Error, ErrorKind, Found, Swap};
use highwater_storage::Storage;

use crate::fixture::{Pipeline, TABLE, context, ids, name, rows, version};
use crate::lake::{Lake, Sql, quick_directory};

/// Opens the table without waiting long for a lock.
async fn open(sql: &Sql) -> Result<Pipeline, Error> {
    let catalog = sql.catalog.clone().wait_for_locks(Duration::from_millis(20));
    Pipeline::try_open_with(catalog.table(TABLE).append(), context("ledger", "run")).await
}

#[tokio::test]
async fn a_locked_database_is_not_written_and_later_is() {
    let sql = Sql::new();
    let mut pipeline = open(&sql).await.unwrap();
    let staged = pipeline.stage(0, &[rows(0..2)]).await;
    pipeline.found().await;
    let before = sql.warehouse().list("demo/orders/metadata").await.unwrap().len();
    // A writer, and a reader for whom `COMMIT` must wait.
    for lock in ["BEGIN IMMEDIATE", "BEGIN; SELECT * FROM iceberg_tables"] {
        let holder = sql.connect();
        let mut reading = holder.prepare("SELECT * FROM iceberg_tables").unwrap();
        let mut held = None;
        if lock == "BEGIN IMMEDIATE" {
            holder.execute_batch(lock).unwrap();
        } else {
            let mut rows = reading.query([]).unwrap();
            rows.next().unwrap().unwrap();
            held = Some(rows);
        }
        let swap = pipeline.committer.swap(&pipeline.marker(0), &staged).await;
        let Swap::Failed(error) = swap else { panic!("{lock}: {swap:?}") };
        assert_eq!(error.kind(), ErrorKind::Transient);
        let expected = format!("{} is locked by another program", sql.database().display());
        assert!(error.to_string().contains(&expected), "{error}");
        drop(held);
    }
    // The metadata that nobody named is gone; the lists of both attempts and one manifest stay.
    let after = sql.warehouse().list("demo/orders/metadata").await.unwrap();
    let made = after.iter().filter(|file| file.path.ends_with(".metadata.json")).count();
    assert_eq!((made, after.len()), (1, before + 3));
    assert_eq!(pipeline.found().await, Found::Nothing);
    let marker = pipeline.marker(0);
    assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
    assert_eq!(ids(&sql).await, [0, 1]);
}

#[tokio::test]
async fn a_database_locked_for_readers_too_answers_later() {
    let sql = Sql::new();
    Pipeline::open(&sql).await;
    let holder = sql.connect();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = open(&sql).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Transient);
    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(open(&sql).await.unwrap().found().await, Found::Nothing);
}

/// Gives the file a format that SQLite reads and does not write, whoever runs this.
fn make_read_only(sql: &Sql) {
    let mut bytes = fs::read(sql.database()).unwrap();
    bytes[18] = 3;
    fs::write(sql.database(), bytes).unwrap();
}

#[tokio::test]
async fn a_read_only_database_is_read_and_not_written() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    pipeline.append(0, &[rows(0..2)]).await;
    make_read_only(&sql);
    assert_eq!(ids(&sql).await, [0, 1]);
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(0)));
    let Swap::Failed(error) = pipeline.committer.swap(&pipeline.marker(1), &[]).await else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("catalog.db cannot be written"), "{error}");
    assert!(error.next_step().contains("writable"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_catalog_is_left_as_it_is() {
    let open = async |sql: &Sql| Pipeline::try_open(sql, context("ledger", "run")).await.err();
    for (content, words) in [
        (
            b"# not a database, and long enough to have a header ".repeat(40),
            "is no SQLite database",
        ),
        (b"short".to_vec(), "is no SQLite database"),
    ] {
        let sql = Sql::new();
        fs::write(sql.database(), &content).unwrap();
        let error = open(&sql).await.unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().ends_with(words), "{error}");
        assert_eq!(fs::read(sql.database()).unwrap(), content);
    }
    let sql = Sql::new();
    sql.connect().execute_batch("CREATE TABLE iceberg_tables (catalog_name, other)").unwrap();
    let error = open(&sql).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("has no column table_namespace"), "{error}");

    let sql = Sql::new();
    fs::create_dir(sql.database()).unwrap();
    let error = open(&sql).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("cannot open"), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_corrupt() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    let mut bytes = fs::read(sql.database()).unwrap();
    bytes[100..].fill(0xa5);
    fs::write(sql.database(), bytes).unwrap();
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_commit_that_sqlite_refuses_is_unknown_and_found_not_applied() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    // A rule of somebody else's, checked at `COMMIT`.
    let rule = "CREATE TABLE audit (id INTEGER REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE people (id INTEGER PRIMARY KEY);
        CREATE TRIGGER watch AFTER UPDATE ON iceberg_tables BEGIN INSERT INTO audit VALUES (1); END;";
    sql.connect().execute_batch(rule).unwrap();
    pipeline.found().await;
    let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
    assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
    assert_eq!(pipeline.found().await, Found::Nothing);
    sql.connect().execute_batch("DROP TRIGGER watch").unwrap();
    pipeline.append(0, &[rows(0..1)]).await;
    assert_eq!(ids(&sql).await, [0]);
}

#[tokio::test]
async fn racing_creators_make_one_table() {
    for journal in ["DELETE", "WAL"] {
        let sql = Sql::new();
        sql.connect().pragma_update(None, "journal_mode", journal).unwrap();
        let open = || Pipeline::try_open(&sql, context("ledger", "run"));
        let (a, b, c) = tokio::join!(open(), open(), open());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(version(&sql).await, 1);
        let files = sql.warehouse().list("demo/orders/metadata").await.unwrap();
        assert_eq!(files.len(), 1, "{files:?}");
    }
}

/// What the other process of the next test runs.
#[tokio::test]
#[ignore = "half of a test: the other half starts it"]
async fn half_of_two_processes() {
    let place = |name: &str| std::env::var(name).unwrap();
    let warehouse = Storage::open(&place("HIGHWATER_TEST_WAREHOUSE")).unwrap();
    let sql = Sql::in_file(place("HIGHWATER_TEST_DATABASE").as_ref(), warehouse);
    append_many(&sql, &place("HIGHWATER_TEST_SINK")).await;
}

const EPOCHS: i64 = 15;

/// Appends a row an epoch under a sink of its own.
async fn append_many(sql: &Sql, sink: &str) {
    let mut cx = context("ledger", "run");
    cx.sink = name(sink);
    // However slow the machine is: a process may be put aside while it holds the lock.
    let catalog = sql.catalog.clone().wait_for_locks(Duration::from_secs(300));
    let mut pipeline = Pipeline::try_open_with(catalog.table(TABLE).append(), cx).await.unwrap();
    let first = if sink == "ours" { 0 } else { EPOCHS };
    for epoch in 0..EPOCHS {
        let row = first + epoch;
        let staged = pipeline.stage(epoch.unsigned_abs(), &[rows(row..row + 1)]).await;
        let mine = pipeline.marker(epoch.unsigned_abs()).id;
        let ended = pipeline.commit_within(1_000, epoch.unsigned_abs(), &staged).await;
        assert_eq!(ended, Ended::Committed(mine));
    }
}

#[tokio::test]
async fn two_processes_swap_at_once_and_lose_nothing() {
    for journal in ["DELETE", "WAL"] {
        let directory = quick_directory();
        let warehouse = directory.path().to_str().unwrap();
        let sql = Sql::with_warehouse(Storage::open(warehouse).unwrap());
        sql.connect().pragma_update(None, "journal_mode", journal).unwrap();
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "locks::half_of_two_processes", "--ignored"])
            .env("HIGHWATER_TEST_WAREHOUSE", warehouse)
            .env("HIGHWATER_TEST_DATABASE", sql.database())
            .env("HIGHWATER_TEST_SINK", "theirs")
            .spawn()
            .unwrap();
        append_many(&sql, "ours").await;
        assert!(other.wait().unwrap().success());
        assert_eq!(ids(&sql).await, (0..2 * EPOCHS).collect::<Vec<_>>(), "{journal}");
        assert_eq!(version(&sql).await, 1 + 2 * EPOCHS.unsigned_abs());
        let mode: String =
            sql.connect().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode.to_uppercase(), journal);
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_not_made_again_by_a_swap() {
    let sql = Sql::new();
    let mut pipeline = Pipeline::open(&sql).await;
    pipeline.found().await;
    fs::remove_file(sql.database()).unwrap();
    let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
    let Swap::Failed(error) = swap else { panic!("{swap:?}") };
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(!sql.database().exists());
    let error = pipeline.committer.load().await.err().unwrap();
    assert!(error.to_string().contains("was dropped"), "{error}");
}
