//! Pages of integers of 64 bits: numbers, times and decimals of up to 18 digits.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampNanosecondType,
};
use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::dictionary::Dictionary;
use super::stretches;
use crate::delta::Deltas;
use crate::entries::AT_ONCE;

/// The values of a page, and the dictionary of the chunk.
#[derive(Debug)]
pub(crate) struct Longs {
    dictionary: Dictionary,
    /// Whether values are differences where there is no dictionary.
    differences: bool,
    bytes: Vec<u8>,
    deltas: Deltas,
    extremes: Option<(i64, i64)>,
    /// Decimals as integers of 64 bits.
    narrow: Vec<i64>,
}

impl Longs {
    pub(crate) fn new(differences: bool, repeats: bool) -> Self {
        Self {
            dictionary: Dictionary::new(repeats),
            differences,
            bytes: Vec::new(),
            deltas: Deltas::default(),
            extremes: None,
            narrow: Vec::new(),
        }
    }

    pub(crate) fn put(&mut self, array: &ArrayRef) -> Result<()> {
        let mut narrow = std::mem::take(&mut self.narrow);
        let values = longs(array, &mut narrow)?;
        for (begin, end) in stretches(array.len(), array.nulls()) {
            self.put_all(values.get(begin..end).unwrap_or_default());
        }
        self.narrow = narrow;
        Ok(())
    }

    fn put_all(&mut self, values: &[i64]) {
        let Some((first, others)) = values.split_first() else { return };
        let (mut least, mut greatest) = self.extremes.unwrap_or((*first, *first));
        for value in values {
            least = least.min(*value);
            greatest = greatest.max(*value);
        }
        self.extremes = Some((least, greatest));
        if self.dictionary.is_open() {
            let dictionary = &mut self.dictionary;
            match others.iter().all(|value| value == first) {
                true => put_many(dictionary, *first, values.len()),
                false => put_numbers(dictionary, values),
            }
        } else if self.differences {
            self.deltas.put(values);
        } else {
            self.bytes.reserve(size_of_val(values));
            values.iter().for_each(|value| self.bytes.extend_from_slice(&value.to_le_bytes()));
        }
    }

    /// About the bytes of the page.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.dictionary.page_bytes();
        numbers + self.bytes.len() + self.deltas.bytes()
    }

    pub(crate) fn dictionary_bytes(&self) -> usize {
        self.dictionary.values.len()
    }

    pub(crate) fn memory(&self) -> usize {
        let dictionary = self.dictionary.memory();
        let narrow = self.narrow.capacity() * size_of::<i64>();
        dictionary + self.bytes.capacity() + self.deltas.bytes() + narrow
    }

    /// Appends the values of the page to `page` and begins the next one.
    pub(crate) fn finish(&mut self, page: &mut Vec<u8>) -> Encoding {
        if self.dictionary.is_open() {
            self.dictionary.finish(page);
            return Encoding::RLE_DICTIONARY;
        }
        if self.differences {
            self.deltas.finish(page);
            return Encoding::DELTA_BINARY_PACKED;
        }
        page.extend_from_slice(&self.bytes);
        self.bytes.clear();
        Encoding::PLAIN
    }

    /// Appends the dictionary to `page` and tells how many entries it has.
    pub(crate) fn end_dictionary(&mut self, page: &mut Vec<u8>) -> Option<usize> {
        self.dictionary.end(page)
    }

    /// What the footer says of the chunk, and begins the next one.
    pub(crate) fn end(&mut self, nulls: Option<u64>) -> Statistics {
        self.dictionary.begin();
        let (least, greatest) = self.extremes.take().unzip();
        let statistics = ValueStatistics::new(least, greatest, None, nulls, false);
        Statistics::Int64(statistics.with_backwards_compatible_min_max(true))
    }
}

/// The integers of `array`, those of decimals in `narrow`.
pub(crate) fn longs<'a>(array: &'a ArrayRef, narrow: &'a mut Vec<i64>) -> Result<&'a [i64]> {
    Ok(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().values(),
        DataType::Time64(TimeUnit::Microsecond) => {
            array.as_primitive::<Time64MicrosecondType>().values()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().values()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().values()
        }
        DataType::Decimal128(_, _) => {
            let wide = array.as_primitive::<Decimal128Type>();
            narrow.clear();
            narrow.extend(wide.values().iter().map(|value| halves(*value).0));
            let above = wide.values().iter().map(|value| halves(*value));
            if above.fold(0, |all, (low, high)| all | (high ^ (low >> 63))) != 0 {
                // What lies below a null is nothing to complain about.
                let lost = wide.iter().flatten().find(|value| i64::try_from(*value).is_err());
                lost.map_or(Ok(()), |value| Err(too_long(value)))?;
            }
            narrow
        }
        other => return Err(ParquetError::NYI(format!("{other} as 64 bits"))),
    })
}

/// The lower and the upper 64 bits; the upper ones repeat the sign of a number that the lower ones hold.
fn halves(value: i128) -> (i64, i64) {
    let [a, b, c, d, e, f, g, h, upper @ ..] = value.to_le_bytes();
    (i64::from_le_bytes([a, b, c, d, e, f, g, h]), i64::from_le_bytes(upper))
}

fn too_long(value: i128) -> ParquetError {
    ParquetError::General(format!("{value} has more digits than its column"))
}

fn put_many(dictionary: &mut Dictionary, value: i64, count: usize) {
    let number = number(dictionary, value);
    dictionary.numbers.resize(dictionary.numbers.len() + count, number);
}

fn put_numbers(dictionary: &mut Dictionary, values: &[i64]) {
    for lot in values.chunks(AT_ONCE) {
        let mut keys = [0; AT_ONCE];
        keys.iter_mut().zip(lot).for_each(|(slot, value)| *slot = key(*value));
        let known = dictionary.entries.known(&keys);
        for (value, known) in lot.iter().zip(known) {
            let number = known.unwrap_or_else(|| number(dictionary, *value));
            dictionary.numbers.push(number);
        }
    }
}

fn number(dictionary: &mut Dictionary, value: i64) -> u32 {
    let (number, new) = dictionary.entries.number(key(value), |_| true);
    if new {
        dictionary.values.extend_from_slice(&value.to_le_bytes());
    }
    number
}

fn key(value: i64) -> u64 {
    value.cast_unsigned()
}
