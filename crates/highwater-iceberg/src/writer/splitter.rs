//! Divides rows among partitions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, UInt32Array, make_array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take_record_batch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use highwater_parquet::{Bound, partition_directory};

use crate::error::Cause;
use crate::format::{Transformation, value_at};
use crate::target::{FieldId, PartitionTarget, path_to};

/// Divides rows by the values of the partition columns.
#[derive(Debug)]
pub(crate) struct Splitter {
    columns: Vec<PartitionColumn>,
    converter: Option<RowConverter>,
}

#[derive(Debug)]
struct PartitionColumn {
    name: String,
    value: Derived,
}

/// A column that is made from one of the rows by a transform.
#[derive(Debug)]
pub(crate) struct Derived {
    /// Where the column is; none when the rows do not have it.
    path: Option<Vec<usize>>,
    transformation: Transformation,
}

/// The rows of a batch, by partition in the order in which these are met.
#[derive(Debug)]
pub(crate) struct Divided {
    /// The partition columns of all of them.
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) groups: Vec<Group>,
}

/// The rows of one partition.
#[derive(Debug)]
pub(crate) struct Group {
    /// What tells it from other partitions.
    pub(crate) key: Vec<u8>,
    pub(crate) rows: RecordBatch,
    /// The first of them, in the batch that was divided.
    pub(crate) first: usize,
}

/// The values of a partition, and its directory below the data files.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Partition {
    pub(crate) values: Vec<Option<Bound>>,
    pub(crate) directory: String,
}

impl Derived {
    /// The column of the id `source` among `fields` by `transform`; none when there is no such transform.
    pub(crate) fn try_new(fields: &[FieldId], source: i32, transform: &str) -> Option<Self> {
        let path = path_to(fields, source);
        Some(Self { path, transformation: Transformation::parse(transform)? })
    }

    pub(crate) fn of(&self, rows: &RecordBatch) -> Result<ArrayRef, Cause> {
        match self.path.as_deref().and_then(|path| column_at(rows, path)) {
            Some(column) => self.transformation.apply(&column?),
            // A column that is not written is null to every reader.
            None => Ok(new_null_array(&DataType::Null, rows.num_rows())),
        }
    }
}

impl Splitter {
    /// By the partition spec of a target; none when it has a transform that there is not.
    pub(crate) fn try_new(fields: &[FieldId], spec: &[PartitionTarget]) -> Option<Self> {
        let column = |field: &PartitionTarget| {
            let value = Derived::try_new(fields, field.source, &field.transform)?;
            Some(PartitionColumn { name: field.name.clone(), value })
        };
        let columns = spec.iter().map(column).collect::<Option<_>>()?;
        Some(Self { columns, converter: None })
    }

    /// Divides `rows`. Without partition columns all of them are one group.
    pub(crate) fn divide(&mut self, rows: RecordBatch) -> Result<Divided, Cause> {
        if self.columns.is_empty() {
            let all = Group { key: Vec::new(), rows, first: 0 };
            return Ok(Divided { columns: Vec::new(), groups: vec![all] });
        }
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|column| column.value.of(&rows)).collect::<Result<_, _>>()?;
        let converter = match &mut self.converter {
            Some(converter) => converter,
            None => {
                let kind = |column: &ArrayRef| SortField::new(column.data_type().clone());
                self.converter.insert(RowConverter::new(columns.iter().map(kind).collect())?)
            }
        };
        let keys = converter.convert_columns(&columns)?;
        let mut found: Vec<(Vec<u8>, Vec<u32>)> = Vec::new();
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
        let alone = found.len() == 1;
        let group = |(key, members): (Vec<u8>, Vec<u32>)| {
            let first = members.first().map_or(0, |first| *first as usize);
            let members = UInt32Array::from(members);
            let taken = if alone { rows.clone() } else { take_record_batch(&rows, &members)? };
            Ok::<_, ArrowError>(Group { key, rows: taken, first })
        };
        Ok(Divided { groups: found.into_iter().map(group).collect::<Result<_, _>>()?, columns })
    }

    /// The partition that row `first` of the partition columns is in.
    pub(crate) fn partition(&self, columns: &[ArrayRef], first: usize) -> Partition {
        let values: Vec<_> = columns.iter().map(|column| value_at(column, first)).collect();
        let directory =
            |((column, array), value): ((&PartitionColumn, &ArrayRef), &Option<Bound>)| {
                let text = column.value.transformation.text(array.data_type(), value.as_ref());
                partition_directory(&column.name, &text)
            };
        let parts: Vec<_> = self.columns.iter().zip(columns).zip(&values).map(directory).collect();
        Partition { directory: parts.join("/"), values }
    }
}

/// The column at `path`, null where a struct around it is null; none when there is no such column.
fn column_at(rows: &RecordBatch, path: &[usize]) -> Option<Result<ArrayRef, Cause>> {
    let (first, below) = path.split_first()?;
    let mut column = Arc::clone(rows.columns().get(*first)?);
    for at in below {
        let around = column.as_struct_opt()?;
        let child = around.columns().get(*at)?;
        let nulls = NullBuffer::union(around.nulls(), child.nulls());
        let data = child.to_data().into_builder().nulls(nulls).build();
        column = match data {
            Ok(data) => make_array(data),
            Err(error) => return Some(Err(error.into())),
        };
    }
    Some(Ok(column))
}

#[cfg(test)]
mod tests;
