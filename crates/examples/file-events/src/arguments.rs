//! The command line.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use highwater_cli::{
    ExplainFormat, RunOptions, SourceOptions, SourceUri, TableOptions, parse_duration,
};

use crate::enrich::USERS;
use crate::query::{By, Mode, Names, Query};
use crate::{generate, verify};

/// Files of events into a Delta table, each event exactly once: as they are, with their users, or summed up by
/// windows of event time.
///
/// Without a command it runs. Every option may also be given by the environment, as HIGHWATER_TRIGGER
/// for --trigger. In --checkpoint and --table {query} stands for the query, and {table} for its table.
#[derive(Parser)]
#[command(name = "file-events", version, args_conflicts_with_subcommands = true)]
pub(crate) struct FileEvents {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs the pipeline (the default)
    Run(RunArguments),
    /// Writes made-up events to files that appear one after another, and their users to a table
    Generate(generate::GenerateArguments),
    /// Compares the tables with their source
    Verify(verify::VerifyArguments),
    /// Shows the pipeline without contacting anything
    Explain(ExplainArguments),
    /// Says whether this version may go on from the state in the checkpoint, without changing anything
    CheckUpgrade(RunArguments),
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) stream: StreamOptions,
    #[command(flatten)]
    run: RunOptions,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ExplainFormat,
    #[command(flatten)]
    pub(crate) stream: StreamOptions,
}

/// What is read, and what becomes of it.
#[derive(Args, Debug)]
pub(crate) struct StreamOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// What becomes of the events
    #[arg(long, value_name = "QUERY", default_value = "passthrough")]
    pub(crate) query: Query,
    /// How windows come to stand in their table; if left out, update for tumbling and append for others
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    /// The column whose values have windows of their own; if left out, event_type for tumbling and user_id
    /// for sliding
    #[arg(long, value_name = "COLUMN")]
    pub(crate) by: Option<By>,
    /// Passes each event_id on once: drops those that come again at less than this from the first in event
    /// time, such as 1h
    #[arg(long, value_name = "BOUND", value_parser = parse_duration)]
    pub(crate) dedupe: Option<Duration>,
    /// Keeps events that come too late for any open window, or for --dedupe, in a table of their own:
    /// TABLE_late
    #[arg(long)]
    pub(crate) late: bool,
    /// The Delta table of users that enrich joins events with; data/users if left out
    #[arg(long, value_name = "TABLE")]
    pub(crate) users: Option<String>,
}

impl StreamOptions {
    /// How rows come to stand in the table.
    pub(crate) fn mode(&self) -> Mode {
        self.mode.unwrap_or_else(|| self.query.mode())
    }

    /// The table of users.
    pub(crate) fn users(&self) -> &str {
        self.users.as_deref().unwrap_or(USERS)
    }

    /// The names of the tables.
    pub(crate) fn names(&self) -> Names {
        Names::new(self.query, &self.table.table)
    }

    /// The source. Of a directory an epoch takes one file, unless it is said how many.
    pub(crate) fn source(&self) -> SourceOptions {
        let mut source = self.source.clone();
        if matches!(source.from, SourceUri::Directory(_)) {
            source.read.max_files_per_epoch.get_or_insert(NonZeroUsize::MIN);
        }
        source
    }
}

impl RunArguments {
    /// How the pipeline runs, with a checkpoint for each query.
    pub(crate) fn run(&self) -> RunOptions {
        let mut run = self.run.clone();
        run.checkpoint = self.stream.query.filled(&run.checkpoint);
        run
    }
}
