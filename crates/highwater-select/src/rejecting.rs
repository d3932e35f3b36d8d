//! Rows that cannot be computed, as a side output.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use highwater_core::{
    Batch, Context, Error, ErrorKind, Name, Resolved, Result, StreamInfo, Unread,
};

use crate::compute::Fault;

/// The side output of a step: the columns of its input, and a `reason`.
#[derive(Clone, Debug)]
pub(crate) struct Rejecting {
    schema: SchemaRef,
}

impl Rejecting {
    /// For rows of `input`.
    pub(crate) fn new(input: &Schema) -> Self {
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("reason", DataType::Utf8, false)));
        Self { schema: Arc::new(Schema::new(fields)) }
    }

    /// The same step with this side output, whose rows somebody has to take.
    pub(crate) fn declared(&self, step: Resolved) -> Result<Resolved> {
        let name: Name =
            "rejected".parse().map_err(|error| Error::new(ErrorKind::Internal, "select", error))?;
        Ok(step.with_side(name, StreamInfo::new(Arc::clone(&self.schema)), Unread::Stops))
    }

    /// Emits the rows that cannot be computed, and gives the others.
    pub(crate) fn split(
        &self,
        batch: &Batch,
        faults: &[Fault],
        cx: &mut Context<'_>,
    ) -> Result<Batch> {
        if faults.is_empty() {
            return Ok(batch.clone());
        }
        let (sound, rejected) = self.parts(batch, faults).map_err(crate::SelectError::from)?;
        cx.emit_side(0, rejected)?;
        Ok(sound)
    }

    fn parts(&self, batch: &Batch, faults: &[Fault]) -> Result<(Batch, Batch), ArrowError> {
        let rows = UInt32Array::from_iter_values(faults.iter().map(|(row, _)| *row));
        let taken = batch.take(&rows)?;
        let mut columns = taken.rows.columns().to_vec();
        let reasons = faults.iter().map(|(_, reason)| reason);
        columns.push(Arc::new(StringArray::from_iter_values(reasons)) as ArrayRef);
        let rejected = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;

        let mut keep = vec![true; batch.len()];
        for (row, _) in faults {
            if let Some(keep) = usize::try_from(*row).ok().and_then(|row| keep.get_mut(row)) {
                *keep = false;
            }
        }
        Ok((batch.filter(&BooleanArray::from(keep))?, taken.with_columns(rejected)))
    }
}
