//! Pages of text or bytes.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;

use super::dictionary::Dictionary;
use super::extremes::{Extremes, Span, Text};
use super::{PAGE_BYTES, stretches};
use crate::delta::Deltas;
use crate::entries::{AT_ONCE, low};
use crate::profile::TextEncoding;

/// The values of a page, and the dictionary of the chunk.
#[derive(Debug)]
pub(crate) struct Texts {
    dictionary: Dictionary,
    /// Where each value of the dictionary is.
    places: Vec<Range<usize>>,
    /// How values are encoded where there is no dictionary.
    encoding: TextEncoding,
    bytes: Vec<u8>,
    lengths: Deltas,
    /// How much of the value before each one begins with.
    shared: Deltas,
    last: Vec<u8>,
    extremes: Extremes,
}

impl Texts {
    pub(crate) fn new(encoding: TextEncoding, repeats: bool) -> Self {
        Self {
            dictionary: Dictionary::new(repeats),
            places: Vec::new(),
            encoding,
            bytes: Vec::new(),
            lengths: Deltas::default(),
            shared: Deltas::default(),
            last: Vec::new(),
            extremes: Extremes::default(),
        }
    }

    /// How many of the first `rows` rows of `array` a page has room for, at least one.
    pub(crate) fn fitting(&self, array: &ArrayRef, rows: usize) -> usize {
        let Some(parts) = Parts::of(array) else { return rows };
        let most = parts.offset(0) + PAGE_BYTES.saturating_sub(self.bytes());
        let fitting = parts.offsets.partition_point(|offset| position(*offset) <= most);
        fitting.saturating_sub(1).clamp(1, rows)
    }

    pub(crate) fn put(&mut self, array: &ArrayRef) {
        let Some(parts) = Parts::of(array) else { return };
        for (begin, end) in stretches(array.len(), array.nulls()) {
            let mut texts = parts.texts(begin, end);
            if self.dictionary.is_open() {
                self.put_numbers(texts);
                continue;
            }
            let Some(first) = texts.next() else { continue };
            let mut span = Span::of(first);
            match self.encoding {
                TextEncoding::Plain => {
                    append(first, &mut self.bytes);
                    for text in texts {
                        span.see(text);
                        append(text, &mut self.bytes);
                    }
                }
                TextEncoding::Lengths => {
                    texts.for_each(|text| span.see(text));
                    self.lengths.put_each(parts.lengths(begin, end));
                    self.bytes.extend_from_slice(parts.bytes(begin, end));
                }
                TextEncoding::Prefixes => {
                    self.append_behind_prefix(first);
                    self.append_behind_prefixes(first, texts, &mut span);
                }
            }
            self.extremes.see(span);
        }
    }

    /// About the bytes of the page.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.dictionary.page_bytes();
        numbers + self.bytes.len() + self.lengths.bytes() + self.shared.bytes()
    }

    pub(crate) fn dictionary_bytes(&self) -> usize {
        self.dictionary.values.len()
    }

    pub(crate) fn memory(&self) -> usize {
        let places = self.places.capacity() * size_of::<Range<usize>>();
        let dictionary = self.dictionary.memory() + places;
        dictionary + self.bytes.capacity() + self.lengths.bytes() + self.shared.bytes()
    }

    /// Appends the values of the page to `page` and begins the next one.
    pub(crate) fn finish(&mut self, page: &mut Vec<u8>) -> Encoding {
        if self.dictionary.is_open() {
            self.dictionary.finish(page);
            return Encoding::RLE_DICTIONARY;
        }
        let encoding = match self.encoding {
            TextEncoding::Plain => Encoding::PLAIN,
            TextEncoding::Lengths => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            TextEncoding::Prefixes => Encoding::DELTA_BYTE_ARRAY,
        };
        if self.encoding == TextEncoding::Prefixes {
            self.shared.finish(page);
            self.last.clear();
        }
        if self.encoding != TextEncoding::Plain {
            self.lengths.finish(page);
        }
        page.extend_from_slice(&self.bytes);
        self.bytes.clear();
        encoding
    }

    /// Appends the dictionary to `page` and tells how many entries it has.
    pub(crate) fn end_dictionary(&mut self, page: &mut Vec<u8>) -> Option<usize> {
        self.places.clear();
        self.dictionary.end(page)
    }

    /// What the footer says of the chunk, and begins the next one.
    pub(crate) fn end(&mut self, nulls: Option<u64>) -> Statistics {
        self.dictionary.begin();
        self.extremes.end(nulls)
    }

    fn put_numbers<'a>(&mut self, mut texts: impl Iterator<Item = Text<'a>>) {
        let mut lot = [Text::default(); AT_ONCE];
        loop {
            let slots = lot.iter_mut().zip(texts.by_ref());
            let count = slots.map(|(slot, text)| *slot = text).count();
            let keys = lot.map(|text| self.key(text));
            let known = self.dictionary.entries.known(&keys);
            for ((text, key), known) in lot.iter().zip(keys).zip(known).take(count) {
                self.put_number(*text, key, known);
            }
            if count < AT_ONCE {
                return;
            }
        }
    }

    fn key(&self, text: Text<'_>) -> u64 {
        match text.bytes.len() as u64 {
            length @ 0..=7 => low(text.head) | length << 56,
            _ => self.dictionary.entries.key_of_long(text.head, text.bytes),
        }
    }

    /// Puts the number of `text`, which `known` is if it has that.
    fn put_number(&mut self, text: Text<'_>, key: u64, known: Option<u32>) {
        let Self { dictionary: Dictionary { entries, values, numbers, .. }, places, .. } = self;
        let short = text.bytes.len() <= 7;
        let same = |number: u32| {
            let place = || places.get(number as usize);
            short || place().is_some_and(|place| text.is(values, place))
        };
        if let Some(number) = known.filter(|number| same(*number)) {
            numbers.push(number);
            return;
        }
        let (number, new) = entries.number(key, same);
        numbers.push(number);
        if new {
            append(text, values);
            let end = values.len();
            places.push(end - text.bytes.len()..end);
            self.extremes.see(Span::of(text));
        }
    }

    /// Appends the first text of a stretch. The one before it may be of another array.
    fn append_behind_prefix(&mut self, text: Text<'_>) {
        let shared = Text::within(&self.last, 0, self.last.len()).shared(text);
        append_rest(text, shared, &mut self.bytes);
        self.shared.put(&[length(shared)]);
        self.lengths.put(&[length(text.bytes.len() - shared)]);
        text.bytes.clone_into(&mut self.last);
    }

    /// Appends those that follow it.
    fn append_behind_prefixes<'a>(
        &mut self,
        first: Text<'a>,
        mut texts: impl Iterator<Item = Text<'a>>,
        span: &mut Span<'a>,
    ) {
        let mut last = first;
        loop {
            let (mut shared, mut rest) = ([0; AT_ONCE], [0; AT_ONCE]);
            let slots = shared.iter_mut().zip(&mut rest).zip(texts.by_ref());
            let mut count = 0;
            for ((shared, rest), text) in slots {
                let same = last.shared(text);
                append_rest(text, same, &mut self.bytes);
                (*shared, *rest) = (length(same), length(text.bytes.len() - same));
                span.see(text);
                last = text;
                count += 1;
            }
            self.shared.put(shared.get(..count).unwrap_or_default());
            self.lengths.put(rest.get(..count).unwrap_or_default());
            if count < AT_ONCE {
                break;
            }
        }
        last.bytes.clone_into(&mut self.last);
    }
}

