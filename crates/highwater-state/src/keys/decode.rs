//! Key columns out of the bytes of keys.

use arrow::array::{ArrayData, ArrayRef, BinaryArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::Form;

/// Takes one column off the front of every key.
pub(super) fn column(
    form: Form,
    found: &DataType,
    keys: &mut [&[u8]],
) -> Result<ArrayRef, ArrowError> {
    let values: Vec<Option<&[u8]>> =
        keys.iter_mut().map(|key| take(form, key)).collect::<Option<_>>().ok_or_else(|| {
            ArrowError::InvalidArgumentError("a key ends before its last column".to_owned())
        })?;
    let valid = BooleanBuffer::collect_bool(values.len(), |row| {
        values.get(row).is_some_and(Option::is_some)
    });
    let nulls =
        Some(NullBuffer::new(valid)).filter(|nulls| form.nullable && nulls.null_count() > 0);
    match (form.width, found) {
        (_, DataType::Boolean) => {
            let bits = BooleanBuffer::collect_bool(values.len(), |row| {
                values.get(row).copied().flatten() == Some(&[1][..])
            });
            flat(found, values.len(), bits.into_inner(), nulls)
        }
        (Some(width), _) => {
            let zeros = vec![0; width];
            let mut bytes = Vec::with_capacity(values.len() * width);
            values.iter().for_each(|value| bytes.extend_from_slice(value.unwrap_or(&zeros)));
            flat(found, values.len(), Buffer::from_vec(bytes), nulls)
        }
        (None, _) => {
            let lengths = values.iter().map(|value| value.map_or(0, <[u8]>::len));
            let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
            let mut bytes = Vec::with_capacity(values.iter().flatten().map(|it| it.len()).sum());
            values.iter().flatten().for_each(|value| bytes.extend_from_slice(value));
            let binary = BinaryArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?;
            cast(&binary, found)
        }
    }
}

/// Takes one value off the front of a key; none when the key ends before.
pub(super) fn take<'a>(form: Form, key: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    if form.only {
        let all = std::mem::take(key);
        return match form.nullable {
            true if all.is_empty() => Some(None),
            true => all.split_last().map(|(_, value)| Some(value)),
            false => Some(Some(all)),
        };
    }
    if form.nullable && front(key, 1)? == [0] {
        return Some(None);
    }
    let length = match form.width {
        Some(width) => width,
        None => u32::from_le_bytes(front(key, size_of::<u32>())?.try_into().ok()?) as usize,
    };
    front(key, length).map(Some)
}

fn front<'a>(key: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, rest) = key.split_at_checked(length)?;
    *key = rest;
    Some(front)
}

fn flat(
    found: &DataType,
    rows: usize,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let data = ArrayData::builder(found.clone()).len(rows).add_buffer(values).nulls(nulls);
    Ok(make_array(data.align_buffers(true).build()?))
}
