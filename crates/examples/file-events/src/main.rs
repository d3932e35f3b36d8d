//! Exactly once: files of events become Delta tables, as they are, with their users, or summed up by windows of
//! event time.
//!
//! `file-events` runs the pipeline, `file-events generate` makes files of events, `file-events verify`
//! compares the tables with their source, `file-events explain` shows the pipeline without contacting
//! anything, and `file-events check-upgrade` whether this version may go on from saved state.
#![forbid(unsafe_code)]

mod arguments;
mod columns;
mod enrich;
mod generate;
mod introduction;
mod query;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use highwater_cli::{Defaults, Failure};
use highwater_datagen::Events;
use highwater_dedupe::Dedupe;
use highwater_pipeline::{Pipeline, Plan};

use arguments::{Command, FileEvents, RunArguments, StreamOptions};
use query::{Mode, Query, Windows};

const DEFAULTS: Defaults = &[
    ("from", "data/input"),
    ("table", "data/{table}"),
    ("checkpoint", "data/checkpoint/file-events-{query}"),
];

/// Events may come so much later than others.
const DELAY: Duration = Duration::from_mins(10);

fn main() -> ExitCode {
    highwater_cli::main(DEFAULTS, |events: FileEvents| match events.command {
        None => run(&events.run),
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::Generate(arguments)) => generate::generate(&arguments),
        Some(Command::Verify(arguments)) => verify::verify(&arguments),
        Some(Command::Explain(arguments)) => {
            highwater_cli::explain(&pipeline(&arguments.stream, None)?, arguments.format)
        }
        Some(Command::CheckUpgrade(arguments)) => check_upgrade(&arguments),
    })
}

/// The pipeline: what becomes of an event.
fn pipeline(options: &StreamOptions, checkpoint: Option<&str>) -> Result<Plan, Failure> {
    let StreamOptions { query, table, .. } = options;
    let (from, names) = (options.source(), options.names());
    let pipeline = Pipeline::new(format!("file-events-{}", query.name()));
    let format = from.encoding.format(columns::events(), from.semantics, checkpoint)?;
    let events = from.stream(&pipeline, "events", Events::default(), format)?;
    events.rejected().sink("rejected", table.append(&names.rejected)?);
    let windows = query.windows(options.by);
    check(options, windows.as_ref())?;
    let events = enrich::joined(&pipeline, events, options)?;
    let (rows, sink) = match (windows, options.dedupe) {
        (None, None) => (events, table.append(&names.main)?),
        (None, Some(bound)) => {
            let first = Dedupe::by(["event_id"]).within(bound);
            let rows = events.watermark("timestamp", DELAY).apply("dedupe", first);
            (rows, table.append(&names.main)?)
        }
        (Some(windows), _) => {
            let step = windows.step(options.mode());
            let rows = events.watermark("timestamp", DELAY).apply("windows", step);
            let sink = match options.mode() {
                Mode::Append => table.append(&names.main)?,
                Mode::Update => table.update(&names.main, &["window", windows.key])?,
                Mode::Complete => table.complete(&names.main)?,
            };
            (rows, sink)
        }
    };
    if options.late {
        rows.late().sink("late", table.append(&names.late)?);
    }
    rows.sink("table", sink.partition_by(table.partition_by.as_ref())?);
    Ok(pipeline.build()?)
}

/// Refuses options that the query has no use for.
fn check(options: &StreamOptions, windows: Option<&Windows>) -> Result<(), Failure> {
    let (option, problem) = match windows {
        None if options.by.is_some() => ("--by", "goes with a query of windows"),
        None if options.mode() != Mode::Append => {
            ("--mode", "goes with a query of windows; events that are passed on are appended")
        }
        None if options.late && options.dedupe.is_none() => {
            ("--late", "goes with a query of windows and with --dedupe; of others no event is late")
        }
        _ if options.dedupe.is_some() && options.query != Query::Passthrough => {
            ("--dedupe", "goes with the query passthrough")
        }
        _ => return Ok(()),
    };
    Err(Failure::Option { option, problem })
}

fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let options = arguments.run();
    let plan = pipeline(&arguments.stream, Some(&options.checkpoint))?;
    highwater_cli::run(&plan, &options, &introduction::lines(&arguments.stream, &options)?)
}

fn check_upgrade(arguments: &RunArguments) -> Result<(), Failure> {
    let plan = pipeline(&arguments.stream, None)?;
    highwater_cli::check_upgrade(&plan, &arguments.run().checkpoint)
}
