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
use highwater_pipeline::{Pipeline, Plan};

use arguments::{Command, FileEvents, RunArguments, StreamOptions};
use query::Mode;

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
    let events = from.stream(&pipeline, "events", Events, format)?;
    events.rejected().sink("rejected", table.append(&names.rejected)?);
    let events = enrich::joined(&pipeline, events, options)?;
    let (rows, sink) = match query.windows() {
        None => {
            check_passed_on(options)?;
            (events, table.append(&names.main)?)
        }
        Some(windows) => {
            let step = windows.step(options.mode());
            let rows = events.watermark("timestamp", DELAY).apply("windows", step);
            if options.late {
                rows.late().sink("late", table.append(&names.late)?);
            }
            let sink = match options.mode() {
                Mode::Append => table.append(&names.main)?,
                Mode::Update => table.update(&names.main, &["window", windows.key])?,
                Mode::Complete => table.complete(&names.main)?,
            };
            (rows, sink)
        }
    };
    rows.sink("table", sink.partition_by(table.partition_by.as_ref())?);
    Ok(pipeline.build()?)
}

/// Refuses options of windows where there are none.
fn check_passed_on(options: &StreamOptions) -> Result<(), Failure> {
    let (option, problem) = if options.late {
        ("--late", "goes with a query of windows; of others no event is late")
    } else if options.mode() != Mode::Append {
        ("--mode", "goes with a query of windows; events that are passed on are appended")
    } else {
        return Ok(());
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
