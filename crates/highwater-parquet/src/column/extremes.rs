//! The least and the greatest text of a column chunk.

use std::ops::Range;

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use crate::bound::next_char;

/// Statistics are cut to this many bytes: 16 characters of up to four bytes, so that no bound of a
/// table format is cut too short.
pub(crate) const STATISTICS_BYTES: usize = 64;

/// A text, and its first bytes as a number that is ordered as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// The first 16 bytes, zeros behind them; the first one is the lowest.
    pub(super) head: u128,
}

impl<'a> Text<'a> {
    /// The text of `data` from `begin` up to `end`.
    pub(super) fn within(data: &'a [u8], begin: usize, end: usize) -> Self {
        let bytes = data.get(begin..end).unwrap_or_default();
        // A load of 16 bytes at once may take some of the next text, which are masked out.
        let head = match data.get(begin..).and_then(|rest| rest.first_chunk::<16>()) {
            Some(head) => u128::from_le_bytes(*head),
            None => {
                let mut head = [0; 16];
                for (slot, byte) in head.iter_mut().zip(bytes) {
                    *slot = *byte;
                }
                u128::from_le_bytes(head)
            }
        };
        let head = match bytes.len() {
            length @ 0..=15 => head & ((1 << (8 * length)) - 1),
            _ => head,
        };
        Self { bytes, head }
    }

    /// Whether it is what lies at `place` of `data`.
    pub(super) fn is(self, data: &[u8], place: &Range<usize>) -> bool {
        let other = Text::within(data, place.start, place.end);
        let length = self.bytes.len();
        // The comparison of few bytes is a call otherwise.
        length == other.bytes.len()
            && self.head == other.head
            && (length <= 16 || self.bytes == other.bytes)
    }

    /// How many bytes both begin with.
    pub(super) fn shared(self, other: Self) -> usize {
        let most = self.bytes.len().min(other.bytes.len());
        let heads = (self.head ^ other.head).trailing_zeros() as usize / 8;
        if heads < 16 || most <= 16 {
            return heads.min(most);
        }
        let pairs = self.bytes.iter().zip(other.bytes).skip(16);
        16 + pairs.take_while(|(one, two)| one == two).count()
    }

    fn is_below(self, other: Self) -> bool {
        let (one, two) = (self.head.swap_bytes(), other.head.swap_bytes());
        one < two || (one == two && self.bytes < other.bytes)
    }
}

/// Both ends of some texts of one array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    least: Text<'a>,
    greatest: Text<'a>,
}

impl<'a> Span<'a> {
    pub(super) fn of(text: Text<'a>) -> Self {
        Self { least: text, greatest: text }
    }

    pub(super) fn see(&mut self, text: Text<'a>) {
        if text.is_below(self.least) {
            self.least = text;
        }
        if self.greatest.is_below(text) {
            self.greatest = text;
        }
    }
}

/// Both ends of all texts of a chunk.
#[derive(Debug, Default)]
pub(super) struct Extremes(Option<(Vec<u8>, Vec<u8>)>);

impl Extremes {
    pub(super) fn see(&mut self, span: Span<'_>) {
        let Span { least: Text { bytes: least, .. }, greatest: Text { bytes: greatest, .. } } =
            span;
        match &mut self.0 {
            Some((low, high)) => {
                if least < low.as_slice() {
                    least.clone_into(low);
                }
                if greatest > high.as_slice() {
                    greatest.clone_into(high);
                }
            }
            None => self.0 = Some((least.to_owned(), greatest.to_owned())),
        }
    }

    /// What the footer says, and begins the next chunk.
    pub(super) fn end(&mut self, nulls: Option<u64>) -> Statistics {
        let (least, greatest) = self.0.take().unzip();
        let exact = |text: &Option<Vec<u8>>| {
            text.as_ref().is_some_and(|text| text.len() <= STATISTICS_BYTES)
        };
        let (least_exact, greatest_exact) = (exact(&least), exact(&greatest));
        let (least, greatest) = (least.map(cut_down), greatest.map(cut_up));
        let both = (least.map(ByteArray::from), greatest.map(ByteArray::from));
        Statistics::ByteArray(
            ValueStatistics::new(both.0, both.1, None, nulls, false)
                .with_min_is_exact(least_exact)
                .with_max_is_exact(greatest_exact),
        )
    }
}

/// The beginning of a long text, whole characters of it.
fn cut_down(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(boundary(&bytes));
    bytes
}

/// A shorter text that is not below a long one; the text itself where there is none.
fn cut_up(bytes: Vec<u8>) -> Vec<u8> {
    let kept = boundary(&bytes);
    if kept == bytes.len() {
        return bytes;
    }
    let mut cut = bytes.get(..kept).unwrap_or_default().to_owned();
    match str::from_utf8(&cut) {
        Ok(text) => {
            let mut kept: Vec<char> = text.chars().collect();
            while let Some(last) = kept.pop() {
                if let Some(next) = next_char(last) {
                    kept.push(next);
                    return kept.into_iter().collect::<String>().into();
                }
            }
        }
        Err(_) => {
            while let Some(last) = cut.pop() {
                if let Some(next) = last.checked_add(1) {
                    cut.push(next);
                    return cut;
                }
            }
        }
    }
    bytes
}

/// How much is kept: all of a short text, else up to the end of a character where it is UTF-8.
fn boundary(bytes: &[u8]) -> usize {
    if bytes.len() <= STATISTICS_BYTES {
        return bytes.len();
    }
    match str::from_utf8(bytes) {
        Ok(text) => text.floor_char_boundary(STATISTICS_BYTES),
        Err(_) => STATISTICS_BYTES,
    }
}
