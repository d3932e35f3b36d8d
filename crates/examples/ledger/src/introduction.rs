//! What the ledger says of itself: before it runs, and instead.

use clap::Args;
use highwater_cli::{ExplainFormat, Failure, TableOptions, reading};
use highwater_storage::Storage;

use crate::arguments::{RunArguments, StreamOptions};
use crate::{columns, pipeline};

/// What a run reads and writes, and how its tables are read.
pub(crate) fn lines(arguments: &RunArguments) -> Result<Vec<String>, Failure> {
    let StreamOptions { source, table: TableOptions { catalog, table, .. }, dedupe } =
        &arguments.stream;
    let (rejected, late) = (columns::rejected(table), columns::late(table));
    let checkpoint = Storage::open(&arguments.run.checkpoint)?.location("");
    let mut writes = format!("writes {table}, and what cannot be a row to {rejected}");
    if dedupe.is_some() {
        writes += &format!(", what comes too late to {late}");
    }
    let mut lines = vec![
        format!("reads {}, keeps its log in {checkpoint}", source.from),
        format!("{writes}; to read them:"),
        format!("  {}", reading(catalog, table)?),
        format!("  {}", reading(catalog, &rejected)?),
    ];
    if dedupe.is_some() {
        lines.push(format!("  {}", reading(catalog, &late)?));
    }
    Ok(lines)
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ExplainFormat,
    #[command(flatten)]
    stream: StreamOptions,
}

/// Writes the pipeline to standard output.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<(), Failure> {
    highwater_cli::explain(&pipeline(&arguments.stream, None)?, arguments.format)
}
