//! The values of a key column as bytes.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, downcast_primitive_array,
};
use arrow::datatypes::{ByteArrayType, DataType, Float32Type, Float64Type, ToByteSlice};
use arrow::error::ArrowError;

/// How many bytes every value of a type has, where that is one number.
pub(super) fn width(found: &DataType) -> Option<usize> {
    match found {
        DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
        _ => found.primitive_width(),
    }
}

/// Calls `each` with the bytes of every value in turn, nothing for null.
pub(super) fn visit(
    column: &ArrayRef,
    mut each: impl FnMut(Option<&[u8]>),
) -> Result<(), ArrowError> {
    let array = column.as_ref();
    match array.data_type() {
        DataType::Float32 => array.as_primitive::<Float32Type>().iter().for_each(|value| {
            let one = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            each(value.map(|value| one(value).to_le_bytes()).as_ref().map(<[u8; 4]>::as_slice));
        }),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().for_each(|value| {
            let one = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            each(value.map(|value| one(value).to_le_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        }),
        DataType::Boolean => array.as_boolean().iter().for_each(|value| match value {
            Some(value) => each(Some(&[u8::from(value)])),
            None => each(None),
        }),
        DataType::Utf8 => {
            array.as_string::<i32>().iter().for_each(|it| each(it.map(str::as_bytes)))
        }
        DataType::LargeUtf8 => {
            array.as_string::<i64>().iter().for_each(|it| each(it.map(str::as_bytes)));
        }
        DataType::Utf8View => {
            array.as_string_view().iter().for_each(|it| each(it.map(str::as_bytes)));
        }
        DataType::Binary => array.as_binary::<i32>().iter().for_each(each),
        DataType::LargeBinary => array.as_binary::<i64>().iter().for_each(each),
        DataType::BinaryView => array.as_binary_view().iter().for_each(each),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().for_each(each),
        _ => downcast_primitive_array!(
            array => numbers(array, each),
            found => return Err(ArrowError::NotYetImplemented(format!("a key of type {found}")))
        ),
    }
    Ok(())
}

/// The bytes of all values, and where each begins and the last one ends; of a column without nulls whose
/// values stand in memory one behind the other, as they are in keys.
pub(super) fn stretch(column: &ArrayRef) -> Option<(Vec<u8>, Vec<u32>)> {
    if column.null_count() > 0 {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => texts(column.as_string_opt::<i32>()?),
        DataType::Binary => texts(column.as_binary_opt::<i32>()?),
        // Of these some values have several forms.
        DataType::Float32 | DataType::Float64 => None,
        found => {
            let width = found.primitive_width()?;
            let data = column.to_data();
            let from = data.offset().checked_mul(width)?;
            let to = from.checked_add(data.len().checked_mul(width)?)?;
            let bytes = data.buffers().first()?.as_slice().get(from..to)?;
            let ends = (0..=data.len()).map(|row| u32::try_from(row * width).ok());
            Some((bytes.to_vec(), ends.collect::<Option<_>>()?))
        }
    }
}

fn texts<T: ByteArrayType<Offset = i32>>(
    texts: &GenericByteArray<T>,
) -> Option<(Vec<u8>, Vec<u32>)> {
    let offsets = texts.value_offsets();
    let (first, last) = (offsets.first()?.unsigned_abs(), offsets.last()?.unsigned_abs());
    let bytes = texts.value_data().get(first as usize..last as usize)?;
    Some((bytes.to_vec(), offsets.iter().map(|at| at.unsigned_abs() - first).collect()))
}

fn numbers<T: ArrowPrimitiveType>(
    column: &arrow::array::PrimitiveArray<T>,
    mut each: impl FnMut(Option<&[u8]>),
) {
    // In memory as in the encoding: arrow is little endian on every machine that it runs well on,
    // and `hashes` of the key groups rests on the same.
    for value in column {
        each(value.as_ref().map(ToByteSlice::to_byte_slice));
    }
}
