//! The rows that are kept: their times by key, in buckets as wide as the bound.
//!
//! A key has at most one row in a bucket, since two would be duplicates. What is close to a row lies
//! in its own bucket or in a neighbour of that.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use highwater_core::{Batch, Error, ErrorKind, Name, Result, StateReader, StateWriter, Timestamp};
use highwater_state::{Keys, Table, TableSpec};

use crate::DedupeError;

/// The times of kept rows.
pub(crate) struct Kept {
    table: Table,
    /// In microseconds.
    within: i64,
    /// The buckets to which this epoch has added.
    fresh: BTreeSet<i64>,
}

/// The times of the rows of a batch, with their keys.
type Timed<'a> = (&'a Keys, &'a TimestampMicrosecondArray);

impl Kept {
    /// What is kept of rows of `schema` by some of its columns.
    ///
    /// # Errors
    /// `Invalid` when a column cannot be a key.
    pub(crate) fn spec(schema: &Schema, keys: &[usize], within: i64) -> Result<TableSpec> {
        let table: Name =
            "kept".parse().map_err(|error| Error::new(ErrorKind::Internal, "dedupe", error))?;
        let keys = keys.iter().filter_map(|key| schema.fields().get(*key));
        let keys = keys.map(|field| field.as_ref().clone()).collect();
        let time = Field::new(TIME, DataType::Int64, false);
        let spec = TableSpec::new(table, keys, vec![time]).with_time(TIME, within);
        Table::try_new(spec.clone())?;
        Ok(spec)
    }

    pub(crate) fn try_new(spec: TableSpec, within: i64) -> Result<Self> {
        Ok(Self { table: Table::try_new(spec)?, within, fresh: BTreeSet::new() })
    }

    /// The keys of a batch, which stand in these columns.
    pub(crate) fn keys(&mut self, batch: &Batch, columns: &[usize]) -> Result<Keys> {
        let column = |place: &usize| batch.rows.columns().get(*place).cloned();
        let columns: Option<Vec<ArrayRef>> = columns.iter().map(column).collect();
        Ok(self.table.keys(&columns.ok_or(DedupeError::Columns)?)?)
    }

    /// Marks the rows that are close to one that is kept in a neighbour of their bucket. What is kept in the
    /// bucket itself, [`keep`](Self::keep) meets: to look there twice would take a third of all time.
    pub(crate) fn close(
        &mut self,
        keys: &Keys,
        times: &TimestampMicrosecondArray,
    ) -> Result<Vec<bool>> {
        let mut close = vec![false; times.len()];
        for (bucket, rows) in self.table.split(keys, Some(times.values())) {
            for near in neighbours(bucket) {
                self.mark_close(&mut close, (keys, times), near, &rows)?;
            }
        }
        Ok(close)
    }

    /// Keeps the rows that are not marked, in their order, and marks those that are close to one that is
    /// kept. Those that are [close](Self::close) to one of earlier epochs must be marked. Rows without a time
    /// are neither kept nor marked.
    ///
    /// A run of rows is kept at once: the neighbours of its bucket stay as they are meanwhile, and in the
    /// bucket itself only the first of a key is new.
    pub(crate) fn keep(
        &mut self,
        keys: &Keys,
        times: &TimestampMicrosecondArray,
        again: &mut [bool],
    ) -> Result<()> {
        for (bucket, mut rows) in runs(times, self.within) {
            let fresh = neighbours(bucket).filter(|near| self.fresh.contains(near));
            for near in fresh.collect::<Vec<_>>() {
                self.mark_close(again, (keys, times), near, &rows)?;
            }
            rows.retain(|row| again.get(*row as usize) == Some(&false));
            let found = self.table.upsert(keys, bucket, &rows)?;
            let mut kept = self.table.update(bucket, &[])?;
            let kept = kept.column::<Int64Type>(KEPT)?;
            for ((row, slot), new) in rows.iter().zip(found.slots()).zip(found.is_new()) {
                let both = kept.get_mut(*slot as usize).zip(times.values().get(*row as usize));
                match both.filter(|_| *new) {
                    Some((kept, time)) => *kept = *time,
                    None => mark(again, *row),
                }
            }
            self.fresh.insert(bucket);
        }
        Ok(())
    }

    /// Ends an epoch: lets go of what is close to no row that may still come.
    pub(crate) fn end_epoch(&mut self, watermark: Timestamp) -> Result<()> {
        self.fresh.clear();
        Ok(self.table.forget(needed_from(watermark, self.within))?)
    }

    pub(crate) fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        Ok(self.table.save(state)?)
    }

    pub(crate) fn restore(&mut self, state: &StateReader) -> Result<()> {
        Ok(self.table.restore(state)?)
    }

    /// Marks those of `rows` that are close to a kept one in a bucket.
    fn mark_close(
        &mut self,
        marks: &mut [bool],
        (keys, times): Timed<'_>,
        bucket: i64,
        rows: &[u32],
    ) -> Result<()> {
        let hits = self.table.probe(keys, bucket..=bucket, rows)?;
        let Some(kept) = self.table.rows(bucket) else { return Ok(()) };
        let kept = kept.column::<Int64Type>(KEPT)?;
        for hit in hits.iter().filter(|hit| times.is_valid(hit.row as usize)) {
            let both = kept.get(hit.slot as usize).zip(times.values().get(hit.row as usize));
            if both.is_some_and(|(kept, time)| is_close(*kept, *time, self.within)) {
                mark(marks, hit.row);
            }
        }
        Ok(())
    }
}

/// The buckets beside one.
fn neighbours(bucket: i64) -> impl Iterator<Item = i64> {
    bucket.checked_sub(1).into_iter().chain(bucket.checked_add(1))
}

fn is_close(one: i64, other: i64, within: i64) -> bool {
    one.abs_diff(other) < within.unsigned_abs()
}

fn mark(marks: &mut [bool], row: u32) {
    if let Some(mark) = marks.get_mut(row as usize) {
        *mark = true;
    }
}

/// The rows that have a time, in their order, and in runs that lie in one bucket each.
fn runs(times: &TimestampMicrosecondArray, within: i64) -> Vec<(i64, Vec<u32>)> {
    let mut runs: Vec<(i64, Vec<u32>)> = Vec::new();
    for (row, time) in (0..).zip(times) {
        let Some(bucket) = time.map(|time| time.div_euclid(within)) else { continue };
        match runs.last_mut() {
            Some((last, rows)) if *last == bucket => rows.push(row),
            _ => runs.push((bucket, vec![row])),
        }
    }
    runs
}

/// The first time that may be close to a row behind the watermark; those that come are, or are late.
fn needed_from(watermark: Timestamp, within: i64) -> i64 {
    match watermark.0.checked_add(1) {
        Some(next) => next.checked_sub(within - 1).unwrap_or(i64::MIN),
        None => i64::MAX,
    }
}

/// The name of the only value, and its number. A key may well have a column `time`.
const TIME: &str = "__time";
const KEPT: usize = 0;
