//! The key of a row: its values in some columns, as bytes that are the same wherever they come from.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::array_value_to_string;

use crate::error::DeltaError;

/// The columns of a key.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumns {
    /// By name, with the type in which values are compared.
    fields: Arc<[FieldRef]>,
    converter: Arc<RowConverter>,
}

impl KeyColumns {
    /// The key `columns` of rows of `schema`.
    ///
    /// # Errors
    /// [`DeltaError::Key`].
    pub(crate) fn try_new(
        table: &str,
        schema: &Schema,
        columns: &[String],
    ) -> Result<Self, DeltaError> {
        let wrong = |column: &str, problem| DeltaError::Key {
            table: table.to_owned(),
            column: column.to_owned(),
            problem,
        };
        if columns.is_empty() {
            return Err(wrong("", "a key needs a column"));
        }
        let mut fields: Vec<FieldRef> = Vec::with_capacity(columns.len());
        for column in columns {
            let there = schema.field_with_name(column);
            let field = there.map_err(|_missing| wrong(column, "the rows have no such column"))?;
            if fields.iter().any(|other| other.name() == column) {
                return Err(wrong(column, "it stands twice"));
            }
            let kind = compared(field.data_type());
            let kind = kind.ok_or_else(|| wrong(column, "its values are not always comparable"))?;
            fields.push(Arc::new(Field::new(column, kind, true)));
        }
        let kind = |field: &FieldRef| SortField::new(field.data_type().clone());
        let converter = RowConverter::new(fields.iter().map(kind).collect())
            .map_err(|_foreign| wrong(&columns.join(", "), "its types make no key"))?;
        Ok(Self { fields: fields.into(), converter: Arc::new(converter) })
    }

    /// The names, in the order they were given in.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name().as_str())
    }

    /// The type in which values of a column are compared; none when it is no part of the key.
    pub(crate) fn kind(&self, name: &str) -> Option<&DataType> {
        self.fields.iter().find(|field| field.name() == name).map(|field| field.data_type())
    }

    /// The key columns of `rows`, as they are compared.
    ///
    /// # Errors
    /// Rows without one of the columns, or with a type that cannot become the one compared in.
    pub(crate) fn columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let column = |field: &FieldRef| {
            let column = rows.column_by_name(field.name());
            as_compared(column.ok_or_else(|| missing(field.name()))?, field.data_type())
        };
        self.fields.iter().map(column).collect()
    }

    /// The keys of rows whose key `columns` are as they are compared. Two keys are equal exactly
    /// when their bytes are; null is a value like any other.
    ///
    /// # Errors
    /// Columns of other types.
    pub(crate) fn bytes(&self, columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
        self.converter.convert_columns(columns)
    }

    /// The key of a row, for people.
    pub(crate) fn show(&self, columns: &[ArrayRef], row: usize) -> String {
        let value = |column: &ArrayRef| {
            array_value_to_string(column, row).unwrap_or_else(|error| error.to_string())
        };
        let parts = self.names().zip(columns);
        let parts = parts.map(|(name, column)| format!("{name}={}", value(column)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// The type in which values of a type are compared: one for all that the log calls the same. None
/// for those that are not always comparable, as floats are, or that have no order of their own.
fn compared(kind: &DataType) -> Option<DataType> {
    Some(match kind {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Date32
        | DataType::Decimal128(_, _)
        | DataType::Timestamp(TimeUnit::Microsecond, None) => kind.clone(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Struct(fields) if !fields.is_empty() => {
            let field = |field: &FieldRef| {
                Some(Field::new(field.name(), compared(field.data_type())?, true))
            };
            DataType::Struct(fields.iter().map(field).collect::<Option<Vec<_>>>()?.into())
        }
        _ => return None,
    })
}

/// A column as it is compared. Fields of structs are found by their names.
pub(crate) fn as_compared(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    if let DataType::Struct(fields) = kind {
        let there = column.as_struct_opt().ok_or_else(|| {
            ArrowError::SchemaError(format!("{} is no struct", column.data_type()))
        })?;
        let field = |field: &FieldRef| {
            let column = there.column_by_name(field.name());
            as_compared(column.ok_or_else(|| missing(field.name()))?, field.data_type())
        };
        let columns = fields.iter().map(field).collect::<Result<_, _>>()?;
        let nulls = there.nulls().cloned();
        return Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?));
    }
    if column.data_type() == kind {
        return Ok(Arc::clone(column));
    }
    cast_with_options(column, kind, &CastOptions { safe: false, ..CastOptions::default() })
}

fn missing(column: &str) -> ArrowError {
    ArrowError::SchemaError(format!("the rows have no column {column}"))
}

/// What stands for a key in memory: 128 bits of its bytes.
///
/// Two hashes under secrets that each process draws anew. Whoever chooses keys cannot find two that
/// meet; among a thousand million that nobody chose two meet in one of 10²⁰ cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyId(u64, u64);

impl Hash for KeyId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Makes what stands for keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyHasher(RandomState, RandomState);

impl KeyHasher {
    pub(crate) fn id(&self, key: &[u8]) -> KeyId {
        KeyId(self.0.hash_one(key), self.1.hash_one(key))
    }
}

#[cfg(test)]
mod tests;
