//! Streams into Delta Lake tables, exactly once.
//!
//! [`DeltaTable`] is a table at a path; [`DeltaSink`] brings the rows of a stream into it: beside
//! those that are there, in place of all of them, or each in place of the row of its key.
//! [`DeltaSnapshot`] reads it back, [`DeltaSource`] reads a version of it for a stream to be joined with;
//! [`Maintenance`] keeps its log short.
//!
//! A commit is one new file of the log, `N+1.json`, made by create-if-absent. It brings the rows
//! together with the marker of its epoch, as `txn` actions, which a table keeps for ever. Whether a
//! marker holds is judged by the log: a `RESTORE` leaves `txn` actions in place, so every commit
//! since the last of the sink is looked at.
//!
//! Writers never read the table: they stage rows. What a commit takes out is found by the committer,
//! against the very base that it swaps, and anew when that is another one.
//!
//! Tables are made by the oldest protocol that has what they need. A table that is there may have
//! features that an append does not touch; others are refused before anything is written.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>
#![forbid(unsafe_code)]

mod actions;
mod changes;
mod commits;
mod committer;
mod condition;
mod contents;
mod copy;
mod deletions;
mod error;
mod features;
mod files;
mod history;
mod index;
mod intervals;
mod kernel;
mod key;
mod log;
mod maintenance;
mod marker;
mod mode;
mod orphans;
mod plan;
mod schema;
mod settings;
mod sink;
mod snapshot;
mod source;
mod state;
mod stats;
mod table;
mod target;
mod upsert;
mod value;
mod writer;

pub use condition::{Column, Condition, Literal};
pub use error::{ColumnDifference, DeltaError};
pub use maintenance::{Maintained, Maintenance};
pub use orphans::{ORPHAN_AGE, Orphan};
pub use sink::DeltaSink;
pub use snapshot::DeltaSnapshot;
pub use source::DeltaSource;
pub use table::DeltaTable;
