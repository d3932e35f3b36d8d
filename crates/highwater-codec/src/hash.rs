//! SHA-256 of rows: as Spark users write it, and without its collisions.

use arrow::array::{Array, FixedSizeBinaryArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use highwater_core::Result;

use crate::CodecError;
use crate::push::{push, push_first};

const HASH_BYTES: usize = 32;
const HASH_WORDS: usize = 8;
const HEX_DIGITS: usize = 64;
const BLOCK_BYTES: usize = 64;

/// What a hash is before the first block.
///
/// Source: FIPS 180-4 section 5.3.3.
const FIRST_WORDS: [u32; HASH_WORDS] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

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
    if i32::try_from(rows.saturating_mul(HEX_DIGITS)).is_err() {
        return Err(CodecError::HashRows { rows }.into());
    }
    let mut digits = Vec::with_capacity(rows.saturating_mul(HEX_DIGITS));
    let write = |row: usize, message: &mut Vec<u8>| {
        let mut first = true;
        for column in &columns {
            let Some((source, length)) = column.at(row) else { continue };
            if !first {
                push(message, separator.as_bytes());
            }
            first = false;
            push_first(message, source, length);
        }
    };
    sha256_rows(rows, write, |hash| digits.extend_from_slice(&hex(hash)));
    let offsets = OffsetBuffer::from_repeated_length(HEX_DIGITS, rows);
    let hashes = StringArray::try_new(offsets, Buffer::from_vec(digits), None);
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
    let mut hashes = Vec::with_capacity(rows.saturating_mul(HASH_BYTES));
    let write = |row: usize, message: &mut Vec<u8>| {
        message.push(VERSION);
        for column in &columns {
            let Some((source, length)) = column.at(row) else {
                message.push(0);
                continue;
            };
            message.push(1);
            message.extend_from_slice(&length_of(length).to_be_bytes());
            push_first(message, source, length);
        }
    };
    sha256_rows(rows, write, |hash| {
        hashes.extend_from_slice(hash.map(u32::to_be_bytes).as_flattened());
    });
    let hashes = FixedSizeBinaryArray::try_new(32, Buffer::from_vec(hashes), None);
    Ok(hashes.map_err(CodecError::from)?)
}

/// The texts of a column.
struct Texts<'a> {
    offsets: &'a [i32],
    bytes: &'a [u8],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Texts<'a> {
    fn of(column: &'a StringArray) -> Self {
        // A buffer of no nulls says of each row that it is none.
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        Self { offsets: column.value_offsets(), bytes: column.value_data(), nulls }
    }

    /// The bytes from the text of a row on, and how many are of that text; nothing for a null.
    #[inline(always)]
    fn at(&self, row: usize) -> Option<(&'a [u8], usize)> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let (start, end) = (*self.offsets.get(row)?, *self.offsets.get(row + 1)?);
        let length = usize::try_from(end - start).ok()?;
        Some((self.bytes.get(usize::try_from(start).ok()?..)?, length))
    }
}

fn text_columns<'a>(columns: &[&'a dyn Array]) -> Result<(Vec<Texts<'a>>, usize), CodecError> {
    let expected = columns.first().ok_or(CodecError::NothingToHash)?.len();
    let check = |(index, column): (usize, &&'a dyn Array)| {
        let rows = column.len();
        if rows != expected {
            return Err(CodecError::HashLengths { index, rows, expected });
        }
        let found = || CodecError::HashOfOther { index, found: column.data_type().clone() };
        column.as_any().downcast_ref().map(Texts::of).ok_or_else(found)
    };
    let columns: Result<Vec<_>, _> = columns.iter().enumerate().map(check).collect();
    Ok((columns?, expected))
}

fn length_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Hashes what `write` appends for each row and gives the words of each hash to `take`.
///
/// Messages are written many at a time, already in the blocks that are hashed: the hash of one row
/// is computed while that of the next begins, which reading what was written just now would prevent.
/// For messages of one or two blocks the streaming interface of `sha2` takes a quarter more.
fn sha256_rows(
    rows: usize,
    write: impl Fn(usize, &mut Vec<u8>),
    mut take: impl FnMut([u32; HASH_WORDS]),
) {
    // Of long messages only one is written at a time, so that not all are in memory once more.
    const MESSAGES: usize = 32;
    const BYTES: usize = 16 << 10;
    let mut bytes = Vec::new();
    let mut lengths = Vec::with_capacity(MESSAGES);
    let mut hashes = Vec::with_capacity(MESSAGES);
    let mut written = 0;
    while written < rows {
        bytes.clear();
        lengths.clear();
        while written < rows && lengths.len() < MESSAGES && bytes.len() < BYTES {
            let start = bytes.len();
            write(written, &mut bytes);
            pad(&mut bytes, start);
            lengths.push((bytes.len() - start) / BLOCK_BYTES);
            written += 1;
        }
        let mut blocks = bytes.as_chunks::<BLOCK_BYTES>().0;
        for length in &lengths {
            let (message, rest) = blocks.split_at_checked(*length).unwrap_or_default();
            blocks = rest;
            let mut hash = FIRST_WORDS;
            sha2::block_api::compress256(&mut hash, message);
            hashes.push(hash);
        }
        hashes.drain(..).for_each(&mut take);
    }
}

/// Completes the message that begins at `start`, where a block does, to whole blocks.
///
/// Source: FIPS 180-4 section 5.1.1.
fn pad(bytes: &mut Vec<u8>, start: usize) {
    const PADDING: [u8; BLOCK_BYTES] = {
        let mut padding = [0; BLOCK_BYTES];
        padding[0] = 0x80;
        padding
    };
    const LENGTH_BYTES: usize = 8;
    let length = bytes.len() - start;
    let end = (length + 1 + LENGTH_BYTES).next_multiple_of(BLOCK_BYTES);
    bytes.extend_from_slice(&PADDING);
    bytes.truncate(start + end - LENGTH_BYTES);
    bytes.extend_from_slice(&length_of(length).wrapping_mul(8).to_be_bytes());
}

/// The hexadecimal digits of a hash.
fn hex(hash: [u32; HASH_WORDS]) -> [u8; HEX_DIGITS] {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    let mut digits = [0; HEX_DIGITS];
    let bytes = hash.map(u32::to_be_bytes);
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes.as_flattened()) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

#[cfg(test)]
mod tests;
