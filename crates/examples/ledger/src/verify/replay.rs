//! The source read again, record by record, and compared with the tables.

use std::collections::HashSet;

use arrow::array::{AsArray, RecordBatch};
use futures::TryStreamExt as _;
use highwater_cli::TableContents;
use highwater_cli::verify::{Place, places_of, read_ranges, take_one};
use highwater_codec::Semantics;
use highwater_core::{Error, ErrorKind, Limits, Positions, Result, Source};

use super::judge::judge;
use super::report::{Against, Report};
use super::tables::{Tables, print_of, print_of_place, prints_of};

/// How many records are in memory at once.
const RECORDS_AT_ONCE: u64 = 100_000;

/// Compares the tables with their source, read from its start as far as the tables have come. What
/// stays in `tables` has no record.
///
/// By strict rules rows are compared with what they should be. Those of Spark are nowhere else than in
/// the codec: by them only places are compared, so the ledger must tell them.
pub(super) async fn compare(
    source: &dyn Source,
    semantics: Semantics,
    written: &[TableContents],
    tables: &mut Tables,
    report: &mut Report,
) -> Result<()> {
    if semantics == Semantics::Spark {
        told_by_places(tables)?;
    }
    let until = report.furthest();
    if until.is_empty() && report.has_epochs() {
        let what = "the tables do not say how far they have come: the plans of their last epochs do \
                    not fit into a marker";
        return Err(Error::new(ErrorKind::Refused, "verify", what)
            .advise("leave --against out, or run the next epochs with fewer files in each"));
    }
    // A source that does not know these positions says so before anything is compared.
    source.plan(&until, Some(&until), &Limits::default()).await?;
    let mut limits = Limits::default();
    limits.records = RECORDS_AT_ONCE;
    let duplicates = tables.twice.as_ref().map(|_| 0);
    let mut against = Against { duplicates, ..Against::default() };
    let mut from = Positions::default();
    loop {
        let planned = source.plan(&from, Some(&until), &limits).await?;
        if planned.ranges.is_empty() {
            break;
        }
        let decoded = read_ranges(source, &planned.ranges).await?;
        for rows in &decoded.rows {
            take_out(rows, semantics, tables, &mut against, report)?;
        }
        for rejected in &decoded.rejected {
            take_rejected(rejected, tables, &mut against, report)?;
        }
        from = from.after(&planned.ranges);
    }
    report.compared(against);
    rejected_left_over(tables, report);
    match semantics {
        Semantics::Strict => left_over(written, tables, report).await,
        Semantics::Spark => {
            let left = tables.places.as_ref().map_or(0, HashSet::len);
            if left > 0 {
                report.violate(format!("{left} rows came from places that have no record"));
            }
            Ok(())
        }
    }
}

/// Refuses to compare what places alone do not tell.
fn told_by_places(tables: &Tables) -> Result<()> {
    let refused = |what| Error::new(ErrorKind::Refused, "verify", what);
    if tables.twice.is_some() {
        let what = "by the rules of Spark rows are told by their places, and duplicates have none";
        return Err(refused(what).advise("leave --against out"));
    }
    if tables.places.is_none() {
        let what = "by the rules of Spark rows are told by their places, which the ledger lacks";
        return Err(
            refused(what).advise("leave --against out, or run the ledger with --source-columns")
        );
    }
    Ok(())
}

/// Takes what the source itself rejects, such as the end of a damaged file, out of `tables`.
fn take_rejected(
    rejected: &RecordBatch,
    tables: &mut Tables,
    against: &mut Against,
    report: &mut Report,
) -> Result<()> {
    let places = places_of(rejected, ["topic", "partition", "offset"]).ok_or_else(other_columns)?;
    for place in places {
        against.records += 1;
        against.rejected += 1;
        if !take_one(tables.rejected.get_mut(&place)) {
            report.violate(format!("{}: is not among the rejected", name(&place)));
        }
    }
    Ok(())
}

fn other_columns() -> Error {
    Error::new(ErrorKind::Internal, "verify", "the source gave other columns")
}

/// Takes what should have become of each record out of `tables`.
fn take_out(
    rows: &RecordBatch,
    semantics: Semantics,
    tables: &mut Tables,
    against: &mut Against,
    report: &mut Report,
) -> Result<()> {
    let values = rows.column_by_name("value").and_then(|values| values.as_binary_opt::<i32>());
    let places = places_of(rows, ["_topic", "_partition", "_offset"]).ok_or_else(other_columns)?;
    for (value, place) in values.ok_or_else(other_columns)?.iter().zip(places) {
        against.records += 1;
        if semantics == Semantics::Spark {
            take_place(&place, tables, against, report);
            continue;
        }
        match judge(value) {
            Some(row) => {
                let time = tables.twice.as_ref().map(|_| row.micros);
                let print = print_of(&row.id, &row.hash, row.cents, time);
                if take_one(tables.contents.get_mut(&print)) {
                    against.rows += 1;
                } else if tables.twice.as_ref().is_some_and(|twice| twice.excuses(&row)) {
                    against.duplicates = against.duplicates.map(|count| count + 1);
                } else {
                    against.rows += 1;
                    report.violate(format!("{}: {} is not in the ledger", name(&place), row.id));
                }
            }
            None => {
                against.rejected += 1;
                if !take_one(tables.rejected.get_mut(&place)) {
                    report.violate(format!("{}: is not among the rejected", name(&place)));
                }
            }
        }
    }
    Ok(())
}

/// Takes a place out of those that rows or rejected records came from.
fn take_place(place: &Place, tables: &mut Tables, against: &mut Against, report: &mut Report) {
    if take_one(tables.rejected.get_mut(place)) {
        against.rejected += 1;
    } else if tables.places.as_mut().is_some_and(|it| it.remove(&print_of_place(place))) {
        against.rows += 1;
    } else {
        report.violate(format!("{}: is neither in the ledger nor rejected", name(place)));
    }
}

fn name((topic, partition, offset): &Place) -> String {
    format!("{topic}/{partition} offset {offset}")
}

fn rejected_left_over(tables: &Tables, report: &mut Report) {
    for (place, count) in &tables.rejected {
        for _ in 0..*count {
            report.violate(format!("{}: should not be rejected", name(place)));
        }
    }
}

/// Names what is in the tables and has no record in the source.
async fn left_over(
    written: &[TableContents],
    tables: &mut Tables,
    report: &mut Report,
) -> Result<()> {
    if tables.contents.values().all(|count| *count == 0) {
        return Ok(());
    }
    for table in written {
        let mut batches = table.rows().await?;
        while let Some(rows) = batches.try_next().await? {
            let ids =
                rows.column_by_name("transaction_id").and_then(|it| it.as_string_opt::<i32>());
            let Some((ids, prints)) = ids.zip(prints_of(&rows, tables.twice.is_some())) else {
                continue;
            };
            for (id, print) in ids.iter().zip(prints) {
                if take_one(tables.contents.get_mut(&print)) {
                    let id = id.unwrap_or_default();
                    report.violate(format!("{id} is in the ledger once more than in the source"));
                }
            }
        }
    }
    Ok(())
}
