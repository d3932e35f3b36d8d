//! Which values groups have: state of its own for each count of different ones.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Int64Type;
use highwater_core::{Batch, Result, StateReader, StateWriter};
use highwater_state::{Keys, Table, TableSpec};

use crate::WindowError;
use crate::groups::put;

/// What is known of a count of different values before there are any.
#[derive(Clone, Debug)]
pub(crate) struct DistinctSpec {
    /// The values of groups by pane: keys are the group, then the value.
    pub(crate) values: TableSpec,
    /// The number of the column of rows, and of that of groups that has the count.
    pub(crate) column: usize,
    pub(crate) count: usize,
}

/// The values of groups, by pane.
pub(crate) struct Distinct {
    spec: DistinctSpec,
    values: Table,
}

/// The keys of the values of a batch, and which rows have one.
pub(crate) struct Values {
    keys: Keys,
    valid: Option<Vec<bool>>,
}

impl Distinct {
    pub(crate) fn try_new(spec: &DistinctSpec) -> Result<Self> {
        Ok(Self { spec: spec.clone(), values: Table::try_new(spec.values.clone())? })
    }

    /// The values of a batch, given the columns of its groups.
    pub(crate) fn of(&mut self, groups: &[ArrayRef], batch: &Batch) -> Result<Values> {
        let column = batch.rows.columns().get(self.spec.column).ok_or(WindowError::Columns)?;
        let mut columns = groups.to_vec();
        columns.push(Arc::clone(column));
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let valid = nulls.map(|nulls| nulls.iter().collect());
        Ok(Values { keys: self.values.keys(&columns)?, valid })
    }

    /// Counts the values of rows that their groups of a pane have not had yet.
    pub(crate) fn add(
        &mut self,
        groups: &mut Table,
        (pane, begin): (i64, i64),
        (slots, rows): (&[u32], &[u32]),
        values: &Values,
    ) -> Result<()> {
        let there = |row: u32| {
            let valid = values.valid.as_ref();
            valid.is_none_or(|valid| valid.get(row as usize) == Some(&true))
        };
        let all = slots.iter().zip(rows).filter(|(_, row)| there(**row));
        let (slots, rows): (Vec<u32>, Vec<u32>) = all.unzip();
        if rows.is_empty() {
            return Ok(());
        }
        let found = put(&mut self.values, (pane, begin), &values.keys, &rows)?;
        let new = slots.iter().zip(found.is_new()).filter(|(_, new)| **new).map(|(slot, _)| *slot);
        self.count(groups, pane, &new.collect::<Vec<_>>())
    }

    /// Counts the values that groups of a window have in any of its panes.
    pub(crate) fn unite(
        &self,
        groups: &mut Table,
        window: i64,
        panes: RangeInclusive<i64>,
    ) -> Result<()> {
        groups.update(window, &[])?.column::<Int64Type>(self.spec.count)?.fill(0);
        let mut union = Table::try_new(self.spec.values.clone())?;
        for pane in panes {
            let mut scan = self.values.scan(pane);
            while let Some((keys, _)) = scan.next(&self.values)? {
                let all: Vec<u32> = (0..).take(keys.len()).collect();
                union.upsert(&keys, ANY_PANE, &all)?;
            }
        }
        while let Some(values) = union.expire(i64::MAX)? {
            // Behind the columns of the group: the value, and where its pane begins.
            let columns = values.columns().len().saturating_sub(2);
            let keys = groups.keys(values.columns().get(..columns).unwrap_or_default())?;
            let all: Vec<u32> = (0..).take(keys.len()).collect();
            let found = groups.probe(&keys, window..=window, &all)?;
            let slots: Vec<u32> = found.iter().map(|found| found.slot).collect();
            self.count(groups, window, &slots)?;
        }
        Ok(())
    }

    /// One more value for each slot.
    fn count(&self, groups: &mut Table, bucket: i64, slots: &[u32]) -> Result<()> {
        let mut groups = groups.update(bucket, slots)?;
        let counts = groups.column::<Int64Type>(self.spec.count)?;
        for slot in slots {
            if let Some(count) = counts.get_mut(*slot as usize) {
                *count += 1;
            }
        }
        Ok(())
    }

    /// Lets go of panes that begin before a time.
    pub(crate) fn forget(&mut self, before: i64) -> Result<()> {
        Ok(self.values.forget(before)?)
    }

    pub(crate) fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        Ok(self.values.save(state)?)
    }

    pub(crate) fn restore(&mut self, state: &StateReader) -> Result<()> {
        Ok(self.values.restore(state)?)
    }
}

/// The bucket of values that were united: that of time 0, at which all of them begin.
const ANY_PANE: i64 = 0;
