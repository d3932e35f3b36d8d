//! Tables that a SQLite database keeps account of.

mod database;
mod error;
mod layout;
mod row;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use highwater_core::Result;
use highwater_storage::Storage;

use crate::catalog::TableName;
pub use error::DatabaseError;

pub(crate) use database::Database;
pub(crate) use row::Row;

/// What pyiceberg calls a catalog that is not given a name.
const NAME: &str = "default";

/// A SQLite database with a row for each table, and a warehouse with their files: the SQL catalog of
/// pyiceberg and the JDBC catalog of Java, which may use the same database at the same time.
///
/// Tables that others have made may lie anywhere within the warehouse. The database is made with the
/// first table if it is missing, in the layout that pyiceberg gives to new ones.
///
/// # Example
/// ```
/// use highwater_core::Sink;
/// use highwater_iceberg::SqlCatalog;
///
/// let catalog = SqlCatalog::open("sqlite:data/catalog.db", "data/warehouse")?.named("prod");
/// let sink = catalog.table("demo.transactions_ledger").append();
/// assert!(sink.describe().ends_with("data/catalog.db, catalog prod"));
/// # Ok::<(), highwater_core::Error>(())
/// ```
///
/// Source: <https://iceberg.apache.org/docs/latest/jdbc/>, <https://py.iceberg.apache.org/configuration/#sql-catalog>
#[derive(Clone, Debug)]
pub struct SqlCatalog {
    database: Database,
    warehouse: Storage,
    name: Arc<str>,
}

impl SqlCatalog {
    /// The catalog named `default` in the database at `uri`: `sqlite:PATH`, or `sqlite:///PATH` as
    /// SQLAlchemy and so pyiceberg write it, where an absolute path makes it four slashes.
    /// `warehouse` is a path or a `file://` URL. Contacts nothing.
    ///
    /// # Errors
    /// `Invalid` for any other scheme.
    pub fn open(uri: &str, warehouse: &str) -> Result<Self> {
        let path = path_in(uri).ok_or_else(|| DatabaseError::Uri { uri: uri.to_owned() })?;
        Ok(Self::new(path, Storage::open(warehouse)?))
    }

    /// The catalog named `default` in the database at `path`, with its tables in `warehouse`.
    pub fn new(path: impl AsRef<Path>, warehouse: Storage) -> Self {
        // Without a current directory the path stays as it is, and opening it says what is wrong.
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.as_ref().to_owned());
        Self { database: Database::new(absolute), warehouse, name: NAME.into() }
    }

    /// Another catalog in the same database. pyiceberg and Java name a catalog when they open it.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// How long to wait for others that hold the database locked, 5 s if nothing is said, a day at
    /// most. SQLite lets one of them write at a time.
    #[must_use]
    pub fn wait_for_locks(mut self, limit: Duration) -> Self {
        self.database = self.database.wait_for_locks(limit);
        self
    }

    /// The database, absolute.
    pub fn database(&self) -> &Path {
        self.database.path()
    }

    /// The table `name`, written `namespace.table`, with as many levels of namespaces as there are
    /// dots. Whoever uses the table learns whether the name is one.
    pub fn table(&self, name: &str) -> TableName {
        TableName::new(name, self.clone().into())
    }

    /// The row of the table `namespace.table`.
    pub(crate) fn row(&self, name: &str) -> Row {
        Row::new(self.database.clone(), Arc::clone(&self.name), name, &self.warehouse)
    }
}

impl fmt::Display for SqlCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.database)?;
        if &*self.name != NAME {
            write!(f, ", catalog {}", self.name)?;
        }
        Ok(())
    }
}

/// The path in the address of a database.
fn path_in(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("sqlite:")?;
    let path = match rest.strip_prefix("//") {
        // SQLAlchemy puts a host, which SQLite has not, between the second and the third slash.
        Some(behind_host) => behind_host.strip_prefix('/')?,
        None => rest,
    };
    let named = !matches!(path, "" | ":memory:") && !path.ends_with('/');
    let plain = !path.contains(['?', '#', '\0']);
    (named && plain).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests;
