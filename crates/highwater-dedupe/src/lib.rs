//! Duplicates: the first row of each key goes on, those that follow it within a bound of event time
//! do not.
//!
//! [`Dedupe`] is the step. `dedupe.rs` is the model of an operator in highwater: read it before you write one.
#![forbid(unsafe_code)]

mod dedupe;
mod error;
mod kept;
mod place;

pub use dedupe::Dedupe;
pub use error::DedupeError;
