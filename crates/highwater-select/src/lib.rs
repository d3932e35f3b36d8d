//! Columns and conditions as SQL expressions, one step each.
//!
//! [`Expressions`] gives streams `select` and `filter_where`; [`Select`] and [`Where`] are the steps behind them. The
//! text is Spark's SQL, and `docs/semantics/select.md` tells what an expression means.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//!
//! use highwater_core::arrow::datatypes::{DataType, Field, Schema};
//! use highwater_pipeline::Pipeline;
//! use highwater_select::Expressions as _;
//! use highwater_testkit::memory::MemoryTable;
//! use highwater_testkit::memory_source::MemorySource;
//!
//! let columns = ["event_id", "event_type", "value"].map(|name| Field::new(name, DataType::Utf8, true));
//! let schema = Arc::new(Schema::new(columns.to_vec()));
//!
//! let p = Pipeline::new("events");
//! let events = p.source("events", MemorySource::new("events", schema, 1));
//! let enriched = events
//!     .select("enriched", ["event_id", "CAST(value AS DECIMAL(18,2)) AS value", "upper(event_type) AS type"]);
//! // Rows whose value is no number.
//! enriched.rejected().sink("rejected", MemoryTable::new("rejected"));
//! enriched.filter_where("large", "value > 10").sink("large", MemoryTable::new("large"));
//! p.build()?;
//! # Ok::<(), highwater_pipeline::BuildErrors>(())
//! ```
#![forbid(unsafe_code)]

mod compute;
mod decimal;
mod error;
mod excerpt;
mod filter;
mod functions;
mod own;
mod parse;
mod rejecting;
mod select;
mod stream;
mod translate;

pub use error::SelectError;
pub use excerpt::Excerpt;
pub use filter::Where;
pub use select::Select;
pub use stream::Expressions;
