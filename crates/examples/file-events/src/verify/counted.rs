//! Events that are summed up: a naive GROUP BY over the source, and what the table holds of it.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use highwater_cli::TableContents;
use highwater_core::{Clock as _, Result};
use highwater_pipeline::SystemClock;

use super::judge::Event;
use super::report::Report;
use super::tables::{batches, other_columns};
use crate::DELAY;
use crate::query::Windows;

/// A group of a window: its start in microseconds, and the value of its key.
type Group = (i64, String);

/// What is expected of the windows of the events that were taken.
#[derive(Debug)]
pub(super) struct Counted {
    windows: Windows,
    groups: BTreeMap<Group, Sums>,
    /// The latest time in each partition of the source; of a directory, which is one, under no name.
    latest: BTreeMap<Option<(String, i32)>, i64>,
    /// Times beyond this one do not move event time.
    credible: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: i64,
    values: f64,
}

impl Counted {
    pub(super) fn new(windows: Windows) -> Self {
        let credible = SystemClock.now().0.saturating_add(micros(Duration::from_hours(1)));
        Self { windows, groups: BTreeMap::new(), latest: BTreeMap::new(), credible }
    }

    /// Adds an event of the source to its windows, unless it came too late for all of them.
    pub(super) fn take(&mut self, partition: Option<(String, i32)>, event: &Event, late: bool) {
        let latest = self.latest.entry(partition).or_insert(i64::MIN);
        if event.micros <= self.credible {
            *latest = event.micros.max(*latest);
        }
        if late {
            return;
        }
        let (size, slide) = (micros(self.windows.size), micros(self.windows.slide));
        let key = match self.windows.key {
            "user_id" => event.user.to_string(),
            _ => event.kind.clone(),
        };
        let mut start = event.micros.div_euclid(slide) * slide;
        while start > event.micros - size {
            let sums = self.groups.entry((start, key.clone())).or_default();
            sums.count += 1;
            sums.values += f64::from_bits(event.value);
            start -= slide;
        }
    }

    /// Compares the table with the windows: none may be there twice or with other sums, and those that event
    /// time has passed must be there; the `open` ones too, if they were written.
    pub(super) async fn compare(
        mut self,
        table: &TableContents,
        open: bool,
        report: &mut Report,
    ) -> Result<()> {
        let passed = self.latest.values().min().map_or(i64::MIN, |latest| {
            if open { i64::MAX } else { latest.saturating_sub(micros(DELAY)) }
        });
        let size = micros(self.windows.size);
        for rows in batches(table).await? {
            for (group, end, found) in
                self.rows_of(&rows).ok_or_else(|| other_columns("the table"))?
            {
                report.rows += 1;
                let expected = self.groups.remove(&group);
                let fits = expected.is_some_and(|sums| found.fits(sums, self.windows.average));
                if !fits || end != group.0 + size {
                    let named = named(&group);
                    report.violate(format!("{named} has {found:?} and should have {expected:?}"));
                }
            }
        }
        for (group, sums) in self.groups {
            if group.0 + size <= passed {
                report.violate(format!("{} is not in the table: {sums:?}", named(&group)));
            }
        }
        Ok(())
    }

    /// The groups in rows of the table, with the ends of their windows.
    fn rows_of(&self, rows: &RecordBatch) -> Option<Vec<(Group, i64, Sums)>> {
        let window = rows.column_by_name("window")?.as_struct_opt()?;
        let time = |name: &str| {
            window.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()
        };
        let (starts, ends) = (time("start")?, time("end")?);
        let keys = rows.column_by_name(self.windows.key)?;
        let key = |row: usize| match keys.data_type() {
            DataType::Int64 => Some(keys.as_primitive_opt::<Int64Type>()?.value(row).to_string()),
            _ => Some(keys.as_string_opt::<i32>()?.value(row).to_owned()),
        };
        let counts = rows.column_by_name(self.windows.count)?.as_primitive_opt::<Int64Type>()?;
        let averages = match self.windows.average {
            Some(name) => Some(rows.column_by_name(name)?.as_primitive_opt::<Float64Type>()?),
            None => None,
        };
        let group = |row: usize| {
            let count = counts.value(row);
            let values = averages.map_or(0.0, |it| it.value(row) * double(count));
            let sums = Sums { count, values };
            Some(((starts.value(row), key(row)?), ends.value(row), sums))
        };
        (0..rows.num_rows()).map(group).collect()
    }
}

impl Sums {
    /// Whether these are the same, as far as the order of additions lets sums of floats be.
    fn fits(self, expected: Self, average: Option<&str>) -> bool {
        let close = (self.values - expected.values).abs() <= 1e-9 * expected.values.abs().max(1.0);
        self.count == expected.count && (average.is_none() || close)
    }
}

fn named((start, key): &Group) -> String {
    format!("the window of {key} from {start}")
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn double(count: i64) -> f64 {
    count as f64
}
