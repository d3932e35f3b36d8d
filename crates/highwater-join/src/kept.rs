//! The columns of a table, as they are kept to be put behind rows of a stream.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt16Array, UInt32Array, new_null_array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, UInt16Type};
use arrow::error::ArrowError;

/// A column of a table.
#[derive(Debug)]
pub(crate) enum Column {
    /// The value of each row.
    Each(ArrayRef),
    /// Of few values that many rows share each one once, and for each row its number. Long arrays of texts lie in
    /// no cache, and each row would wait for its text.
    Few { numbers: UInt16Array, values: ArrayRef },
}

/// So many rows must share a value on average.
const SHARED: usize = 8;

impl Column {
    pub(crate) fn new(column: ArrayRef) -> Result<Self, ArrowError> {
        let coded = match column.data_type() {
            kind @ (DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView) => {
                let numbers = Box::new(DataType::UInt16);
                cast(&column, &DataType::Dictionary(numbers, Box::new(kind.clone())))
            }
            _ => return Ok(Self::Each(column)),
        };
        let coded = match coded {
            Ok(coded) => coded,
            Err(ArrowError::DictionaryKeyOverflowError) => return Ok(Self::Each(column)),
            Err(error) => return Err(error),
        };
        let coded = coded.as_dictionary::<UInt16Type>();
        if coded.values().len() > column.len() / SHARED {
            return Ok(Self::Each(column));
        }
        Ok(Self::Few { numbers: coded.keys().clone(), values: Arc::clone(coded.values()) })
    }

    /// The values of some rows, and nulls for the rows that are null.
    pub(crate) fn take(&self, rows: &UInt32Array) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Each(column) => take(column, rows, None),
            Self::Few { numbers, values } => take(values, &take(numbers, rows, None)?, None),
        }
    }

    /// So many nulls.
    pub(crate) fn nulls(&self, rows: usize) -> ArrayRef {
        let (Self::Each(values) | Self::Few { values, .. }) = self;
        new_null_array(values.data_type(), rows)
    }
}

#[cfg(test)]
mod tests;
