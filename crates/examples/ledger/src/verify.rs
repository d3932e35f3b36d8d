//! `ledger verify`: what the tables hold, and whether that is what their source says.

mod judge;
mod replay;
mod report;
mod tables;
mod twice;

use std::time::Duration;

use clap::Args;
use highwater_cli::verify::tell;
use highwater_cli::{
    CatalogOptions, Failure, ReadOptions, SourceUri, Table, parse_duration, parse_semantics,
};
use highwater_codec::Semantics;
use highwater_datagen::Transactions;

use crate::columns;
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let starting = |source| Failure::Io { action: "start a runtime".to_owned(), source };
    let report = runtime.map_err(starting)?.block_on(examine(arguments))?;
    tell(&report, report.violations(), &arguments.table)
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
    let Some(against) = &arguments.against else { return Ok(report) };
    let source = arguments.read.raw(against, Transactions)?;
    replay::compare(source.as_ref(), arguments.semantics, &written, &mut tables, &mut report)
        .await?;
    Ok(report)
}
