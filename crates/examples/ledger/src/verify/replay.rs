//! The source read again, record by record, and compared with the tables.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use futures::{StreamExt as _, TryStreamExt as _};
use highwater_core::{
    Decoded, Error, ErrorKind, Limits, Positions, Range, RangeId, Result, Source,
};
use highwater_iceberg::IcebergTable;

use super::judge::judge;
use super::report::{Against, Report};
use super::tables::{Tables, places_of, print_of};

/// How many records are in memory at once.
const RECORDS_AT_ONCE: u64 = 100_000;

/// Compares the tables with their source, read from its start as far as the tables have come. What
/// stays in `tables` has no record.
pub(super) async fn compare(
    source: &dyn Source,
    ledger: &IcebergTable,
    tables: &mut Tables,
    report: &mut Report,
) -> Result<()> {
    let until = report.furthest();
    // A source that does not know these positions says so before anything is compared.
    source.plan(&until, Some(&until), &Limits::default()).await?;
    let mut limits = Limits::default();
    limits.records = RECORDS_AT_ONCE;
    let mut against = Against::default();
    let mut from = Positions::default();
    loop {
        let planned = source.plan(&from, Some(&until), &limits).await?;
        if planned.ranges.is_empty() {
            break;
        }
        for rows in read(source, &planned.ranges).await? {
            take_out(&rows, tables, &mut against, report)?;
        }
        from = from.after(&planned.ranges);
    }
    report.compared(against);
    left_over(ledger, tables, report).await
}

async fn read(source: &dyn Source, ranges: &[Range]) -> Result<Vec<RecordBatch>> {
    let mut decoders = Vec::new();
    for range in ranges {
        decoders.push((range.id, source.decoder(range)?));
    }
    let mut decoded = Decoded::default();
    let mut payloads = source.read(ranges.to_vec());
    while let Some(payload) = payloads.next().await {
        let (id, payload): (RangeId, _) = payload?;
        if let Some((_, decoder)) = decoders.iter_mut().find(|(range, _)| *range == id) {
            decoder.decode(payload, &mut decoded)?;
        }
    }
    for (_, decoder) in &mut decoders {
        decoder.finish(&mut decoded)?;
    }
    Ok(decoded.rows)
}

/// Takes what should have become of each record out of `tables`.
fn take_out(
    rows: &RecordBatch,
    tables: &mut Tables,
    against: &mut Against,
    report: &mut Report,
) -> Result<()> {
    let bug = || Error::new(ErrorKind::Internal, "verify", "the source gave other columns");
    let values = rows.column_by_name("value").and_then(|values| values.as_binary_opt::<i32>());
    let places = places_of(rows, ["_topic", "_partition", "_offset"]).ok_or_else(bug)?;
    for (value, place) in values.ok_or_else(bug)?.iter().zip(places) {
        against.records += 1;
        let name =
            |place: &(String, i32, i64)| format!("{}/{} offset {}", place.0, place.1, place.2);
        match judge(value) {
            Some(row) => {
                against.rows += 1;
                let print = print_of(&row.id, &row.hash, row.cents);
                if !take_one(tables.contents.get_mut(&print)) {
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

fn take_one(count: Option<&mut u64>) -> bool {
    match count {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

/// Names what is in the tables and has no record in the source.
async fn left_over(ledger: &IcebergTable, tables: &mut Tables, report: &mut Report) -> Result<()> {
    for ((topic, partition, offset), count) in &tables.rejected {
        for _ in 0..*count {
            report.violate(format!("{topic}/{partition} offset {offset}: should not be rejected"));
        }
    }
    if tables.contents.values().all(|count| *count == 0) {
        return Ok(());
    }
    let mut batches = ledger.rows().await?;
    while let Some(rows) = batches.try_next().await? {
        let cells = |name: &str| rows.column_by_name(name).and_then(|it| it.as_string_opt::<i32>());
        let amounts = rows.column_by_name("amount");
        let amounts = amounts.and_then(|it| it.as_primitive_opt::<Decimal128Type>());
        let (Some(ids), Some(hashes), Some(amounts)) =
            (cells("transaction_id"), cells("transaction_hash"), amounts)
        else {
            continue;
        };
        for ((id, hash), cents) in ids.iter().zip(hashes).zip(amounts) {
            let (id, hash) = (id.unwrap_or_default(), hash.unwrap_or_default());
            let print = print_of(id, hash, cents.unwrap_or(i128::MIN));
            if take_one(tables.contents.get_mut(&print)) {
                report.violate(format!("{id} is in the ledger once more than in the source"));
            }
        }
    }
    Ok(())
}
