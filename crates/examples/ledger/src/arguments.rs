//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use highwater_cli::{RunOptions, SourceOptions, TableOptions, parse_duration};

use crate::{generate, introduction, verify};

/// Financial transactions into an Iceberg or Delta table, each exactly once.
///
/// Without a command it runs. Every option may also be given by the environment, as HIGHWATER_TRIGGER
/// for --trigger.
#[derive(Parser)]
#[command(name = "ledger", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs the pipeline (the default)
    Run(RunArguments),
    /// Writes made-up transactions to standard output, to files or to a topic
    Generate(generate::GenerateArguments),
    /// Checks the tables, and compares them with their source if asked to
    Verify(verify::VerifyArguments),
    /// Shows the pipeline without contacting anything
    Explain(introduction::ExplainArguments),
    /// Says whether this version may go on from the state in the checkpoint, without changing anything
    CheckUpgrade(RunArguments),
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) stream: StreamOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
}

/// What is read, and what becomes of it.
#[derive(Args, Debug)]
pub(crate) struct StreamOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    /// Takes each transaction_id once: drops those that come again at less than this from the first in event
    /// time, such as 1h. Those that come later than others by more than this go to a table of their own,
    /// NAME_late
    #[arg(long, value_name = "BOUND", value_parser = parse_duration)]
    pub(crate) dedupe: Option<Duration>,
}
