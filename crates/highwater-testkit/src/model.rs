//! Models of the protocol for an exhaustive search: every interleaving within the bounds.
//!
//! They run the code that production runs, the commit machine and the decisions of recovery, against
//! a table, logs and a network that may do whatever the promise allows them to do. Broken designs
//! stay beside the sound one, and the search must find what is wrong with each: so the checker is
//! checked as well.

mod commit;
mod contender;
mod driver;
mod instance;
mod table;

pub use commit::{Bounds, CommitModel, Design, Logs, Step};
pub use contender::CommitWorld;
pub use driver::{DriverModel, DriverWorld, Event, Order};
