//! `ledger verify`: what the tables hold, and whether that is what their source says.

mod judge;
mod raw;
mod replay;
mod report;
mod tables;
mod twice;

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use highwater_cli::{
    CatalogOptions, Encoding, Failure, ReadOptions, SourceUri, Table, parse_duration,
    parse_semantics,
};
use highwater_codec::Semantics;
use highwater_core::Source;

use crate::{columns, connect};
use raw::Raw;
use report::Report;
use tables::Tables;
use twice::Twice;

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    catalog: CatalogOptions,
    /// The ledger: namespace.table, or the path or URL of a Delta table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// Reads this source of JSON again, as far as the tables do, and compares
    #[arg(long, value_name = "SOURCE")]
    against: Option<SourceUri>,
    #[command(flatten)]
    read: ReadOptions,
    /// The rules by which the ledger was written: strict or spark. By those of Spark rows may lack an
    /// amount, and --against compares only where rows came from
    #[arg(long, value_name = "RULES", default_value = "strict", value_parser = parse_semantics)]
    semantics: Semantics,
    /// The bound that the ledger was run with: no transaction_id may be there twice within it, and those of
    /// the source that are not there must be duplicates of one that is, or in the table of late ones
    #[arg(long, value_name = "BOUND", value_parser = parse_duration)]
    dedupe: Option<Duration>,
}

/// Reads the tables, and their source if asked to, and writes what was found to standard output.
pub(crate) fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let io = |action: &str| {
        let action = action.to_owned();
        move |source| Failure::Io { action, source }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(io("start a runtime"))?.block_on(examine(arguments))?;
    let mut text =
        serde_json::to_vec_pretty(&report).map_err(|error| io("write the report")(error.into()))?;
    text.push(b'\n');
    std::io::stdout().lock().write_all(&text).map_err(io("write to standard output"))?;
    match report.violations() {
        0 => Ok(()),
        count => Err(Failure::Violations { count, what: arguments.table.clone() }),
    }
}

async fn examine(arguments: &VerifyArguments) -> Result<Report, Failure> {
    let table = |name: &str| Table::open(&arguments.catalog, name);
    let mut written = vec![table(&arguments.table)?.read().await?];
    let rejected = table(&columns::rejected(&arguments.table))?.read().await?;
    if arguments.dedupe.is_some() {
        written.push(table(&columns::late(&arguments.table))?.read().await?);
    }
    let twice = match (arguments.dedupe, written.first()) {
        (Some(bound), Some(ledger)) => Some(Twice::read(ledger, bound).await?),
        _ => None,
    };
    let mut tables = Tables::read(&written, &rejected, twice).await?;
    let mut report = Report::new(&arguments.table, &written, &rejected, &tables)?;
    if arguments.semantics == Semantics::Strict {
        report.check_amounts(&tables);
    }
    if let Some(twice) = &tables.twice {
        twice.check(&mut report);
    }
    let source: Box<dyn Source> = match &arguments.against {
        None => return Ok(report),
        Some(SourceUri::Generator(uri)) => Box::new(
            connect::generator(uri, &arguments.read, Encoding::Json)?.decode(Raw).source_columns(),
        ),
        Some(SourceUri::Kafka(uri)) => {
            Box::new(connect::kafka(uri, &arguments.read)?.decode(Raw).source_columns())
        }
        Some(SourceUri::Directory(path)) => {
            // The tables say which files were taken: those have settled.
            let source = connect::files(path, &arguments.read, Encoding::Json)?;
            Box::new(source.settle(Duration::ZERO).decode(Raw).source_columns())
        }
    };
    replay::compare(source.as_ref(), arguments.semantics, &written, &mut tables, &mut report)
        .await?;
    Ok(report)
}
