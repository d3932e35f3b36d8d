//! The tables of a catalog's database, as pyiceberg and Java lay them out.
//!
//! Java's first layout has no column `iceberg_type`. Others may add it while a pipeline runs, so
//! nobody remembers which layout there was.

use rusqlite::{Connection, OptionalExtension};

use super::error::DatabaseError;

pub(super) const TABLES: &str = "iceberg_tables";
pub(super) const NAMESPACES: &str = "iceberg_namespace_properties";

const MAKE: &str = "
CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000),
    PRIMARY KEY (catalog_name, namespace, property_key)
);";

/// The layout of the table of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Tables only.
    V0,
    /// Tables and views, told apart by `iceberg_type`.
    V1,
}

impl Layout {
    /// The layout that is there; none when there are no tables of a catalog.
    ///
    /// # Errors
    /// Tables of the same name that others use for something else.
    pub(super) fn find(connection: &Connection, path: &str) -> Result<Option<Self>, DatabaseError> {
        let columns = columns(connection, path, TABLES)?;
        if columns.is_empty() {
            return Ok(None);
        }
        let wanted = [
            "catalog_name",
            "table_namespace",
            "table_name",
            "metadata_location",
            "previous_metadata_location",
        ];
        check(path, TABLES, &columns, &wanted)?;
        let typed = columns.iter().any(|column| column == "iceberg_type");
        Ok(Some(if typed { Self::V1 } else { Self::V0 }))
    }

    /// Makes the tables that are missing, and gives the layout that there is then.
    pub(super) fn make(connection: &Connection, path: &str) -> Result<Self, DatabaseError> {
        connection
            .execute_batch(MAKE)
            .map_err(|cause| DatabaseError::of(path.to_owned(), cause))?;
        let columns = columns(connection, path, NAMESPACES)?;
        let wanted = ["catalog_name", "namespace", "property_key", "property_value"];
        check(path, NAMESPACES, &columns, &wanted)?;
        Ok(Self::find(connection, path)?.unwrap_or(Self::V1))
    }
}

/// What a namespace says of where its tables are.
pub(super) fn namespace_location(
    connection: &Connection,
    catalog: &str,
    namespace: &str,
) -> rusqlite::Result<Option<String>> {
    let there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if !connection.prepare(there)?.exists([NAMESPACES])? {
        return Ok(None);
    }
    let query = "SELECT property_value FROM iceberg_namespace_properties \
                 WHERE catalog_name = ?1 AND namespace = ?2 AND property_key = 'location'";
    let found = connection.query_row(query, [catalog, namespace], |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

fn columns(connection: &Connection, path: &str, table: &str) -> Result<Vec<String>, DatabaseError> {
    let read = || {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(|cause| DatabaseError::of(path.to_owned(), cause))
}

fn check(
    path: &str,
    table: &'static str,
    there: &[String],
    wanted: &[&'static str],
) -> Result<(), DatabaseError> {
    let is_missing =
        |column: &&&'static str| !there.iter().any(|it| it.eq_ignore_ascii_case(column));
    match wanted.iter().find(is_missing) {
        Some(column) => Err(DatabaseError::OtherColumns { path: path.to_owned(), table, column }),
        None => Ok(()),
    }
}
