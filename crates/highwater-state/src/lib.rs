//! Keyed state: what an operator keeps from epoch to epoch, in Arrow columns.
//!
//! A [`Table`] holds rows by key, cut into buckets of time or, where there is none, of hashes. All work
//! goes by batches: the keys of a batch are encoded and hashed once, and each operation takes a
//! list of its rows.
//!
//! * *upsert* finds the row of a key or adds it; *append* adds one row more.
//! * *probe* finds the rows of keys in a range of buckets.
//! * *scan* reads a bucket from end to end.
//! * *expire* hands over rows whose time is over, in bounded batches, and lets whole buckets go.
//! * over its budget of memory a table *spills*: segments go to the local disk, and are read from there.
//! * *save* writes what has changed since an earlier save, as Arrow streams that check themselves; *restore*
//!   takes it up again, on any number of workers.
//!
//! # Example
//! Which transactions are new, and which were seen within an hour:
//! ```
//! use std::sync::Arc;
//!
//! use highwater_core::arrow::array::{ArrayRef, StringArray};
//! use highwater_core::arrow::datatypes::{DataType, Field, Int64Type};
//! use highwater_core::{Level, StateWriter};
//! use highwater_state::{Table, TableSpec};
//!
//! let key = vec![Field::new("id", DataType::Utf8, false)];
//! let values = vec![Field::new("time", DataType::Int64, false)];
//! let spec = TableSpec::new("seen".parse()?, key, values).with_time("time", 3_600_000_000);
//! let mut seen = Table::try_new(spec.clone())?;
//!
//! let id: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
//! let times = [1_000_000, 2_000_000, 3_000_000];
//! let keys = seen.keys(&[id])?;
//! for (bucket, rows) in seen.split(&keys, Some(&times)) {
//!     let found = seen.upsert(&keys, bucket, &rows)?;
//!     assert_eq!(found.is_new(), [true, true, false]);
//!     let mut update = seen.update(bucket, found.slots())?;
//!     let kept = update.column::<Int64Type>(0)?;
//!     for ((slot, new), row) in found.slots().iter().zip(found.is_new()).zip(&rows) {
//!         if *new {
//!             kept[*slot as usize] = times[*row as usize];
//!         }
//!     }
//! }
//!
//! // What is saved at the end of the epoch, whoever carries it brings to the next run.
//! let mut state = StateWriter::new(Level::WHOLE);
//! seen.save(&mut state)?;
//! let (sections, notes) = state.into_parts();
//! assert_eq!((sections.len(), sections[0].rows), (1, 2));
//! assert_eq!(notes[&"seen".parse()?].rows, 2);
//!
//! let gone = seen.expire(1_500_000)?.unwrap();
//! assert_eq!(gone.num_rows(), 1);
//! assert!(seen.expire(1_500_000)?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod bucket;
mod columns;
mod error;
mod frozen;
mod keys;
mod memory;
mod merge;
mod object;
mod rows;
mod section;
mod spec;
mod spill;
mod table;

pub use error::StateError;
pub use keys::Keys;
pub use object::{
    EncodedObject, ObjectError, ObjectFooter, ObjectSection, StepSave, encode_object,
};
pub use rows::{Hit, Rows, RowsMut, Upserted};
pub use spec::TableSpec;
pub use table::{Scan, Table};
