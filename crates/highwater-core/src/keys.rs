//! Key groups: which rows belong together, the same on any number of workers and in every version.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Schema, ToByteSlice, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use twox_hash::XxHash3_64;

use crate::{Error, ErrorKind};

/// How many key groups there are. Fixed: saved state is addressed by them.
pub const KEY_GROUPS: u8 = 128;

/// Sorts rows into key groups by the values of some columns.
///
/// Version 1 of the hash, which never changes: from 0, the hash of each column in turn is XXH3-64 of
/// its value, seeded by the hash so far. A number is its bytes in little endian (a float with one zero
/// and one NaN), a boolean one byte, text and binary their bytes, so that the width of
/// offsets and views does not show. A null turns the seed and adds a constant. A struct is its
/// fields in turn, all of them null where it is null. The group is the hash modulo [`KEY_GROUPS`].
///
/// `Source:` the XXH3 specification.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use highwater_core::KeyGroups;
/// use highwater_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
///
/// let id: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
/// let rows = RecordBatch::try_from_iter([("id", id)])?;
/// let groups = KeyGroups::try_new(&rows.schema(), &["id".to_owned()])?.of(&rows)?;
/// assert_eq!(groups[0], groups[2]);
/// assert_eq!(KeyGroups::worker(groups[0], 1), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyGroups {
    columns: Vec<usize>,
}

/// Why rows cannot be sorted by a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A key of no column would send every row to one worker.
    #[error("a key needs at least one column")]
    Empty,
    /// No such column.
    #[error("there is no column {column} to be a key; there are {}", there.join(", "))]
    Missing {
        /// The column.
        column: String,
        /// The columns that there are.
        there: Vec<String>,
    },
    /// A type whose values have no bytes that are the same everywhere.
    #[error(
        "column {column} of type {found} cannot be a key; numbers, times, booleans, text, binary and structs of these can"
    )]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// Rows of another schema than the one that was checked.
    #[error("rows do not fit the schema of their stream: {0}")]
    Rows(#[from] ArrowError),
}

impl KeyGroups {
    /// Groups by `columns` of `schema`.
    ///
    /// # Errors
    /// When a column is missing, or of a type that cannot be a key.
    pub fn try_new(schema: &Schema, columns: &[String]) -> Result<Self, KeyError> {
        if columns.is_empty() {
            return Err(KeyError::Empty);
        }
        let find = |column: &String| {
            let Some((place, field)) = schema.column_with_name(column) else {
                let there = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(KeyError::Missing { column: column.clone(), there });
            };
            match is_key(field.data_type()) {
                true => Ok(place),
                false => {
                    let found = field.data_type().clone();
                    Err(KeyError::Type { column: column.clone(), found })
                }
            }
        };
        Ok(Self { columns: columns.iter().map(find).collect::<Result<_, _>>()? })
    }

    /// The numbers of the columns.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The group of each row, below [`KEY_GROUPS`].
    ///
    /// # Errors
    /// When the rows are not of the schema that the groups were made for.
    pub fn of(&self, rows: &RecordBatch) -> Result<Vec<u8>, KeyError> {
        Ok(self.hashes(rows)?.into_iter().map(Self::group).collect())
    }

    /// The group of rows whose key has this hash, below [`KEY_GROUPS`].
    #[inline]
    pub fn group(hash: u64) -> u8 {
        // Modulo a power of two keeps the lowest bits, so it is below 128.
        hash.to_le_bytes()[0] % KEY_GROUPS
    }

    /// The hash of the key of each row.
    ///
    /// # Errors
    /// When the rows are not of the schema that the groups were made for.
    pub fn hashes(&self, rows: &RecordBatch) -> Result<Vec<u64>, KeyError> {
        let mut hashes = vec![0; rows.num_rows()];
        for &place in &self.columns {
            let column = rows.columns().get(place).ok_or_else(|| {
                ArrowError::SchemaError(format!("there is no column number {place}"))
            })?;
            hash_column(column, &mut hashes)?;
        }
        Ok(hashes)
    }

    /// The hash of a key with one more column behind those of `hash`, which is 0 for the first: its value
    /// has these bytes, or is null.
    #[inline]
    pub fn extend(hash: u64, value: Option<&[u8]>) -> u64 {
        match value {
            Some(bytes) => XxHash3_64::oneshot_with_seed(hash, bytes),
            None => hash.rotate_left(1).wrapping_add(NULL),
        }
    }

    /// The worker of a group among `workers`: neighbouring groups share one.
    #[inline]
    pub fn worker(group: u8, workers: usize) -> usize {
        usize::from(group % KEY_GROUPS) * workers.max(1) / usize::from(KEY_GROUPS)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        let kind = match error {
            KeyError::Rows(_) => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, "core", error)
    }
}

