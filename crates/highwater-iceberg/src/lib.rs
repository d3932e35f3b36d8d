//! Appends to Iceberg tables, exactly once.
//!
//! [`FileCatalog`] keeps tables in the directories of a warehouse, [`SqlCatalog`] keeps account of
//! them in a SQLite database; [`IcebergSink`] appends the rows of a stream to one of them;
//! [`IcebergTable`] reads one back, and [`IcebergSource`] reads a snapshot of one for a stream to be
//! joined with.
//!
//! A commit is one new metadata file that takes the place of the one it was made from: in a directory
//! it is made by create-if-absent above that, in a database a row is updated that still names that.
//! It brings the rows together with the marker of its epoch: in full as a property of the table, and
//! as a stamp in the summary of the snapshot. Whether a marker holds is judged by the history of the
//! table, on the very version that the next commit is made from.
//!
//! Tables are of format version 2 and may be partitioned and sorted. A commit expires snapshots where the
//! table asks for it, and any engine may do that while a pipeline runs. Files that nothing names are
//! removed when somebody asks for it.
//!
//! Source: <https://iceberg.apache.org/spec/>
#![forbid(unsafe_code)]

mod catalog;
mod committer;
mod decode;
mod error;
mod format;
mod history;
mod layout;
mod marker;
mod orphans;
mod partition;
mod pointer;
mod reading;
mod settings;
mod sink;
mod sort;
mod source;
mod sql;
mod table;
mod target;
mod versions;
mod writer;

pub use catalog::{FileCatalog, TableName};
pub use error::{ColumnDifference, IcebergError};
pub use orphans::{ORPHAN_AGE, Orphan};
pub use partition::{PartitionField, bucket, day, hour, identity, month, truncate, year};
pub use sink::IcebergSink;
pub use sort::{SortField, asc, desc};
pub use source::IcebergSource;
pub use sql::{DatabaseError, SqlCatalog};
pub use table::IcebergTable;
