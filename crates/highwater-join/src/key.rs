//! Keys of a batch as words and bytes that can be compared.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int64Type, Schema, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use highwater_core::{KeyError, KeyGroups};

use crate::JoinError;

/// How keys of some columns are told apart. Those of a stream and of a table are, when the columns
/// have the same types.
#[derive(Debug)]
pub(crate) struct Keying {
    columns: Vec<usize>,
    /// None where a key is one number: the word says all.
    bytes: Option<(KeyGroups, RowConverter)>,
}

/// The keys of some rows.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Equal where keys are; different where they are, of numbers always and of others as a rule.
    pub(crate) words: Vec<u64>,
    /// Rows whose key has a null, which is equal to nothing.
    pub(crate) nulls: Option<NullBuffer>,
    /// What words leave open, unless it is kept elsewhere.
    pub(crate) bytes: Option<Rows>,
}

impl Keys {
    /// Whether no part of the key of a row is null.
    pub(crate) fn is_whole(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }
}

impl Keying {
    /// By these columns, which can be keys.
    pub(crate) fn try_new(schema: &Schema, keys: &[String]) -> Result<Self, KeyError> {
        let groups = KeyGroups::try_new(schema, keys)?;
        let found = keys.iter().filter_map(|key| schema.column_with_name(key));
        let (columns, types): (Vec<_>, Vec<_>) =
            found.map(|(place, field)| (place, field.data_type().clone())).unzip();
        let bytes = match &*types {
            [only] if is_number(only) => None,
            _ => {
                let fields = types.into_iter().map(SortField::new).collect();
                Some((groups, RowConverter::new(fields)?))
            }
        };
        Ok(Self { columns, bytes })
    }

    /// The keys of `rows`.
    pub(crate) fn keys(&self, rows: &RecordBatch) -> Result<Keys, JoinError> {
        let columns = self.of(rows)?;
        let bytes = match &self.bytes {
            Some((_, converter)) => Some(converter.convert_columns(&columns)?),
            None => None,
        };
        Ok(Keys { bytes, ..self.words(rows, &columns)? })
    }

    /// The keys of `rows`, with the bytes at the end of others.
    pub(crate) fn keys_behind(
        &self,
        rows: &RecordBatch,
        bytes: &mut Option<Rows>,
    ) -> Result<Keys, JoinError> {
        let columns = self.of(rows)?;
        if let Some((_, converter)) = &self.bytes {
            let bytes = bytes.get_or_insert_with(|| converter.empty_rows(0, 0));
            converter.append(bytes, &columns)?;
        }
        self.words(rows, &columns)
    }

    fn of(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, JoinError> {
        let columns = self.columns.iter().map(|place| rows.columns().get(*place));
        let columns = columns.map(|column| column.map(with_one_zero));
        columns.collect::<Option<_>>().ok_or(JoinError::Columns)
    }

    fn words(&self, rows: &RecordBatch, columns: &[ArrayRef]) -> Result<Keys, JoinError> {
        let nulls = columns.iter().fold(None, |nulls: Option<NullBuffer>, column| {
            NullBuffer::union(nulls.as_ref(), column.logical_nulls().as_ref())
        });
        let words = match (&self.bytes, columns) {
            (None, [only]) => numbers(only)?,
            (None, _) => return Err(JoinError::Columns),
            (Some((groups, _)), _) => groups.hashes(rows).map_err(|error| match error {
                KeyError::Rows(error) => JoinError::Kernel(error),
                _ => JoinError::Columns,
            })?,
        };
        Ok(Keys { words, nulls, bytes: None })
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_temporal() && !matches!(kind, DataType::Interval(_))
}

/// Numbers of at most 64 bits as they are.
fn numbers(column: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
    let bits = match column.data_type() {
        DataType::UInt64 => return Ok(column.as_primitive::<UInt64Type>().values().to_vec()),
        DataType::Date32 | DataType::Time32(_) => cast(column, &DataType::Int32)?,
        _ => Arc::clone(column),
    };
    let bits = cast(&bits, &DataType::Int64)?;
    let bits = bits.as_primitive::<Int64Type>().values();
    Ok(bits.iter().map(|bits| bits.cast_unsigned()).collect())
}

/// Floats with one zero and one NaN, as their hashes have it.
fn with_one_zero(column: &ArrayRef) -> ArrayRef {
    fn same<T: ArrowPrimitiveType>(
        column: &ArrayRef,
        one: impl Fn(T::Native) -> T::Native,
    ) -> ArrayRef {
        let floats: PrimitiveArray<T> = column.as_primitive::<T>().unary(one);
        Arc::new(floats)
    }
    match column.data_type() {
        DataType::Float32 => {
            same::<Float32Type>(column, |it| if it.is_nan() { f32::NAN } else { it + 0.0 })
        }
        DataType::Float64 => {
            same::<Float64Type>(column, |it| if it.is_nan() { f64::NAN } else { it + 0.0 })
        }
        _ => Arc::clone(column),
    }
}
