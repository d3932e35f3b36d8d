//! Where a row came from, as columns of its own.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::{Error, ErrorKind, Partition, Result};

/// Adds `_topic` (text), `_partition` (i32) and `_offset` (i64) behind the columns of rows.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use highwater_core::arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_core::{Partition, SourceColumns};
///
/// let id: ArrayRef = Arc::new(Int64Array::from_iter_values([7, 8]));
/// let rows = RecordBatch::try_from_iter([("id", id)])?;
/// let columns = SourceColumns::new(&rows.schema(), Partition::new("orders", 3));
/// let rows = columns.add(&rows, [100, 102])?;
/// let names: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
/// assert_eq!(names, ["id", "_topic", "_partition", "_offset"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SourceColumns {
    partition: Partition,
    schema: SchemaRef,
}

impl SourceColumns {
    /// Adds the columns to rows of `schema` that are read from `partition`.
    pub fn new(schema: &Schema, partition: Partition) -> Self {
        Self { partition, schema: Self::behind(schema) }
    }

    /// `schema` with the columns behind its own.
    pub fn behind(schema: &Schema) -> SchemaRef {
        let source = [
            Field::new("_topic", DataType::Utf8, false),
            Field::new("_partition", DataType::Int32, false),
            Field::new("_offset", DataType::Int64, false),
        ];
        let fields: Vec<_> = schema.fields().iter().cloned().chain(source.map(Arc::new)).collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// `rows` with the columns behind their own; `offsets` has one entry for each row.
    ///
    /// # Errors
    /// `Internal` when the rows have other columns, or there is not one offset for each.
    pub fn add(
        &self,
        rows: &RecordBatch,
        offsets: impl IntoIterator<Item = i64>,
    ) -> Result<RecordBatch> {
        let count = rows.num_rows();
        let topics = std::iter::repeat_n(&self.partition.stream, count);
        let source: [ArrayRef; 3] = [
            Arc::new(StringArray::from_iter_values(topics)),
            Arc::new(Int32Array::from_value(self.partition.index, count)),
            Arc::new(Int64Array::from_iter_values(offsets)),
        ];
        let columns = rows.columns().iter().cloned().chain(source).collect();
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)
            .map_err(|error| Error::new(ErrorKind::Internal, "core", error))
    }
}
