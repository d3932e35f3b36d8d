//! Tables by their names, and the catalog that is a directory.

use std::fmt;

use arrow::datatypes::SchemaRef;
use highwater_core::Result;
use highwater_storage::Storage;

use crate::error::IcebergError;
use crate::layout::TableFiles;
use crate::pointer::Pointer;
use crate::sink::IcebergSink;
use crate::source::IcebergSource;
use crate::sql::SqlCatalog;
use crate::table::IcebergTable;
use crate::versions::Versions;

/// A directory whose sub-directories are namespaces, and theirs tables: Iceberg's directory
/// ("hadoop") catalog.
///
/// Writers of highwater may share a table. A writer of another kind may only take turns with them,
/// unless it makes metadata versions by create-if-absent as well.
///
/// # Example
/// ```
/// use highwater_iceberg::FileCatalog;
/// use highwater_core::Sink;
///
/// let catalog = FileCatalog::open("data/warehouse")?;
/// let sink = catalog
///     .table("demo.transactions_ledger")
///     .append()
///     .create_property("write.metadata.previous-versions-max", "5");
/// assert!(sink.describe().starts_with("iceberg demo.transactions_ledger in "));
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileCatalog {
    warehouse: Storage,
}

impl FileCatalog {
    /// The catalog in the directory at `url`, a path or a `file://` URL. Contacts nothing; what is
    /// missing is made with the first table.
    ///
    /// # Errors
    /// `Invalid` for any other scheme.
    pub fn open(url: &str) -> Result<Self> {
        Ok(Self::new(Storage::open(url)?))
    }

    /// The catalog in `warehouse`.
    pub fn new(warehouse: Storage) -> Self {
        Self { warehouse }
    }

    /// The table `name`, written `namespace.table`, with as many levels of namespaces as there are
    /// dots. Whoever uses the table learns whether the name is one.
    pub fn table(&self, name: &str) -> TableName {
        TableName::new(name, self.clone().into())
    }
}

/// A table of a catalog, whether it exists or not.
#[derive(Clone, Debug)]
pub struct TableName {
    name: String,
    catalog: Catalog,
}

/// What keeps account of tables.
#[derive(Clone, Debug)]
pub(crate) enum Catalog {
    File(FileCatalog),
    Sql(SqlCatalog),
}

impl TableName {
    pub(crate) fn new(name: &str, catalog: Catalog) -> Self {
        Self { name: name.to_owned(), catalog }
    }

    /// A sink that appends to it.
    pub fn append(self) -> IcebergSink {
        IcebergSink::new(self)
    }

    /// A source that reads it at a snapshot, for a stream to be joined with: these columns of it, by
    /// name.
    pub fn source(self, columns: SchemaRef) -> IcebergSource {
        IcebergSource::new(self, columns)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The table as it is now, to be read.
    ///
    /// # Errors
    /// `Invalid` when there is no such table, and whatever reading reports.
    pub async fn read(self) -> Result<IcebergTable> {
        IcebergTable::open(self.pointer()?).await
    }

    /// What says which metadata file of it is the current one.
    ///
    /// # Errors
    /// A text that is no table name, or that would leave the warehouse.
    pub(crate) fn pointer(&self) -> Result<Pointer, IcebergError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let part = |part: &str| (1..=128).contains(&part.len()) && part.bytes().all(allowed);
        if !self.name.contains('.') || !self.name.split('.').all(part) {
            return Err(IcebergError::Name { name: self.name.clone() });
        }
        Ok(match &self.catalog {
            Catalog::File(FileCatalog { warehouse }) => {
                let directory = self.name.replace('.', "/");
                let files = TableFiles::new(&self.name, warehouse, &directory);
                Pointer::Versions(Versions::new(files))
            }
            Catalog::Sql(catalog) => Pointer::Row(catalog.row(&self.name)),
        })
    }

    /// Where its files are, as long as its metadata does not say otherwise.
    ///
    /// # Errors
    /// As of [`pointer`](Self::pointer).
    pub(crate) fn files(&self) -> Result<TableFiles, IcebergError> {
        Ok(match self.pointer()? {
            Pointer::Versions(versions) => versions.files().clone(),
            Pointer::Row(row) => row.files().clone(),
        })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.catalog {
            Catalog::File(catalog) => {
                write!(f, "{} in {}", self.name, catalog.warehouse.location(""))
            }
            Catalog::Sql(catalog) => write!(f, "{} in {catalog}", self.name),
        }
    }
}

impl From<FileCatalog> for Catalog {
    fn from(catalog: FileCatalog) -> Self {
        Self::File(catalog)
    }
}

impl From<SqlCatalog> for Catalog {
    fn from(catalog: SqlCatalog) -> Self {
        Self::Sql(catalog)
    }
}
