//! Tables by their address: what `--table` names, to be written and to be read.
//!
//! A name in a catalog, such as `demo.orders`, is an Iceberg table. A path with a slash, or a URL, is a
//! Delta table, which no catalog keeps account of.

mod contents;
mod sink;

use highwater_core::Error;
use highwater_delta::{DeltaTable, Maintenance};
use highwater_iceberg::{FileCatalog, SqlCatalog, TableName};
use highwater_storage::Storage;

use crate::{CatalogOptions, CatalogUri, Failure, TableOptions};

pub use contents::TableContents;
pub use sink::TableSink;

/// A table, whether it is there or not.
///
/// # Example
/// ```
/// use clap::Parser as _;
/// use highwater_cli::{CatalogOptions, Table};
///
/// #[derive(clap::Parser)]
/// struct Arguments {
///     #[command(flatten)]
///     catalog: CatalogOptions,
/// }
///
/// let options = Arguments::parse_from(["example", "--catalog=data/warehouse"]).catalog;
/// assert!(matches!(Table::open(&options, "demo.orders")?, Table::Iceberg(_)));
/// assert!(matches!(Table::open(&options, "data/lake/orders")?, Table::Delta(_)));
/// # Ok::<(), highwater_cli::Failure>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Table {
    /// A table of a catalog.
    Iceberg(TableName),
    /// A table in a directory of its own.
    Delta(DeltaTable),
}

impl Table {
    /// The table that `name` stands for. Contacts nothing but the database of an SQL catalog.
    ///
    /// # Errors
    /// A place or catalog of an unknown kind, or an option that does not go with it.
    pub fn open(options: &CatalogOptions, name: &str) -> Result<Self, Failure> {
        let only_for_sql = options.only_for_sql();
        if is_place(name) {
            return match only_for_sql {
                None => Ok(Self::Delta(DeltaTable::at(name)?)),
                Some(option) => {
                    let problem = "is for a catalog; a Delta table is found by its path alone";
                    Err(Failure::Option { option, problem })
                }
            };
        }
        Ok(Self::Iceberg(match (&options.catalog, only_for_sql) {
            (CatalogUri::Directory(path), None) => FileCatalog::open(path)?.table(name),
            (CatalogUri::Directory(_), Some(option)) => {
                let problem =
                    "is for an SQL catalog; a directory is its own warehouse and has no name";
                return Err(Failure::Option { option, problem });
            }
            (CatalogUri::Sqlite(uri), _) => database(options, uri)?.table(name),
        }))
    }

    /// A sink that appends to it, and keeps the log of a Delta table short.
    pub fn append(self) -> TableSink {
        match self {
            Self::Iceberg(table) => TableSink::Iceberg(table.append()),
            Self::Delta(table) => TableSink::Delta(table.append().maintain(Maintenance::default())),
        }
    }

    /// A sink whose rows take the place of those with equal values in the columns of `key`, or are added. It
    /// keeps the log short as well.
    ///
    /// # Errors
    /// A table of a catalog, which is only appended to.
    pub fn update(self, key: &[&str]) -> Result<TableSink, Failure> {
        let sink = self.replaced()?.update(key.iter().copied());
        Ok(TableSink::Delta(sink.maintain(Maintenance::default())))
    }

    /// A sink that replaces the whole table with each epoch that has rows. It keeps the log short as well.
    ///
    /// # Errors
    /// A table of a catalog, which is only appended to.
    pub fn complete(self) -> Result<TableSink, Failure> {
        let sink = self.replaced()?.complete();
        Ok(TableSink::Delta(sink.maintain(Maintenance::default())))
    }

    /// The table, if rows can be taken out of it.
    fn replaced(self) -> Result<DeltaTable, Failure> {
        match self {
            Self::Delta(table) => Ok(table),
            Self::Iceberg(_) => {
                let problem = "must be append for an Iceberg table, whose rows are not replaced: say --mode \
                               append, or name a Delta table by its path, such as ./events";
                Err(Failure::Option { option: "--mode", problem })
            }
        }
    }

