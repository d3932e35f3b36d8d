//! What file-events says of itself before it runs.

use highwater_cli::{Failure, RunOptions, reading};
use highwater_storage::Storage;

use crate::arguments::StreamOptions;
use crate::query::{Names, Query};

/// What a run reads and writes, and how its tables are read.
pub(crate) fn lines(stream: &StreamOptions, run: &RunOptions) -> Result<Vec<String>, Failure> {
    let Names { main, rejected, late } = stream.names();
    let reading = |table: &str| reading(&stream.table.catalog, table).map(|it| format!("  {it}"));
    let checkpoint = Storage::open(&run.checkpoint)?.location("");
    let verb = stream.mode().verb();
    let mut writes = format!("{verb} {main}; what cannot be an event goes to {rejected}");
    if stream.late {
        writes += &format!(", what comes too late to {late}");
    }
    let joins = match stream.query {
        Query::Enrich => format!(", joins it with users of {}", stream.users()),
        _ => String::new(),
    };
    let mut lines = vec![
        format!("reads {}{joins}, keeps its log in {checkpoint}", stream.source().from),
        format!("{writes}; to read them:"),
        reading(&main)?,
        reading(&rejected)?,
    ];
    if stream.late {
        lines.push(reading(&late)?);
    }
    Ok(lines)
}
