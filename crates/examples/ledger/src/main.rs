//! Exactly once: a stream of financial transactions becomes an Iceberg or Delta table.
//!
//! `ledger` runs the pipeline, `ledger generate` makes transactions, `ledger verify` checks the
//! tables, `ledger explain` shows the pipeline without contacting anything, and `ledger check-upgrade`
//! whether this version may go on from saved state.
#![forbid(unsafe_code)]

mod arguments;
mod columns;
mod generate;
mod introduction;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use highwater_cli::{Defaults, Failure};
use highwater_datagen::Transactions;
use highwater_dedupe::Dedupe;
use highwater_pipeline::{Pipeline, Plan, Stream};

use arguments::{Command, Ledger, RunArguments, StreamOptions};

const DEFAULTS: Defaults = &[
    ("from", "generator:rows=1000000,seed=1,rate=10000"),
    ("table", "demo.transactions_ledger"),
    ("checkpoint", "data/checkpoint/ledger"),
];

fn main() -> ExitCode {
    highwater_cli::main(DEFAULTS, |ledger: Ledger| match ledger.command {
        None => run(&ledger.run),
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::Generate(arguments)) => generate::generate(&arguments),
        Some(Command::Verify(arguments)) => verify::verify(&arguments),
        Some(Command::Explain(arguments)) => introduction::explain(&arguments),
        Some(Command::CheckUpgrade(arguments)) => check_upgrade(&arguments),
    })
}

/// The pipeline: what a transaction becomes.
fn pipeline(
    StreamOptions { source: from, table: to, dedupe }: &StreamOptions,
    checkpoint: Option<&str>,
) -> Result<Plan, Failure> {
    let ledger = Pipeline::new("ledger");
    let format = from.encoding.format(columns::transactions(), from.semantics, checkpoint)?;
    let transactions = from.stream(&ledger, "transactions", Transactions, format)?;
    transactions.rejected().sink("rejected", to.append(&columns::rejected(&to.table))?);
    let first = match *dedupe {
        Some(bound) => transactions
            .watermark("event_timestamp", bound)
            .apply("dedupe", Dedupe::by(["transaction_id"]).within(bound)),
        None => transactions,
    };
    let columns = columns::ledger(from.semantics, from.source_columns);
    let ledger_of = |name: &str, rows: &Stream| {
        let schema = Arc::clone(&columns);
        rows.map_batches(name, Arc::clone(&columns), move |rows, cx| {
            columns::to_ledger(&schema, rows, cx)
        })
    };
    // The tables of rejected records and of late rows are small, and have no partitions.
    let table = to.append(&to.table)?.partition_by(to.partition_by.as_ref())?;
    ledger_of("ledger", &first).sink("ledger", table);
    if dedupe.is_some() {
        let late = to.append(&columns::late(&to.table))?;
        ledger_of("late", &first.late()).sink("late", late);
    }
    Ok(ledger.build()?)
}

fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let checkpoint = Some(arguments.run.checkpoint.as_str());
    let plan = pipeline(&arguments.stream, checkpoint)?;
    highwater_cli::run(&plan, &arguments.run, &introduction::lines(arguments)?)
}

fn check_upgrade(arguments: &RunArguments) -> Result<(), Failure> {
    let plan = pipeline(&arguments.stream, None)?;
    highwater_cli::check_upgrade(&plan, &arguments.run.checkpoint)
}
