//! The leaf columns of a schema and of a batch, in the order in which Parquet numbers them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, TimeUnit};
use parquet::basic::{LogicalType, Type};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use crate::FileError;

/// A leaf column of a file.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) field_id: i32,
    pub(crate) meaning: Meaning,
    /// How many NaN were written; none for columns that have no count of them.
    pub(crate) nans: Option<u64>,
}

/// What the statistics of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing: the column is repeated.
    Unbounded,
    /// What the physical type says.
    Plain,
    /// Text.
    Text,
    /// An unscaled decimal.
    Decimal,
}

/// The leaf columns of a schema: by their field ids, or `numbered`.
pub(crate) fn leaves(
    schema: &SchemaDescriptor,
    location: &str,
    numbered: bool,
) -> Result<Vec<Leaf>, FileError> {
    let columns = schema.columns().iter().map(AsRef::as_ref);
    if numbered {
        return Ok(columns.zip(1..).map(|(column, number)| with_id(column, number)).collect());
    }
    let leaves: Vec<Leaf> =
        columns.map(|column| leaf(column, location)).collect::<Result<_, _>>()?;
    let mut ids: Vec<i32> = leaves.iter().map(|leaf| leaf.field_id).collect();
    ids.sort_unstable();
    match ids
        .windows(2)
        .find_map(|two| if let [a, b] = two { (a == b).then_some(*a) } else { None })
    {
        Some(field_id) => Err(FileError::SameFieldId { location: location.into(), field_id }),
        None => Ok(leaves),
    }
}

fn leaf(column: &ColumnDescriptor, location: &str) -> Result<Leaf, FileError> {
    let info = column.self_type().get_basic_info();
    if !info.has_id() {
        let (location, column) = (location.into(), column.path().string());
        return Err(FileError::NoFieldId { location, column });
    }
    Ok(with_id(column, info.id()))
}

fn with_id(column: &ColumnDescriptor, field_id: i32) -> Leaf {
    let repeated = column.max_rep_level() > 0;
    let float = matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE);
    Leaf {
        field_id,
        meaning: if repeated { Meaning::Unbounded } else { meaning(column) },
        nans: (float && !repeated).then_some(0),
    }
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    match column.logical_type_ref() {
        Some(LogicalType::String) => Meaning::Text,
        Some(LogicalType::Decimal { .. }) => Meaning::Decimal,
        _ => Meaning::Plain,
    }
}

/// The first field at or below `field` of a type that tables do not have. Parquet has more types, of
/// which some make its encoder panic.
pub(crate) fn foreign(field: &Field) -> Option<&Field> {
    match field.data_type() {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Date32
        | DataType::Time64(TimeUnit::Microsecond)
        | DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => None,
        DataType::FixedSizeBinary(bytes) => (*bytes <= 0).then_some(field),
        DataType::Struct(children) if children.is_empty() => Some(field),
        DataType::Struct(children) => children.iter().find_map(|child| foreign(child)),
        DataType::List(child) | DataType::LargeList(child) => foreign(child),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(children) if children.len() == 2 => foreign(entries),
            _ => Some(field),
        },
        _ => Some(field),
    }
}

/// The values of a leaf column in a batch.
#[derive(Debug)]
pub(crate) struct LeafArray {
    pub(crate) values: ArrayRef,
    /// Which of them are there, all structs around them considered. Not known below lists.
    pub(crate) present: Option<NullBuffer>,
}

/// The leaf columns of a batch.
pub(crate) fn leaf_arrays(rows: &RecordBatch) -> Vec<LeafArray> {
    let mut found = Vec::with_capacity(rows.num_columns());
    for column in rows.columns() {
        descend(column, None, &mut found);
    }
    found
}

fn descend(array: &ArrayRef, around: Option<&NullBuffer>, found: &mut Vec<LeafArray>) {
    let present = NullBuffer::union(around, array.nulls());
    match array.data_type() {
        DataType::Struct(_) => {
            for child in array.as_struct().columns() {
                descend(child, present.as_ref(), found);
            }
        }
        DataType::Map(_, _) => {
            for child in array.as_map().entries().columns() {
                descend(child, None, found);
            }
        }
        DataType::List(_) => descend(array.as_list::<i32>().values(), None, found),
        DataType::LargeList(_) => descend(array.as_list::<i64>().values(), None, found),
        _ => found.push(LeafArray { values: Arc::clone(array), present }),
    }
}

/// Adds the NaN in a batch to the counts of the leaves that have one.
pub(crate) fn count_nans(leaves: &mut [Leaf], rows: &RecordBatch) {
    if leaves.iter().all(|leaf| leaf.nans.is_none()) {
        return;
    }
    for (leaf, array) in leaves.iter_mut().zip(leaf_arrays(rows)) {
        if let Some(nans) = &mut leaf.nans {
            *nans += nans_of(&array) as u64;
        }
    }
}

fn nans_of(array: &LeafArray) -> usize {
    let present = |at: usize| array.present.as_ref().is_none_or(|nulls| nulls.is_valid(at));
    if let Some(floats) = array.values.as_primitive_opt::<Float64Type>() {
        let values = floats.values().iter().enumerate();
        values.filter(|(at, value)| value.is_nan() && present(*at)).count()
    } else if let Some(floats) = array.values.as_primitive_opt::<Float32Type>() {
        let values = floats.values().iter().enumerate();
        values.filter(|(at, value)| value.is_nan() && present(*at)).count()
    } else {
        0
    }
}
