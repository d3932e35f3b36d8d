//! Windows: rows summed up by time and by key.
//!
//! [`Window`] is the step, [`Aggregation`] what it makes of a column; [`Aggregate`] is for those of one's own.
#![forbid(unsafe_code)]

mod aggregate;
mod aggregation;
mod digits;
mod distinct;
mod error;
mod groups;
mod panes;
mod sessions;
mod split;
mod time;
mod window;
mod windowing;

pub use aggregate::{Accumulators, Aggregate, Input};
pub use aggregation::{
    Aggregation, avg, count, count_distinct, count_of, first, last, max, min, sum,
};
pub use error::WindowError;
pub use window::{Emit, Window};
