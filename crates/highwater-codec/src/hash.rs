//! SHA-256 of rows: as Spark users write it, and without its collisions.

use arrow::array::{Array, FixedSizeBinaryArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use highwater_core::Result;

use crate::CodecError;

const HASH_BYTES: usize = 32;
const HEX_DIGITS: usize = 64;

/// For each row what Spark's `sha2(concat_ws(separator, columns..), 256)` gives: 64 lower-case
/// hexadecimal digits, never null.
///
/// Nulls are skipped together with their separator, and a separator within a value is not escaped.
/// So rows that differ may have one hash: (null, `Q`) and (`Q`, null); (`a|b`, `c`) and (`a`, `b|c`).
/// [`sha256_canonical`] has no such pairs.
///
/// # Errors
/// `Invalid` when there is no column, a column is not Utf8, or the columns differ in length.
///
/// # Example
/// ```
/// use arrow::array::StringArray;
/// use highwater_codec::sha256_concat_ws;
///
/// let (a, b) = (StringArray::from(vec!["a"]), StringArray::from(vec![Some("b")]));
/// let hashes = sha256_concat_ws("|", &[&a, &b])?;
/// assert_eq!(hashes.value(0), "0eab8a0a3380abf4c7d1fb0b43b66aafbb64a4b953e4eb2dccca579461912d0c");
/// # Ok::<(), highwater_core::Error>(())
/// ```
pub fn sha256_concat_ws(separator: &str, columns: &[&dyn Array]) -> Result<StringArray> {
    let (columns, rows) = text_columns(columns)?;
    let mut message = Vec::new();
    let mut hex = Vec::with_capacity(rows.saturating_mul(HEX_DIGITS));
    if i32::try_from(rows.saturating_mul(HEX_DIGITS)).is_err() {
        return Err(CodecError::HashRows { rows }.into());
    }
    for row in 0..rows {
        message.clear();
        let mut first = true;
        for column in columns.iter().filter(|column| column.is_valid(row)) {
            if !first {
                message.extend_from_slice(separator.as_bytes());
            }
            first = false;
            message.extend_from_slice(column.value(row).as_bytes());
        }
        push_hex(&mut hex, &sha256(&mut message));
    }
    let offsets = OffsetBuffer::from_repeated_length(HEX_DIGITS, rows);
    let hashes = StringArray::try_new(offsets, Buffer::from_vec(hex), None);
    Ok(hashes.map_err(CodecError::from)?)
}

/// A hash of each row that differs when the rows differ: 32 bytes, never null.
///
/// Version 1 hashes these bytes: the byte 1 (the version), and for each column in the order given
/// either the byte 0 (null) or the byte 1, the length of the text in bytes as 8 bytes, highest first,
/// and the text in UTF-8. Another number of columns makes another message, because none is the
/// beginning of another.
///
/// # Errors
/// As [`sha256_concat_ws`].
///
/// # Example
/// ```
/// use arrow::array::StringArray;
/// use highwater_codec::sha256_canonical;
///
/// let a = StringArray::from(vec![Some("a"), Some("ab"), None]);
/// let b = StringArray::from(vec![Some("bc"), Some("c"), Some("abc")]);
/// let hashes = sha256_canonical(&[&a, &b])?;
/// assert_ne!(hashes.value(0), hashes.value(1));
/// assert_ne!(hashes.value(1), hashes.value(2));
/// # Ok::<(), highwater_core::Error>(())
/// ```
pub fn sha256_canonical(columns: &[&dyn Array]) -> Result<FixedSizeBinaryArray> {
    const VERSION: u8 = 1;
    let (columns, rows) = text_columns(columns)?;
    let mut message = Vec::new();
    let mut hashes = Vec::with_capacity(rows.saturating_mul(HASH_BYTES));
    for row in 0..rows {
        message.clear();
        message.push(VERSION);
        for column in &columns {
            if column.is_null(row) {
                message.push(0);
            } else {
                let text = column.value(row).as_bytes();
                message.push(1);
                message.extend_from_slice(&length_of(text).to_be_bytes());
                message.extend_from_slice(text);
            }
        }
        hashes.extend_from_slice(&sha256(&mut message));
    }
    let hashes = FixedSizeBinaryArray::try_new(32, Buffer::from_vec(hashes), None);
    Ok(hashes.map_err(CodecError::from)?)
}

fn text_columns<'a>(
    columns: &[&'a dyn Array],
) -> Result<(Vec<&'a StringArray>, usize), CodecError> {
    let expected = columns.first().ok_or(CodecError::NothingToHash)?.len();
    let check = |(index, column): (usize, &&'a dyn Array)| {
        let rows = column.len();
        if rows != expected {
            return Err(CodecError::HashLengths { index, rows, expected });
        }
        let found = || CodecError::HashOfOther { index, found: column.data_type().clone() };
        column.as_any().downcast_ref::<StringArray>().ok_or_else(found)
    };
    let columns: Result<Vec<_>, _> = columns.iter().enumerate().map(check).collect();
    Ok((columns?, expected))
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The hash of `message`, which is padded in place. For messages of one or two blocks this takes a
/// fifth less than the streaming interface of `sha2`.
///
/// Source: FIPS 180-4 sections 5.1.1 and 5.3.3.
fn sha256(message: &mut Vec<u8>) -> [u8; HASH_BYTES] {
    const BLOCK: usize = 64;
    const LENGTH: usize = 8;
    let bits = length_of(message).wrapping_mul(8);
    message.push(0x80);
    message.resize((message.len() + LENGTH).next_multiple_of(BLOCK) - LENGTH, 0);
    message.extend_from_slice(&bits.to_be_bytes());
    let mut state: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    sha2::block_api::compress256(&mut state, message.as_chunks::<BLOCK>().0);
    let mut hash = [0; HASH_BYTES];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

fn push_hex(hex: &mut Vec<u8>, hash: &[u8; HASH_BYTES]) {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    let mut digits = [0; HEX_DIGITS];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(hash) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    hex.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests;