    /// The table as it is now.
    ///
    /// # Errors
    /// `Invalid` when there is no such table, and whatever reading reports.
    pub async fn read(self) -> Result<TableContents, Error> {
        Ok(match self {
            Self::Iceberg(table) => TableContents::Iceberg(table.read().await?),
            Self::Delta(table) => TableContents::Delta(table.read().await?),
        })
    }
}

impl TableOptions {
    /// A sink that appends to the table `name`: the one that the options name, or one [`beside`] it. If it
    /// makes the table, that has the properties of the options and no partitions. A Delta table is compacted if
    /// the options say so.
    ///
    /// # Errors
    /// As of [`Table::open`], and [`TableSink::compact`].
    pub fn append(&self, name: &str) -> Result<TableSink, Failure> {
        self.made(Table::open(&self.catalog, name)?.append())
    }

    /// A sink whose rows take the place of those with equal values in `key` in the table `name`. What it makes
    /// is as [`append`](Self::append) makes it.
    ///
    /// # Errors
    /// As of [`Table::open`] and [`Table::update`].
    pub fn update(&self, name: &str, key: &[&str]) -> Result<TableSink, Failure> {
        self.made(Table::open(&self.catalog, name)?.update(key)?)
    }

    /// A sink that replaces the whole table `name` with each epoch that has rows. What it makes is as
    /// [`append`](Self::append) makes it.
    ///
    /// # Errors
    /// As of [`Table::open`] and [`Table::complete`].
    pub fn complete(&self, name: &str) -> Result<TableSink, Failure> {
        self.made(Table::open(&self.catalog, name)?.complete()?)
    }

    /// The sink, with the properties of the options, and its compaction.
    fn made(&self, sink: TableSink) -> Result<TableSink, Failure> {
        let set =
            |sink: TableSink, (key, value): &(String, String)| sink.create_property(key, value);
        let sink = self.create.iter().fold(sink, set);
        match self.compact {
            Some(files) => sink.compact(files),
            None => Ok(sink),
        }
    }
}

/// The name of a table that stands beside `table`, such as that of its rejected records.
///
/// # Example
/// ```
/// use highwater_cli::beside;
///
/// assert_eq!(beside("demo.orders", "rejected"), "demo.orders_rejected");
/// assert_eq!(beside("data/lake/orders/", "late"), "data/lake/orders_late");
/// ```
pub fn beside(table: &str, what: &str) -> String {
    format!("{}_{what}", table.trim_end_matches('/'))
}

/// A command that shows some rows of the table `name`, for whoever has DuckDB or pyiceberg.
///
/// # Errors
/// As of [`Table::open`].
pub fn reading(options: &CatalogOptions, name: &str) -> Result<String, Failure> {
    let duckdb = |extension: &str, place: &str| {
        let query = format!("SELECT * FROM {extension}_scan('{place}') LIMIT 5");
        format!("duckdb -c \"INSTALL {extension}; LOAD {extension}; {query}\"")
    };
    if is_place(name) {
        return Ok(duckdb("delta", &Storage::open(name)?.location("")));
    }
    Ok(match &options.catalog {
        CatalogUri::Directory(path) => {
            duckdb("iceberg", &Storage::open(path)?.location(&name.replace('.', "/")))
        }
        CatalogUri::Sqlite(uri) => {
            let catalog = options.name().unwrap_or("default");
            let database = database(options, uri)?.database().display().to_string();
            let catalog = format!("SqlCatalog('{catalog}', uri='sqlite:///{database}')");
            format!(
                "python -c \"from pyiceberg.catalog.sql import SqlCatalog; \
                 print({catalog}.load_table('{name}').scan(limit=5).to_arrow())\""
            )
        }
    })
}

/// Whether the name of a table is its place: a path with a slash, or a URL.
fn is_place(name: &str) -> bool {
    name.contains('/')
}

/// The SQL catalog in the database at `uri`.
fn database(options: &CatalogOptions, uri: &str) -> Result<SqlCatalog, Failure> {
    let catalog = SqlCatalog::open(uri, options.warehouse())?;
    Ok(match options.name() {
        Some(name) => catalog.named(name),
        None => catalog,
    })
}

#[cfg(test)]
mod tests;
