//! The values of a key column as bytes.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, downcast_primitive_array};
use arrow::datatypes::{DataType, Float32Type, Float64Type, ToByteSlice};
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
