//! Arrow to Parquet for table formats.
//!
//! A [`FileWriter`] encodes batches into one Parquet file and uploads it behind, in bounded memory.
//! When it is finished the file is durable, and a [`FileReport`] tells what a table format wants to
//! know of it: rows, bytes, offsets of row groups and, per leaf column, counts and bounds as Iceberg
//! defines them.
//!
//! The writer is made for streams: encoding is synchronous work for a worker thread, row groups are
//! small enough for a process of tens of megabytes, and how a column is encoded is decided from its
//! first rows and by the [`Profile`]. Text, bytes and integers of 64 bits are encoded here, everything
//! else by arrow's own writers. All data pages are of version 1: readers in wide use take nothing else
//! on their fast path.
//!
//! Beside it stands what all tables do alike: the [names](data_file) of data files, and the
//! [columns](DeclaredRows) that rows are read in.
#![forbid(unsafe_code)]

mod bits;
mod bound;
mod chunk;
mod codec;
mod column;
mod declared;
mod delta;
mod entries;
mod error;
mod group;
mod header;
mod leaf;
mod levels;
mod naming;
mod options;
mod pieces;
mod profile;
mod report;
mod writer;

pub use bound::Bound;
pub use declared::{DeclaredRows, reads_as};
pub use error::FileError;
pub use naming::{data_file, is_committed, partition_directory};
pub use options::{Compression, FileOptions};
pub use profile::Profile;
pub use report::{ColumnMetrics, FileReport};
pub use writer::FileWriter;
