//! What every executor is made of: a source's reading, a step and what it saves, a sink's writing.
//!
//! An executor decides in which order and on which thread they are called, and passes what they emit
//! to the readers of the [`Graph`]. Nothing else differs between two executors.

mod gathering;
mod reading;
mod stepping;
mod version;
mod writing;

pub use gathering::{Gathered, Gathering};
pub use reading::Reading;
pub use stepping::{Call, Stepping};
pub use version::Version;
pub use writing::Writing;

use arrow::array::RecordBatch;
use highwater_core::{Batch, Error, ErrorKind, Result, Unread};

use crate::graph::{Graph, Tap};

/// What becomes of rows that nothing reads. Those of a main output go nowhere, as do those of a side
/// output that may be [dropped](Unread::Dropped); others would be lost without a trace.
///
/// # Errors
/// `BadRecord` for rows that somebody has to take.
pub fn unread(graph: &Graph, tap: Tap, batch: &Batch) -> Result<()> {
    if graph.unread(tap) == Unread::Dropped {
        return Ok(());
    }
    let name = graph.node(tap.node).map_or("?", |node| node.name.as_str());
    let place = batch.origin.as_ref().map(|origin| format!(" of {}", origin.partition));
    let first = first_rejected(&batch.rows);
    let rows = batch.len();
    let place = place.unwrap_or_default();
    Err(Error::new(
        ErrorKind::BadRecord,
        "pipeline",
        format!("{name} rejected {rows} rows{place} and nothing takes them; the first: {first}"),
    )
    .advise("mend the record, or send .rejected() of this stream to a sink"))
}

/// The first rejected row in words: its offset, if it has one, and the reason.
fn first_rejected(rows: &RecordBatch) -> String {
    let cell = |name: &str| {
        let column = rows.column_by_name(name)?;
        arrow::util::display::array_value_to_string(column, 0).ok()
    };
    let offset = cell("offset").map(|offset| format!("offset {offset}, ")).unwrap_or_default();
    format!("{offset}{}", cell("reason").unwrap_or_default())
}

fn to_u64(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn bug(what: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "pipeline", what)
}
