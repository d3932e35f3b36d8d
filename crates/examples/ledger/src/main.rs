//! Exactly once: a stream of financial transactions becomes an Iceberg table.
//!
//! `ledger` runs the pipeline, `ledger generate` makes transactions, `ledger verify` checks the
//! tables, `ledger explain` shows the pipeline without contacting anything.
#![forbid(unsafe_code)]

mod columns;
mod connect;
mod generate;
mod introduction;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use highwater_cli::{
    Defaults, Failure, Fields, RunOptions, SourceOptions, SourceUri, TableOptions,
};
use highwater_iceberg::{IcebergSink, PartitionField};
use highwater_pipeline::{Pipeline, Plan};

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
    })
}

/// The pipeline: what a transaction becomes.
fn pipeline(
    from: &SourceOptions,
    to: &TableOptions,
    checkpoint: Option<&str>,
) -> Result<Plan, Failure> {
    let ledger = Pipeline::new("ledger");
    let format = from.encoding.format(columns::transactions(), from.semantics, checkpoint)?;
    let transactions = match &from.from {
        SourceUri::Generator(uri) => {
            let generator =
                connect::generator(uri, &from.read, from.encoding.encoding)?.decode(format);
            let columns = from.source_columns;
            ledger.source(
                "transactions",
                if columns { generator.source_columns() } else { generator },
            )
        }
        SourceUri::Kafka(uri) => {
            let topic = connect::kafka(uri, &from.read)?.decode(format);
            let columns = from.source_columns;
            ledger.source("transactions", if columns { topic.source_columns() } else { topic })
        }
        SourceUri::Directory(path) => {
            let files = connect::files(path, &from.read, from.encoding.encoding)?.decode(format);
            let columns = from.source_columns;
            ledger.source("transactions", if columns { files.source_columns() } else { files })
        }
    };
    transactions.rejected().sink("rejected", table(to, &columns::rejected(&to.table))?);
    let schema = columns::ledger(from.semantics, from.source_columns);
    let output = Arc::clone(&schema);
    transactions
        .map_batches("ledger", output, move |rows, cx| columns::to_ledger(&schema, rows, cx))
        .sink("ledger", partitioned(table(to, &to.table)?, to)?);
    Ok(ledger.build()?)
}

fn table(options: &TableOptions, name: &str) -> Result<IcebergSink, Failure> {
    let table = connect::table(&options.catalog, name)?.append();
    let set =
        |table: IcebergSink, (key, value): &(String, String)| table.create_property(key, value);
    Ok(options.create.iter().fold(table, set))
}

/// The main table as it was asked for; the one of rejected records is small.
fn partitioned(table: IcebergSink, options: &TableOptions) -> Result<IcebergSink, Failure> {
    let Some(Fields(fields)) = &options.partition_by else { return Ok(table) };
    let fields = fields.iter().map(|field| field.parse::<PartitionField>());
    let fields: Vec<_> = fields.collect::<Result<_, _>>().map_err(highwater_core::Error::from)?;
    Ok(table.partition_by(fields))
}

fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let checkpoint = Some(arguments.run.checkpoint.as_str());
    let plan = pipeline(&arguments.source, &arguments.table, checkpoint)?;
    highwater_cli::run(&plan, &arguments.run, &introduction::lines(arguments)?)
}

/// Financial transactions into an Iceberg table, each exactly once.
///
/// Without a command it runs. Every option may also be given by the environment, as HIGHWATER_TRIGGER
/// for --trigger.
#[derive(Parser)]
#[command(name = "ledger", version, args_conflicts_with_subcommands = true)]
struct Ledger {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the pipeline (the default)
    Run(RunArguments),
    /// Writes made-up transactions to standard output, to files or to a topic
    Generate(generate::GenerateArguments),
    /// Checks the tables, and compares them with their source if asked to
    Verify(verify::VerifyArguments),
    /// Shows the pipeline without contacting anything
    Explain(introduction::ExplainArguments),
}

#[derive(Args, Debug)]
struct RunArguments {
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    table: TableOptions,
    #[command(flatten)]
    run: RunOptions,
}
