//! Record batches of message format 2, as views into the bytes of an answer.
//!
//! Source: <https://kafka.apache.org/documentation/#recordbatch>

use std::ops::Range;

use crate::error::BatchError;

/// The bytes of a header.
pub(crate) const HEADER: usize = 61;
/// The bytes before those that the length counts.
const PREFIX: usize = 12;
/// Where the bytes begin that the checksum covers.
const CHECKED: usize = 21;
/// The most records a batch may have.
const MOST_RECORDS: i32 = 1_000_000;
/// The fewest bytes of a record: its length and six fields of one byte.
const LEAST_RECORD: usize = 7;

/// What the header of a batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) base_offset: i64,
    /// The bytes of the whole batch.
    pub(crate) bytes: usize,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) records: i32,
}

impl Header {
    /// Reads the header at the start of `bytes`; none when the batch is cut off, as the last one of
    /// an answer may be.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, BatchError> {
        let Some(&magic) = bytes.get(16) else { return Ok(None) };
        if magic != 2 {
            return Err(BatchError::Format { magic: i8::from_be_bytes([magic]) });
        }
        let Some(header) = Self::fields(bytes) else { return Ok(None) };
        header.check()?;
        Ok((header.bytes <= bytes.len()).then_some(header))
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let length = i32::from_be_bytes(field(bytes, 8)?);
        Some(Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)?),
            // A negative length becomes one that no batch has, and is refused as such.
            bytes: usize::try_from(length).map_or(0, |length| length.saturating_add(PREFIX)),
            crc: u32::from_be_bytes(field(bytes, 17)?),
            attributes: i16::from_be_bytes(field(bytes, 21)?),
            last_delta: i32::from_be_bytes(field(bytes, 23)?),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)?),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)?),
            producer_id: i64::from_be_bytes(field(bytes, 43)?),
            records: i32::from_be_bytes(field(bytes, 57)?),
        })
    }

    fn check(&self) -> Result<(), BatchError> {
        let wrong = |field, value| Err(BatchError::Header { field, value });
        if self.bytes < HEADER {
            return wrong("length", i64::try_from(self.bytes).unwrap_or(0));
        }
        if self.last_delta < 0 {
            return wrong("lastOffsetDelta", self.last_delta.into());
        }
        if self.base_offset < 0 || self.base_offset > i64::MAX - i64::from(i32::MAX) - 1 {
            return wrong("baseOffset", self.base_offset);
        }
        if self.records < 0 {
            return wrong("records", self.records.into());
        }
        if self.records > MOST_RECORDS {
            return Err(BatchError::TooMany { records: self.records, limit: MOST_RECORDS });
        }
        Ok(())
    }

    /// The offset of the last record that the batch had when it was written.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(self.last_delta.into())
    }

    /// The offset after this batch.
    pub(crate) fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The number of the compression.
    pub(crate) fn codec(&self) -> i16 {
        self.attributes & 0x07
    }

    /// Whether the broker set the time of all records, not their producer.
    pub(crate) fn log_append_time(&self) -> bool {
        self.attributes & 0x08 != 0
    }

    /// Whether the batch belongs to a transaction.
    pub(crate) fn transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Whether the batch is a marker of the broker, not data.
    pub(crate) fn control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// The time of a record in milliseconds since 1970 UTC; none when the producer gave none.
    pub(crate) fn timestamp(&self, delta: i64) -> Option<i64> {
        let millis = if self.log_append_time() {
            self.max_timestamp
        } else {
            self.base_timestamp.checked_add(delta)?
        };
        (millis >= 0).then_some(millis)
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Checks the checksum of `batch`, the bytes of one whole batch.
pub(crate) fn verify(header: &Header, batch: &[u8]) -> Result<(), BatchError> {
    let found = crc_fast::crc32_iscsi(batch.get(CHECKED..).unwrap_or_default());
    if found == header.crc {
        Ok(())
    } else {
        Err(BatchError::Checksum { stored: header.crc, found })
    }
}

/// The batches in `bytes`, each with where it lies, up to the first one that is cut off.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next batch would begin.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next batch, or what is wrong with it; none at the end.
    pub(crate) fn next(&mut self) -> Option<Result<(Header, Range<usize>), BatchError>> {
        let rest = self.bytes.get(self.at..)?;
        match Header::read(rest).transpose()? {
            Ok(header) => {
                let range = self.at..self.at.saturating_add(header.bytes);
                self.at = range.end;
                Some(Ok((header, range)))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// One record: where its key, value and headers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Option<Range<usize>>,
    /// Not looked into: see [`headers`].
    pub(crate) headers: Range<usize>,
}

/// Walks the records of one unpacked batch. Nothing is copied; headers are stepped over. It borrows
/// nothing, so that it can be left and taken up again: every step is given the same bytes.
#[derive(Debug)]
pub(crate) struct Records {
    at: usize,
    end: usize,
    index: i32,
    count: i32,
    last_delta: i32,
    /// The offset delta that the next record must have at least.
    least_delta: i32,
}

impl Records {
    /// The records of the batch of `header` that lie in `range` of the bytes.
    pub(crate) fn new(header: &Header, range: Range<usize>) -> Result<Self, BatchError> {
        let most = range.len() / LEAST_RECORD;
        if usize::try_from(header.records).is_ok_and(|records| records > most) {
            return Err(BatchError::Header { field: "records", value: header.records.into() });
        }
        Ok(Self {
            at: range.start,
            end: range.end,
            index: 0,
            count: header.records,
            last_delta: header.last_delta,
            least_delta: 0,
        })
    }

    /// How many records there are still to come.
    pub(crate) fn left(&self) -> usize {
        usize::try_from(self.count - self.index).unwrap_or(0)
    }

    /// The next record; none behind the last one.
    #[inline]
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Option<Record>, BatchError> {
        if self.index == self.count {
            let left = self.end.saturating_sub(self.at);
            return if left == 0 { Ok(None) } else { Err(BatchError::Trailing { bytes: left }) };
        }
        let record = self.read(bytes).ok_or(BatchError::Record { index: self.index })?;
        self.index += 1;
        Ok(Some(record))
    }

    #[inline]
    fn read(&mut self, bytes: &[u8]) -> Option<Record> {
        let batch = bytes.get(..self.end)?;
        let (length, at) = varint(batch, self.at)?;
        let end = at + usize::try_from(length).ok()?;
        let at = at + 1; // attributes: none are defined
        let (timestamp_delta, at) = varlong(batch, at)?;
        let (offset_delta, at) = varint(batch, at)?;
        if !(self.least_delta..=self.last_delta).contains(&offset_delta) {
            return None;
        }
        let (key, at) = nullable(batch, at)?;
        let (value, at) = nullable(batch, at)?;
        // Nothing above looks beyond the batch, and each field begins where the one before it ends.
        if at > end || end > self.end {
            return None;
        }
        self.least_delta = offset_delta.saturating_add(1);
        self.at = end;
        Some(Record { offset_delta, timestamp_delta, key, value, headers: at..end })
    }
}

/// The number of 64 bits that is at `at`, and where it ends. Nearly all have one byte or two.
#[inline]
fn varlong(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (raw, end) = match bytes.get(at..)?.first_chunk() {
        Some([first @ ..0x80, _]) => (u64::from(*first), at + 1),
        Some([first, second @ ..0x80]) => {
            (u64::from(first & 0x7f) | u64::from(*second) << 7, at + 2)
        }
        _ => {
            let mut cursor = Cursor { bytes, at };
            return Some((cursor.varlong()?, cursor.at));
        }
    };
    Some((zigzag(raw), end))
}

#[inline]
fn varint(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let (number, end) = varlong(bytes, at)?;
    Some((i32::try_from(number).ok()?, end))
}

/// Where the bytes or the null at `at` lie, and where they end, which may be beyond what there is.
#[inline]
fn nullable(bytes: &[u8], at: usize) -> Option<(Option<Range<usize>>, usize)> {
    match varint(bytes, at)? {
        (-1, end) => Some((None, end)),
        (length, start) => {
            let end = start + usize::try_from(length).ok()?;
            Some((Some(start..end), end))
        }
    }
}

/// The number that is kept as `raw`: small ones of either sign have few bytes.
#[inline]
fn zigzag(raw: u64) -> i64 {
    (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()
}

/// A key and a value of a header.
pub(crate) type HeaderPair<'a> = (&'a [u8], Option<&'a [u8]>);

/// The headers in `bytes`, which are those of one record and nothing else; none when they do not fit.
pub(crate) fn headers(bytes: &[u8]) -> Option<Vec<HeaderPair<'_>>> {
    let mut cursor = Cursor { bytes, at: 0 };
    let count = usize::try_from(cursor.varint()?).ok()?;
    // Each takes two bytes at least.
    if count > bytes.len() / 2 {
        return None;
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        let key = bytes.get(cursor.bytes()??)?;
        let value = cursor.bytes()?;
        headers.push((key, value.and_then(|range| bytes.get(range))));
    }
    (cursor.at == bytes.len()).then_some(headers)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// Bytes or null; the inner option is the null.
    #[inline]
    #[expect(clippy::option_option, reason = "malformed and null are two things")]
    fn bytes(&mut self) -> Option<Option<Range<usize>>> {
        let length = self.varint()?;
        if length == -1 {
            return Some(None);
        }
        let start = self.at;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        if end > self.bytes.len() {
            return None;
        }
        self.at = end;
        Some(Some(start..end))
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn varint(&mut self) -> Option<i32> {
        i32::try_from(self.varlong()?).ok()
    }

    #[inline]
    fn varlong(&mut self) -> Option<i64> {
        let byte = self.byte()?;
        let raw = if byte < 0x80 { u64::from(byte) } else { self.rest_of_varlong(byte)? };
        Some(zigzag(raw))
    }

    /// Most numbers have one byte, and the rest has two as a rule.
    fn rest_of_varlong(&mut self, first: u8) -> Option<u64> {
        let mut byte = self.byte()?;
        let mut raw = u64::from(first & 0x7f) | (u64::from(byte & 0x7f) << 7);
        let mut shift = 14;
        while byte >= 0x80 {
            if shift > 63 {
                return None;
            }
            byte = self.byte()?;
            raw |= u64::from(byte & 0x7f) << shift;
            shift += 7;
        }
        Some(raw)
    }
}

#[cfg(test)]
mod tests;
