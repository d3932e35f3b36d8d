//! Divides rows among partitions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, make_array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::place::directory;
use crate::error::Cause;
use crate::value::partition_value;

/// Divides rows by the values of the partition columns.
#[derive(Debug)]
pub(crate) struct Splitter {
    /// Each partition column, and where it is; nowhere when the rows do not have it.
    columns: Vec<(String, Option<usize>)>,
    converter: Option<RowConverter>,
}

/// Rows of one partition, without its columns.
#[derive(Debug)]
pub(crate) struct Group {
    /// What tells the partition from others.
    pub(crate) key: Vec<u8>,
    pub(crate) rows: RecordBatch,
    pub(crate) partition: Partition,
}

/// The values of a partition, and its directory below the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) values: Vec<Option<String>>,
    pub(crate) directory: String,
}

impl Splitter {
    /// By `columns`, of those in `schema`.
    pub(crate) fn new(schema: &Schema, columns: &[String]) -> Self {
        let column = |name: &String| (name.clone(), schema.index_of(name).ok());
        Self { columns: columns.iter().map(column).collect(), converter: None }
    }

    /// The columns of files, in the order of the rows, with nothing said of them but name, type and
    /// whether they may be null.
    pub(crate) fn file_schema(&self, schema: &Schema) -> SchemaRef {
        let plain = |field: &Arc<Field>| {
            Field::new(field.name(), field.data_type().clone(), field.is_nullable())
        };
        let kept = schema.fields().iter().enumerate();
        let kept = kept.filter(|(at, _)| !self.divides_by(*at)).map(|(_, field)| plain(field));
        Arc::new(Schema::new(kept.collect::<Vec<_>>()))
    }

    fn divides_by(&self, at: usize) -> bool {
        self.columns.iter().any(|(_, place)| *place == Some(at))
    }

    /// Divides `rows`, by partition in the order in which these are met.
    pub(crate) fn divide(&mut self, rows: &RecordBatch) -> Result<Vec<Group>, Cause> {
        if self.columns.is_empty() {
            let (key, partition) = Default::default();
            return Ok(vec![Group { key, rows: rows.clone(), partition }]);
        }
        let files: Vec<usize> =
            (0..rows.num_columns()).filter(|at| !self.divides_by(*at)).collect();
        let files = rows.project(&files)?;
        let columns = self.partition_columns(rows)?;
        if columns.is_empty() {
            let (key, partition) = (Vec::new(), self.partition(&columns, 0));
            return Ok(vec![Group { key, rows: files, partition }]);
        }
        let mut found: Vec<(Vec<u8>, Vec<u32>)> = Vec::new();
        {
            let keys = self.converter(&columns)?.convert_columns(&columns)?;
            let mut at: HashMap<&[u8], usize> = HashMap::new();
            for (row, number) in (0..rows.num_rows()).zip(0_u32..) {
                let key = keys.row(row).data();
                let group = *at.entry(key).or_insert_with(|| {
                    found.push((key.to_vec(), Vec::new()));
                    found.len() - 1
                });
                if let Some((_, members)) = found.get_mut(group) {
                    members.push(number);
                }
            }
        }
        let alone = found.len() == 1;
        let group = |(key, members): (Vec<u8>, Vec<u32>)| {
            let first = members.first().map_or(0, |first| *first as usize);
            let members = UInt32Array::from(members);
            let rows = if alone { files.clone() } else { take_record_batch(&files, &members)? };
            Ok::<_, ArrowError>(Group { key, rows, partition: self.partition(&columns, first) })
        };
        Ok(found.into_iter().map(group).collect::<Result<_, _>>()?)
    }

    /// The partition columns that the rows have. Empty text is null, so that both are one
    /// partition.
    fn partition_columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, Cause> {
        let there = self.columns.iter().filter_map(|(_, place)| rows.columns().get((*place)?));
        there.map(without_empty).collect()
    }

    fn converter(&mut self, columns: &[ArrayRef]) -> Result<&RowConverter, ArrowError> {
        let converter = match self.converter.take() {
            Some(converter) => converter,
            None => {
                let kind = |column: &ArrayRef| SortField::new(column.data_type().clone());
                RowConverter::new(columns.iter().map(kind).collect())?
            }
        };
        Ok(self.converter.insert(converter))
    }

    fn partition(&self, columns: &[ArrayRef], row: usize) -> Partition {
        let mut columns = columns.iter();
        let mut value = |place: &Option<usize>| {
            place.and_then(|_| columns.next()).and_then(|column| partition_value(column, row))
        };
        let values: Vec<_> = self.columns.iter().map(|(_, place)| value(place)).collect();
        let parts = self.columns.iter().zip(&values);
        let parts = parts.map(|((name, _), value)| (name.as_str(), value.as_deref()));
        Partition { directory: directory(parts), values }
    }
}

/// The same column with nulls for empty text.
pub(super) fn without_empty(column: &ArrayRef) -> Result<ArrayRef, Cause> {
    if !matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Ok(Arc::clone(column));
    }
    let there = (0..column.len()).map(|row| partition_value(column, row).is_some());
    let nulls = arrow::buffer::NullBuffer::from_iter(there);
    Ok(make_array(column.to_data().into_builder().nulls(Some(nulls)).build()?))
}

#[cfg(test)]
mod tests;
