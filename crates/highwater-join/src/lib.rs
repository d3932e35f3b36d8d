//! Joins: rows of a stream with rows of a table that is read at a version.
//!
//! [`StaticJoin`] is the step.
#![forbid(unsafe_code)]

mod columns;
mod error;
mod index;
mod kept;
mod key;
mod static_join;
mod table;

pub use error::JoinError;
pub use static_join::StaticJoin;
