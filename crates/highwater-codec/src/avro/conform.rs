//! Decoded arrays as the columns that were asked for.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Builder, ListArray, MapArray, StringArray, StructArray,
    TimestampMicrosecondBuilder, UInt64Array, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options, interleave, take};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;

use crate::{Type, parse_decimal, parse_timestamp};

/// What is done to an array.
#[derive(Debug)]
pub(super) enum Conform {
    /// It becomes one of this type, each value exactly as it is.
    Leaf(DataType),
    /// Its texts are read as numbers or times.
    Parsed(Type),
    /// Its fields feed others.
    Record(Fields, Vec<Feed>),
    List(FieldRef, Box<Self>),
    Map(FieldRef, Box<Self>),
    /// Each of several types becomes this one; nothing for null, and for those that no value has.
    Union(DataType, Vec<Option<Self>>),
}

/// Where a column comes from.
#[derive(Debug)]
pub(super) enum Feed {
    /// From the array of the field at this place.
    Writer(usize, Conform),
    /// Each row is the only one of this array.
    Default(ArrayRef),
}

impl Feed {
    /// The place of the field it comes from.
    pub(super) fn field(&self) -> Option<usize> {
        match self {
            Self::Writer(place, _) => Some(*place),
            Self::Default(_) => None,
        }
    }

    /// Takes the place that its field has among the `used` ones.
    pub(super) fn moved(&mut self, used: &[usize]) {
        if let Self::Writer(place, _) = self {
            *place = used.iter().position(|used| used == place).unwrap_or(usize::MAX);
        }
    }
}

/// The columns that `feeds` make of some arrays of `rows` rows.
pub(super) fn columns(
    feeds: &[Feed],
    arrays: &[ArrayRef],
    rows: usize,
) -> Result<Vec<ArrayRef>, ArrowError> {
    let column = |feed: &Feed| match feed {
        Feed::Writer(place, conform) => {
            let missing = || ArrowError::SchemaError(format!("there is no decoded field {place}"));
            conform.apply(arrays.get(*place).ok_or_else(missing)?)
        }
        Feed::Default(value) => take(value, &UInt64Array::from_value(0, rows), None),
    };
    feeds.iter().map(column).collect()
}

impl Conform {
    pub(super) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Leaf(target) if array.data_type() == target => Arc::clone(array),
            Self::Leaf(target) => {
                let options = CastOptions { safe: false, ..CastOptions::default() };
                cast_with_options(array, target, &options)?
            }
            Self::Parsed(kind) => parsed(array.as_string(), kind)?,
            Self::Record(fields, feeds) => {
                let array = array.as_struct();
                let columns = columns(feeds, array.columns(), array.len())?;
                let nulls = array.nulls().cloned();
                let array =
                    StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len());
                Arc::new(array?)
            }
            Self::List(item, conform) => {
                let array = array.as_list::<i32>();
                let values = conform.apply(array.values())?;
                let offsets = array.offsets().clone();
                Arc::new(ListArray::try_new(
                    Arc::clone(item),
                    offsets,
                    values,
                    array.nulls().cloned(),
                )?)
            }
            Self::Map(entries, conform) => {
                let array = array.as_map();
                let values = conform.apply(array.values())?;
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(ArrowError::SchemaError(format!("a map of {entries}")));
                };
                let columns = vec![Arc::clone(array.keys()), values];
                let both = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
                Arc::new(MapArray::try_new(Arc::clone(entries), offsets, both, nulls, false)?)
            }
            Self::Union(target, branches) => union(array, target, branches)?,
        })
    }
}

fn union(
    array: &ArrayRef,
    target: &DataType,
    branches: &[Option<Conform>],
) -> Result<ArrayRef, ArrowError> {
    let missing = || ArrowError::SchemaError(format!("a union became {}", array.data_type()));
    let array = array.as_union_opt().ok_or_else(missing)?;
    let mut values = Vec::new();
    for (branch, id) in branches.iter().zip(0_i8..) {
        values.push(match branch {
            Some(conform) => conform.apply(array.child(id))?,
            None => new_null_array(target, array.child(id).len()),
        });
    }
    let mut places = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let branch = usize::try_from(array.type_id(row)).unwrap_or(usize::MAX);
        places.push((branch, array.value_offset(row)));
    }
    let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    interleave(&values, &places)
}

/// Texts as what they hold. One that holds nothing of the kind stands where no value is.
fn parsed(texts: &StringArray, kind: &Type) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        Type::Decimal(precision, scale) => {
            let target = i8::try_from(*scale).unwrap_or(i8::MAX);
            let mut builder = Decimal128Builder::with_capacity(texts.len())
                .with_precision_and_scale(*precision, target)?;
            for text in texts {
                builder.append_option(
                    text.and_then(|text| parse_decimal(text, *precision, *scale).ok()),
                );
            }
            Arc::new(builder.finish())
        }
        _ => {
            let mut builder = TimestampMicrosecondBuilder::with_capacity(texts.len());
            for text in texts {
                builder.append_option(text.and_then(|text| parse_timestamp(text).ok()));
            }
            Arc::new(builder.finish().with_timezone("+00:00"))
        }
    })
}
