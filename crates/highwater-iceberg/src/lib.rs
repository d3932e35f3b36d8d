//! Appends to Iceberg tables, exactly once.
//!
//! [`FileCatalog`] keeps tables in the directories of a warehouse; [`IcebergSink`] appends the rows
//! of a stream to one of them; [`IcebergTable`] reads one back.
//!
//! A commit is one new metadata file, made by create-if-absent above the version it was made from.
//! It brings the rows together with the marker of its epoch: in full as a property of the table, and
//! as a stamp in the summary of the snapshot. Whether a marker holds is judged by the history of the
//! table, on the very version that the next commit is made from.
//!
//! Tables are of format version 2 and may be partitioned and sorted. Snapshots are never expired here;
//! any engine may do that while a pipeline runs. Files that nothing names are removed when somebody asks
//! for it.
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
mod settings;
mod sink;
mod sort;
mod table;
mod target;
mod writer;

pub use catalog::{FileCatalog, TableName};
pub use error::{ColumnDifference, IcebergError};
pub use orphans::{ORPHAN_AGE, Orphan};
pub use partition::{PartitionField, bucket, day, hour, identity, month, truncate, year};
pub use sink::IcebergSink;
pub use sort::{SortField, asc, desc};
pub use table::IcebergTable;
