//! Sorts the rows of a file.

use arrow::array::RecordBatch;
use arrow::compute::{SortOptions, interleave_record_batch};
use arrow::row::{Row, RowConverter, Rows, SortField};

use super::splitter::Derived;
use crate::error::Cause;
use crate::target::{FieldId, SortTarget};

/// How many rows are put together at once.
const TOGETHER: usize = 8192;

/// Sorts rows by the order of a table; rows that are equal by it keep theirs.
#[derive(Debug)]
pub(crate) struct Sorter {
    columns: Vec<(Derived, SortOptions)>,
}

impl Sorter {
    /// By the sort order of a target; none when it has a transform that there is not.
    pub(crate) fn try_new(fields: &[FieldId], target: &SortTarget) -> Option<Self> {
        let columns = target.fields.iter().map(|field| {
            let options =
                SortOptions { descending: field.descending, nulls_first: field.nulls_first };
            Some((Derived::try_new(fields, field.source, &field.transform)?, options))
        });
        Some(Self { columns: columns.collect::<Option<_>>()? })
    }

    /// Passes all rows of `batches` on, in order and a few at a time.
    pub(crate) fn sort<E>(
        &self,
        batches: &[RecordBatch],
        mut pass: impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<Result<(), E>, Cause> {
        let keys = self.keys(batches)?;
        let mut order: Vec<(Row<'_>, (usize, usize))> = Vec::new();
        for (batch, keys) in keys.iter().enumerate() {
            order.extend(keys.iter().enumerate().map(|(row, key)| (key, (batch, row))));
        }
        order.sort_by_key(|(key, _)| *key);
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        for some in order.chunks(TOGETHER) {
            let places: Vec<(usize, usize)> = some.iter().map(|(_, place)| *place).collect();
            let passed = pass(interleave_record_batch(&batches, &places)?);
            if passed.is_err() {
                return Ok(passed);
            }
        }
        Ok(Ok(()))
    }

    /// Keys whose bytes are in the order of the rows.
    fn keys(&self, batches: &[RecordBatch]) -> Result<Vec<Rows>, Cause> {
        let mut converter: Option<RowConverter> = None;
        let mut keys = Vec::with_capacity(batches.len());
        for rows in batches {
            let columns = self.columns.iter().map(|(column, _)| column.of(rows));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let converter = match &mut converter {
                Some(converter) => converter,
                None => {
                    let kinds = columns.iter().zip(&self.columns).map(|(column, (_, options))| {
                        SortField::new_with_options(column.data_type().clone(), *options)
                    });
                    converter.insert(RowConverter::new(kinds.collect())?)
                }
            };
            keys.push(converter.convert_columns(&columns)?);
        }
        Ok(keys)
    }
}