/// The values of `array` that are there.
pub(crate) fn texts(array: &ArrayRef) -> impl Iterator<Item = &[u8]> {
    let parts = Parts::of(array);
    let rows = stretches(array.len(), array.nulls());
    let texts = move |(begin, end)| parts.as_ref().map(|parts| parts.texts(begin, end));
    rows.filter_map(texts).flatten().map(|text| text.bytes)
}

/// Appends a value as `PLAIN` has it: its length, then its bytes.
fn append(text: Text<'_>, out: &mut Vec<u8>) {
    let length = u32::try_from(text.bytes.len()).unwrap_or(u32::MAX);
    if length <= 12 {
        let all = text.head << 32 | u128::from(length);
        let end = out.len() + 4 + text.bytes.len();
        out.extend_from_slice(&all.to_le_bytes());
        out.truncate(end);
    } else {
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(text.bytes);
    }
}

/// Appends what follows the first `shared` bytes.
fn append_rest(text: Text<'_>, shared: usize, out: &mut Vec<u8>) {
    if text.bytes.len() <= 16 {
        let rest = text.head.checked_shr(8 * u32::try_from(shared).unwrap_or(16)).unwrap_or(0);
        let end = out.len() + text.bytes.len() - shared;
        out.extend_from_slice(&rest.to_le_bytes());
        out.truncate(end);
    } else {
        out.extend_from_slice(text.bytes.get(shared..).unwrap_or_default());
    }
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// The parts that an array is made of.
struct Parts<'a> {
    offsets: &'a [i32],
    data: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array
                .as_string_opt::<i32>()
                .map(|text| Self { offsets: text.value_offsets(), data: text.value_data() }),
            DataType::Binary => array
                .as_binary_opt::<i32>()
                .map(|bytes| Self { offsets: bytes.value_offsets(), data: bytes.value_data() }),
            _ => None,
        }
    }

    fn offset(&self, row: usize) -> usize {
        self.offsets.get(row).map_or(0, |offset| position(*offset))
    }

    fn within(&self, begin: usize, end: usize) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let begins = self.offsets.get(begin..end).unwrap_or_default();
        let ends = self.offsets.get(begin + 1..=end).unwrap_or_default();
        begins.iter().zip(ends).map(|(begin, end)| (position(*begin), position(*end)))
    }

    fn texts(&self, begin: usize, end: usize) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let data = self.data;
        self.within(begin, end).map(move |(begin, end)| Text::within(data, begin, end))
    }

    fn lengths(&self, begin: usize, end: usize) -> impl Iterator<Item = i64> + use<'a> {
        self.within(begin, end).map(|(begin, end)| length(end - begin))
    }

    fn bytes(&self, begin: usize, end: usize) -> &'a [u8] {
        self.data.get(self.offset(begin)..self.offset(end)).unwrap_or_default()
    }
}

fn position(offset: i32) -> usize {
    offset.unsigned_abs() as usize
}

#[cfg(test)]
mod tests;
