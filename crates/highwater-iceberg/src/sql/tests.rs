//! What SQLite says, and what that means of a swap.

use highwater_core::ErrorKind;
use rusqlite::{Connection, ffi};
use tempfile::TempDir;

use super::*;
use crate::pointer::{Swapped, Version};

type Commit = fn(&Connection) -> rusqlite::Result<()>;

fn says(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// A table with one version, in a database that then commits in another way.
async fn row(commit: Commit) -> (TempDir, Row, Version) {
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::memory();
    let catalog = SqlCatalog::new(directory.path().join("catalog.db"), warehouse.clone());
    let plain = catalog.row("demo.orders");
    let home = plain.home().await.unwrap();
    let version = plain.create(&home, "first".into()).await.unwrap().unwrap();
    let database = catalog.database.committing(commit);
    (directory, Row::new(database, NAME.into(), "demo.orders", &warehouse), version)
}

async fn metadata_files(row: &Row) -> usize {
    row.files().warehouse().list("demo/orders/metadata").await.unwrap().len()
}

#[tokio::test]
async fn a_commit_that_fails_after_it_was_applied_is_unknown() {
    let (_directory, row, base) = row(|connection| {
        connection.execute_batch("COMMIT")?;
        Err(says(ffi::SQLITE_IOERR))
    })
    .await;
    let swapped = row.swap(&base, row.files(), "second".into()).await;
    assert!(matches!(swapped, Swapped::Unknown(_)), "{swapped:?}");
    let found = row.current(Some(&base)).await.unwrap().unwrap();
    assert_eq!((found.number, &found.bytes[..]), (1, &b"second"[..]));
    // The twin that was sent on the same base loses.
    let twin = row.swap(&base, row.files(), "twin".into()).await;
    assert!(matches!(twin, Swapped::Outrun), "{twin:?}");
    assert_eq!(row.current(None).await.unwrap().unwrap().location, found.location);
}

#[tokio::test]
async fn a_commit_that_fails_before_it_was_applied_is_unknown_too() {
    for code in [ffi::SQLITE_IOERR, ffi::SQLITE_FULL, ffi::SQLITE_CORRUPT, ffi::SQLITE_NOMEM] {
        let (_directory, row, base) = match code {
            ffi::SQLITE_IOERR => row(|_| Err(says(ffi::SQLITE_IOERR))).await,
            ffi::SQLITE_FULL => row(|_| Err(says(ffi::SQLITE_FULL))).await,
            ffi::SQLITE_CORRUPT => row(|_| Err(says(ffi::SQLITE_CORRUPT))).await,
            _ => row(|_| Err(says(ffi::SQLITE_NOMEM))).await,
        };
        let swapped = row.swap(&base, row.files(), "second".into()).await;
        assert!(matches!(swapped, Swapped::Unknown(_)), "{code}: {swapped:?}");
        assert_eq!(metadata_files(&row).await, 2, "nothing is deleted while nobody knows");
        let found = row.current(Some(&base)).await.unwrap().unwrap();
        assert_eq!(found.location, base.location);
    }
}

#[tokio::test]
async fn a_commit_that_waits_for_readers_too_long_is_not_applied() {
    let (_directory, row, base) = row(|_| Err(says(ffi::SQLITE_BUSY))).await;
    let swapped = row.swap(&base, row.files(), "second".into()).await;
    let Swapped::Failed(error) = swapped else { panic!("{swapped:?}") };
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(metadata_files(&row).await, 1);
}

#[tokio::test]
async fn busy_is_believed_only_as_long_as_the_transaction_is_open() {
    let (_directory, row, base) = row(|connection| {
        connection.execute_batch("COMMIT")?;
        Err(says(ffi::SQLITE_BUSY))
    })
    .await;
    let swapped = row.swap(&base, row.files(), "second".into()).await;
    assert!(matches!(swapped, Swapped::Unknown(_)), "{swapped:?}");
    assert_eq!(metadata_files(&row).await, 2);
}

#[tokio::test]
async fn a_table_whose_making_is_unknown_is_found_again() {
    let (directory, _, _) = row(|_| Ok(())).await;
    let catalog = SqlCatalog::new(directory.path().join("catalog.db"), Storage::memory());
    let database = catalog.database.clone().committing(|connection| {
        connection.execute_batch("COMMIT")?;
        Err(says(ffi::SQLITE_IOERR))
    });
    let row = Row::new(database, NAME.into(), "demo.returns", &catalog.warehouse);
    let home = row.home().await.unwrap();
    assert!(row.create(&home, "first".into()).await.is_err());
    let found = row.current(None).await.unwrap().unwrap();
    assert_eq!(&found.bytes[..], b"first");
    // Whoever comes second takes what is there, and leaves no file.
    let again = catalog.row("demo.returns").create(&home, "again".into()).await.unwrap().unwrap();
    assert_eq!(again.location, found.location);
    assert_eq!(catalog.warehouse.list("demo/returns").await.unwrap().len(), 1);
}

#[test]
fn codes_have_kinds() {
    for (code, kind) in [
        (ffi::SQLITE_BUSY, ErrorKind::Transient),
        (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Transient),
        (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Transient),
        (ffi::SQLITE_READONLY_DBMOVED, ErrorKind::Refused),
        (ffi::SQLITE_CANTOPEN, ErrorKind::Refused),
        (ffi::SQLITE_FULL, ErrorKind::Refused),
        (ffi::SQLITE_NOTADB, ErrorKind::Invalid),
        (ffi::SQLITE_CORRUPT_INDEX, ErrorKind::Corrupt),
        (ffi::SQLITE_CONSTRAINT, ErrorKind::Transient),
    ] {
        let error = highwater_core::Error::from(DatabaseError::of("a.db".to_owned(), says(code)));
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(error.to_string().contains("a.db"), "{error}");
    }
}
