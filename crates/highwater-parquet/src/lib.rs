//! Arrow to Parquet for table formats.
//!
//! A [`FileWriter`] encodes batches into one Parquet file and uploads it behind, in bounded memory.
//! When it is finished the file is durable, and a [`FileReport`] tells what a table format wants to
//! know of it: rows, bytes, offsets of row groups and, per leaf column, counts and bounds as Iceberg
//! defines them.
//!
//! The writer is made for streams: encoding is synchronous work for a worker thread, row groups are
//! small enough for a process of tens of megabytes, and whether a column gets a dictionary is decided
//! from its first rows. Files keep to data pages of version 1 and the encodings `PLAIN` and dictionary:
//! readers in wide use take nothing else on their fast path.
#![forbid(unsafe_code)]

mod bound;
mod dictionary;
mod error;
mod leaf;
mod options;
mod pieces;
mod report;
mod writer;

pub use bound::Bound;
pub use error::FileError;
pub use options::{Compression, FileOptions};
pub use report::{ColumnMetrics, FileReport};
pub use writer::FileWriter;
