//! Which ids are in the ledger when, to tell what may be missing and what must not be there twice.

use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use futures::TryStreamExt as _;
use highwater_cli::TableContents;
use highwater_core::Result;

use super::judge::Expected;
use super::report::Report;
use super::tables::{Print, other_columns, print_of_id};

/// The ids of a ledger that has none twice within a bound, each with its event time.
#[derive(Debug)]
pub(super) struct Twice {
    /// In microseconds.
    within: u128,
    /// In order.
    times: Vec<(Print, i64)>,
}

impl Twice {
    /// Reads a ledger.
    pub(super) async fn read(ledger: &TableContents, within: Duration) -> Result<Self> {
        let mut times = Vec::new();
        let mut batches = ledger.rows().await?;
        while let Some(rows) = batches.try_next().await? {
            add(&rows, &mut times).ok_or_else(|| other_columns("the ledger"))?;
        }
        times.sort_unstable();
        Ok(Self { within: within.as_micros(), times })
    }

    /// Notes the rows that should have been taken out. What is twice is so between neighbours too.
    pub(super) fn check(&self, report: &mut Report) {
        let pairs = self.times.iter().zip(self.times.iter().skip(1));
        let twice =
            pairs.filter(|((id, time), (next, later))| id == next && self.is_close(*time, *later));
        report.count(twice.count() as u64, "rows have the id of another within the bound");
    }

    /// Whether a record may be missing: a row of its id is there, close enough.
    pub(super) fn excuses(&self, record: &Expected) -> bool {
        let id = print_of_id(&record.id);
        let from = self.times.partition_point(|(of, time)| {
            *of < id || *of == id && *time < record.micros && !self.is_close(*time, record.micros)
        });
        let found = self.times.get(from);
        found.is_some_and(|(of, time)| *of == id && self.is_close(*time, record.micros))
    }

    fn is_close(&self, time: i64, other: i64) -> bool {
        u128::from(time.abs_diff(other)) < self.within
    }
}

/// Rows without a time or an id are never taken out.
fn add(rows: &RecordBatch, to: &mut Vec<(Print, i64)>) -> Option<()> {
    let ids = rows.column_by_name("transaction_id")?.as_string_opt::<i32>()?;
    let times = rows.column_by_name("event_timestamp")?;
    let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
    to.extend(ids.iter().zip(times).filter_map(|(id, time)| Some((print_of_id(id?), time?))));
    Some(())
}
