//! Appends to Delta Lake tables, exactly once.
//!
//! [`DeltaTable`] is a table at a path; [`DeltaSink`] appends the rows of a stream to it;
//! [`DeltaSnapshot`] reads it back; [`Maintenance`] keeps its log short.
//!
//! A commit is one new file of the log, `N+1.json`, made by create-if-absent. It brings the rows
//! together with the marker of its epoch, as `txn` actions, which a table keeps for ever. Whether a
//! marker holds is judged by the log: a `RESTORE` leaves `txn` actions in place, so every commit
//! since the last of the sink is looked at.
//!
//! Tables are made by the oldest protocol that has their types. A table that is there may have
//! features that an append does not touch; others are refused before anything is written.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>
#![forbid(unsafe_code)]

mod actions;
mod committer;
mod error;
mod features;
mod history;
mod intervals;
mod kernel;
mod log;
mod maintenance;
mod marker;
mod orphans;
mod plan;
mod schema;
mod settings;
mod sink;
mod snapshot;
mod state;
mod stats;
mod table;
mod target;
mod value;
mod writer;

pub use error::{ColumnDifference, DeltaError};
pub use maintenance::{Maintained, Maintenance};
pub use orphans::{ORPHAN_AGE, Orphan};
pub use sink::DeltaSink;
pub use snapshot::DeltaSnapshot;
pub use table::DeltaTable;
