//! `file-events verify`: whether the tables hold what their source says, found by other code than the
//! pipeline's.

mod counted;
mod joined;
mod judge;
mod passed;
mod report;
mod tables;

use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use clap::Args;
use highwater_cli::verify::{Place, places_of, read_ranges, take_one, tell};
use highwater_cli::{CatalogOptions, Failure, ReadOptions, SourceUri, parse_duration};
use highwater_core::{Error, ErrorKind, Limits, Positions, Result, Source};
use highwater_datagen::Events;

use crate::enrich::USERS;
use crate::query::{By, Mode, Names, Query};
use counted::Counted;
use joined::Joined;
use judge::{Event, judge};
use passed::Passed;
use report::Report;
use tables::{Bag, Tables};

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// The query that was run
    #[arg(long, value_name = "QUERY", default_value = "passthrough")]
    query: Query,
    /// The mode it was run in; if left out, update for tumbling and append for others
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    #[command(flatten)]
    catalog: CatalogOptions,
    /// The main table: namespace.table, or the path or URL of a Delta table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// The source of JSON that the tables were made of, all of which must have been read, by strict rules
    #[arg(long, value_name = "SOURCE", default_value = "data/input")]
    against: SourceUri,
    #[command(flatten)]
    read: ReadOptions,
    /// The column that --by of the run named
    #[arg(long, value_name = "COLUMN")]
    by: Option<By>,
    /// The bound that the run had: no event_id may be there twice within it, and those of the source that are
    /// not there must come again that close to one that is
    #[arg(long, value_name = "BOUND", value_parser = parse_duration)]
    dedupe: Option<Duration>,
    /// The run kept events that came too late in TABLE_late
    #[arg(long)]
    late: bool,
    /// The run was drained: every window must be there, also those that event time has not passed
    #[arg(long)]
    drained: bool,
    /// The Delta table of users that enrich joined with, as it is now; data/users if left out
    #[arg(long, value_name = "TABLE")]
    users: Option<String>,
}

/// Reads tables and source, and writes what was found to standard output.
pub(crate) fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let starting = |source| Failure::Io { action: "start a runtime".to_owned(), source };
    let report = runtime.map_err(starting)?.block_on(examine(arguments))?;
    tell(&report, report.violations(), &arguments.query.filled(&arguments.table))
}

/// What is expected of the main table.
#[derive(Debug)]
enum Expected {
    /// Each event.
    Passed(Passed),
    /// Each event with its user.
    Joined(Joined),
    /// Windows.
    Counted(Counted),
}

async fn examine(arguments: &VerifyArguments) -> Result<Report, Failure> {
    let (query, catalog) = (arguments.query, &arguments.catalog);
    let names = Names::new(query, &arguments.table);
    let mut tables = Tables::read(catalog, &names, arguments.late).await?;
    let mut report = Report::new(query, &names, &tables)?;
    let source = arguments.read.raw(&arguments.against, Events::default())?;
    let mut expected = match query.windows(arguments.by) {
        None if query == Query::Enrich => {
            let users = arguments.users.as_deref().unwrap_or(USERS);
            let joined = Joined::read(&tables.main, &names.main, users).await?;
            report.rows = joined.rows();
            Expected::Joined(joined)
        }
        None => {
            let passed = Passed::read(&tables.main, &names.main, arguments.dedupe).await?;
            report.rows = passed.rows();
            passed.check(&mut report);
            Expected::Passed(passed)
        }
        Some(windows) => Expected::Counted(Counted::new(windows)),
    };
    let one_stream = matches!(arguments.against, SourceUri::Directory(_));
    let mut take = |place: &Place, event: Option<Event>, report: &mut Report| {
        report.against.records += 1;
        let Some(event) = event else {
            report.against.rejected += 1;
            if !take_one(tables.rejected.get_mut(place)) {
                report.violate(format!("{}: is not among the rejected", name(place)));
            }
            return;
        };
        let late = take_one(tables.late.as_mut().and_then(|late| late.get_mut(&event)));
        match &mut expected {
            Expected::Passed(_) if late => (),
            Expected::Passed(passed) => passed.take(place, &event, report),
            Expected::Joined(joined) => joined.take(place, &event, report),
            Expected::Counted(counted) => {
                let partition = (!one_stream).then(|| (place.0.clone(), place.1));
                counted.take(partition, &event, late);
            }
        }
        report.against.rows += 1;
    };
    read_again(source.as_ref(), &mut take, &mut report).await?;
    left_over(&tables.rejected, "should not be rejected", &mut report);
    match expected {
        Expected::Passed(passed) => passed.left_over(&mut report),
        Expected::Joined(joined) => joined.left_over(&mut report),
        Expected::Counted(counted) => {
            // Only where windows are written once do those that are open have to wait.
            let mode = arguments.mode.unwrap_or_else(|| query.mode());
            let open = arguments.drained || mode != Mode::Append;
            counted.compare(&tables.main, open, &mut report).await?;
        }
    }
    for (event, count) in tables.late.iter().flatten().filter(|(_, count)| **count > 0) {
        let id = &event.id;
        report.violate(format!("{id} is {count} times more among the late than in the source"));
    }
    Ok(report)
}

/// Gives every record of a source to `take`, with the event that it is if it is one.
async fn read_again(
    source: &dyn Source,
    take: &mut impl FnMut(&Place, Option<Event>, &mut Report),
    report: &mut Report,
) -> Result<()> {
    const RECORDS_AT_ONCE: u64 = 100_000;
    let mut limits = Limits::default();
    limits.records = RECORDS_AT_ONCE;
    let mut from = Positions::default();
    let until = source.ends(&from).await?;
    loop {
        let planned = source.plan(&from, Some(&until), &limits).await?;
        if planned.ranges.is_empty() {
            return Ok(());
        }
        let decoded = read_ranges(source, &planned.ranges).await?;
        for rows in &decoded.rows {
            for (place, record) in records_of(rows)? {
                take(&place, judge(record), report);
            }
        }
        // What the source itself rejects, such as the end of a damaged file.
        for rows in &decoded.rejected {
            let places = places_of(rows, ["topic", "partition", "offset"]);
            for place in places.ok_or_else(other_columns)? {
                take(&place, None, report);
            }
        }
        from = from.after(&planned.ranges);
    }
}

fn records_of(rows: &RecordBatch) -> Result<impl Iterator<Item = (Place, Option<&[u8]>)>> {
    let values = rows.column_by_name("value").and_then(|values| values.as_binary_opt::<i32>());
    let places = places_of(rows, ["_topic", "_partition", "_offset"]).ok_or_else(other_columns)?;
    Ok(places.zip(values.ok_or_else(other_columns)?.iter()))
}

fn other_columns() -> Error {
    Error::new(ErrorKind::Internal, "verify", "the source gave other columns")
}

fn left_over(places: &Bag<Place>, what: &str, report: &mut Report) {
    for (place, count) in places.iter().filter(|(_, count)| **count > 0) {
        report.violate(format!("{}: {what}, {count} times", name(place)));
    }
}

fn name((topic, partition, offset): &Place) -> String {
    format!("{topic}/{partition} offset {offset}")
}
