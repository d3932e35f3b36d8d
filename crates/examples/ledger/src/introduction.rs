//! What the ledger says of itself: before it runs, and instead.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use highwater_cli::{Failure, SourceOptions, TableOptions};
use highwater_storage::Storage;

use crate::{RunArguments, columns, pipeline};

/// What a run reads and writes, and how its tables are read.
pub(crate) fn lines(arguments: &RunArguments) -> Result<Vec<String>, Failure> {
    let TableOptions { catalog, table, .. } = &arguments.table;
    let rejected = columns::rejected(table);
    let warehouse = Storage::open(catalog)?;
    let place = |table: &str| warehouse.location(&table.replace('.', "/"));
    let query = |table: &str| format!("SELECT * FROM iceberg_scan('{}') LIMIT 5", place(table));
    let checkpoint = Storage::open(&arguments.run.checkpoint)?.location("");
    Ok(vec![
        format!("reads {}, keeps its log in {checkpoint}", arguments.source.from),
        format!("writes {table}, and what cannot be a row to {rejected}; to read them:"),
        format!("  duckdb -c \"INSTALL iceberg; LOAD iceberg; {}\"", query(table)),
        format!("  duckdb -c \"INSTALL iceberg; LOAD iceberg; {}\"", query(&rejected)),
    ])
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    table: TableOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line for each source, step and sink
    Text,
    /// A JSON object
    Json,
    /// A Mermaid flow chart
    Mermaid,
}

/// Writes the pipeline to standard output.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<(), Failure> {
    let plan = pipeline(&arguments.source, &arguments.table)?;
    let text = match arguments.format {
        Format::Text => plan.explain(),
        Format::Json => format!("{:#}\n", plan.explain_json()),
        Format::Mermaid => plan.explain_mermaid(),
    };
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|source| Failure::Io { action: "write to standard output".to_owned(), source })
}