fn is_key(found: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Boolean, FixedSizeBinary, Float32, Float64, LargeBinary, LargeUtf8,
        Struct, Utf8, Utf8View,
    };
    if let Struct(fields) = found {
        return !fields.is_empty() && fields.iter().all(|field| is_key(field.data_type()));
    }
    found.is_integer()
        || found.is_temporal() && !matches!(found, DataType::Interval(_))
        || matches!(found, DataType::Decimal128(..) | DataType::Decimal256(..))
        || matches!(found, Float32 | Float64 | Boolean | Utf8 | LargeUtf8 | Utf8View)
        || matches!(found, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

fn hash_column(column: &ArrayRef, hashes: &mut [u64]) -> Result<(), ArrowError> {
    match column.data_type() {
        DataType::Int8 => numbers::<Int8Type>(column, hashes),
        DataType::Int16 => numbers::<Int16Type>(column, hashes),
        DataType::UInt8 => numbers::<UInt8Type>(column, hashes),
        DataType::UInt16 => numbers::<UInt16Type>(column, hashes),
        DataType::UInt32 => numbers::<UInt32Type>(column, hashes),
        DataType::UInt64 => numbers::<UInt64Type>(column, hashes),
        DataType::Decimal128(..) => numbers::<Decimal128Type>(column, hashes),
        DataType::Decimal256(..) => numbers::<Decimal256Type>(column, hashes),
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
            numbers::<Int32Type>(&cast(column, &DataType::Int32)?, hashes);
        }
        DataType::Float32 => floats(column.as_primitive::<Float32Type>().iter(), hashes, |value| {
            (if value.is_nan() { f32::NAN } else { value + 0.0 }).to_le_bytes()
        }),
        DataType::Float64 => floats(column.as_primitive::<Float64Type>().iter(), hashes, |value| {
            (if value.is_nan() { f64::NAN } else { value + 0.0 }).to_le_bytes()
        }),
        DataType::Boolean => {
            each(column.as_boolean().iter(), hashes, |value, seed| hash(&[u8::from(value)], seed));
        }
        DataType::Utf8 => texts(column.as_string::<i32>().iter(), hashes),
        DataType::LargeUtf8 => texts(column.as_string::<i64>().iter(), hashes),
        DataType::Utf8View => texts(column.as_string_view().iter(), hashes),
        DataType::Binary => each(column.as_binary::<i32>().iter(), hashes, hash),
        DataType::LargeBinary => each(column.as_binary::<i64>().iter(), hashes, hash),
        DataType::BinaryView => each(column.as_binary_view().iter(), hashes, hash),
        DataType::FixedSizeBinary(_) => each(column.as_fixed_size_binary().iter(), hashes, hash),
        DataType::Struct(_) => {
            for field in column.as_struct().columns() {
                hash_column(&null_as(column, field)?, hashes)?;
            }
        }
        _ => numbers::<Int64Type>(&cast(column, &DataType::Int64)?, hashes),
    }
    Ok(())
}

/// A field of a struct, null also where the struct is.
fn null_as(column: &ArrayRef, field: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if column.null_count() == 0 {
        return Ok(Arc::clone(field));
    }
    let nulls = NullBuffer::union(column.nulls(), field.nulls());
    Ok(make_array(field.to_data().into_builder().nulls(nulls).build()?))
}

fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef, hashes: &mut [u64]) {
    let column = column.as_primitive::<T>();
    if column.null_count() > 0 {
        return each(column.iter(), hashes, |value, seed| hash(value.to_byte_slice(), seed));
    }
    for (value, seed) in column.values().iter().zip(hashes) {
        *seed = hash(value.to_byte_slice(), *seed);
    }
}

fn floats<T, const N: usize>(
    values: impl Iterator<Item = Option<T>>,
    hashes: &mut [u64],
    bytes: impl Fn(T) -> [u8; N],
) {
    each(values, hashes, |value, seed| hash(&bytes(value), seed));
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>, hashes: &mut [u64]) {
    each(values, hashes, |value, seed| hash(value.as_bytes(), seed));
}

fn each<T>(
    values: impl Iterator<Item = Option<T>>,
    hashes: &mut [u64],
    of: impl Fn(T, u64) -> u64,
) {
    for (value, seed) in values.zip(hashes) {
        *seed = match value {
            Some(value) => of(value, *seed),
            None => KeyGroups::extend(*seed, None),
        };
    }
}

/// The digits of the golden ratio: nothing up the sleeve.
const NULL: u64 = 0x9e37_79b9_7f4a_7c15;

fn hash(bytes: &[u8], seed: u64) -> u64 {
    KeyGroups::extend(seed, Some(bytes))
}

#[cfg(test)]
mod tests;
