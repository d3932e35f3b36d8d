//! Tables from their addresses.

use highwater_cli::{CatalogOptions, CatalogUri, Failure};
use highwater_iceberg::{FileCatalog, SqlCatalog, TableName};

/// The table `name` of a catalog.
pub(crate) fn table(options: &CatalogOptions, name: &str) -> Result<TableName, Failure> {
    match (&options.catalog, options.only_for_sql()) {
        (CatalogUri::Directory(path), None) => Ok(FileCatalog::open(path)?.table(name)),
        (CatalogUri::Directory(_), Some(option)) => {
            let problem = "is for an SQL catalog; a directory is its own warehouse and has no name";
            Err(Failure::Option { option, problem })
        }
        (CatalogUri::Sqlite(uri), _) => Ok(database(options, uri)?.table(name)),
    }
}

/// The SQL catalog in the database at `uri`.
pub(crate) fn database(options: &CatalogOptions, uri: &str) -> Result<SqlCatalog, Failure> {
    let catalog = SqlCatalog::open(uri, options.warehouse())?;
    Ok(match options.name() {
        Some(name) => catalog.named(name),
        None => catalog,
    })
}
