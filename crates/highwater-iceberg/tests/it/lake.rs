//! Both kinds of catalogs, so that one test can be made on each.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use highwater_iceberg::{FileCatalog, SqlCatalog, TableName};
use highwater_storage::{Created, Storage};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// A warehouse, and what keeps account of its tables.
pub(crate) trait Lake: Sync {
    fn warehouse(&self) -> &Storage;

    /// The table `name`, `namespace.table`.
    fn named(&self, name: &str) -> TableName;

    /// The location of the current metadata of a table, and the number of its version, from 1.
    fn newest<'a>(&'a self, table: &'a str) -> BoxFuture<'a, (String, u64)>;

    /// Makes `metadata` the version that follows the newest, as another engine might.
    fn succeed<'a>(&'a self, table: &'a str, metadata: &'a Value) -> BoxFuture<'a, ()>;
}

/// A test on both: `in_both_catalogs!(holds);` for an `async fn holds(lake: &dyn Lake)`.
macro_rules! in_both_catalogs {
    ($($test:ident),* $(,)?) => {
        mod in_a_directory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&highwater_storage::Storage::memory()).await;
            })*
        }

        mod in_a_database {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&$crate::lake::Sql::new()).await;
            })*
        }
    };
}
pub(crate) use in_both_catalogs;

/// The directory of a table in a warehouse.
fn directory(table: &str) -> String {
    table.replace('.', "/")
}

impl Lake for Storage {
    fn warehouse(&self) -> &Storage {
        self
    }

    fn named(&self, name: &str) -> TableName {
        FileCatalog::new(self.clone()).table(name)
    }

    fn newest<'a>(&'a self, table: &'a str) -> BoxFuture<'a, (String, u64)> {
        async move {
            let table = self.at(&directory(table));
            let version = |path: &str| -> Option<u64> {
                path.strip_prefix("metadata/v")?.strip_suffix(".metadata.json")?.parse().ok()
            };
            // A hint that came late says nothing.
            let objects = table.list("metadata").await.unwrap();
            let newest = objects.iter().filter_map(|object| version(&object.path)).max().unwrap();
            (table.location(&format!("metadata/v{newest}.metadata.json")), newest)
        }
        .boxed()
    }

    fn succeed<'a>(&'a self, table: &'a str, metadata: &'a Value) -> BoxFuture<'a, ()> {
        async move {
            let (_, number) = self.newest(table).await;
            let path = format!("{}/metadata/v{}.metadata.json", directory(table), number + 1);
            let bytes = serde_json::to_vec(metadata).unwrap();
            assert_eq!(self.create(&path, bytes.into()).await.unwrap(), Created::Created);
        }
        .boxed()
    }
}

/// A database in a directory of its own, and a warehouse in memory.
#[derive(Clone)]
pub(crate) struct Sql {
    pub(crate) catalog: SqlCatalog,
    warehouse: Storage,
    /// Removed with the last clone, if it is this one's own.
    _directory: Option<Arc<TempDir>>,
}

impl Sql {
    pub(crate) fn new() -> Self {
        Self::with_warehouse(Storage::memory())
    }

    pub(crate) fn with_warehouse(warehouse: Storage) -> Self {
        let directory = Arc::new(quick_directory());
        let database = directory.path().join("catalog.db");
        Self { _directory: Some(directory), ..Self::in_file(&database, warehouse) }
    }

    /// One whose database outlives it.
    pub(crate) fn in_file(database: &Path, warehouse: Storage) -> Self {
        let catalog = SqlCatalog::new(database, warehouse.clone());
        Self { catalog, warehouse, _directory: None }
    }

    /// The same database with its warehouse reached in another way.
    pub(crate) fn over(&self, warehouse: Storage) -> Self {
        Self { _directory: self._directory.clone(), ..Self::in_file(self.database(), warehouse) }
    }

    pub(crate) fn database(&self) -> &Path {
        self.catalog.database()
    }

    /// A connection of somebody else's.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }
}

/// A directory in memory where there is one: tests make databases by the hundred, and each commit
/// is synced several times.
pub(crate) fn quick_directory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

impl Lake for Sql {
    fn warehouse(&self) -> &Storage {
        &self.warehouse
    }

    fn named(&self, name: &str) -> TableName {
        self.catalog.table(name)
    }

    fn newest<'a>(&'a self, table: &'a str) -> BoxFuture<'a, (String, u64)> {
        let query = "SELECT metadata_location FROM iceberg_tables \
                     WHERE table_namespace || '.' || table_name = ?1";
        let location: String = self.connect().query_row(query, [table], |row| row.get(0)).unwrap();
        let name = location.rsplit('/').next().unwrap();
        let number: u64 = name.split_once('-').unwrap().0.parse().unwrap();
        std::future::ready((location, number + 1)).boxed()
    }

    fn succeed<'a>(&'a self, table: &'a str, metadata: &'a Value) -> BoxFuture<'a, ()> {
        async move {
            let (base, number) = self.newest(table).await;
            let (above, _) = base.rsplit_once('/').unwrap();
            let location = format!("{above}/{number:05}-by-another-engine.metadata.json");
            let path = self.warehouse.path_of(&location).unwrap();
            let bytes = serde_json::to_vec(metadata).unwrap();
            assert_eq!(self.warehouse.create(&path, bytes.into()).await.unwrap(), Created::Created);
            let update = "UPDATE iceberg_tables SET metadata_location = ?1, \
                          previous_metadata_location = ?2 WHERE metadata_location = ?2";
            assert_eq!(self.connect().execute(update, [&location, &base]).unwrap(), 1);
        }
        .boxed()
    }
}
