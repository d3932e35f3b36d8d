//! What every source, sink and checkpoint log must do, as suites to be run on each of them.
//!
//! A suite panics at the first thing that does not hold, with a sentence that says what.

mod log;
mod sink;
mod source;

pub use log::log;
pub use sink::{SinkCase, sink};
pub use source::{Read, source};
