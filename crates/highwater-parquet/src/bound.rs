//! Bounds of columns, as Iceberg defines them.

use parquet::data_type::AsBytes;
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};

use crate::leaf::Meaning;

/// How many characters of text, or bytes of binary data, a bound has at most.
const BOUND_LENGTH: usize = 16;

/// A lower or upper bound of a leaf column, in the words of the column's type. Bounds of one column are
/// of one variant, and ordered as its values are.
///
/// Source: <https://iceberg.apache.org/spec/#appendix-d-single-value-serialization>
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub enum Bound {
    /// A boolean; false comes first.
    Boolean(bool),
    /// An integer of up to 32 bits, or a date in days since 1970.
    Int(i32),
    /// An integer of 64 bits, or a time or timestamp in micro- or nanoseconds as its column has them.
    Long(i64),
    /// A float of 32 bits, not NaN.
    Float(#[serde(with = "text")] f32),
    /// A float of 64 bits, not NaN.
    Double(#[serde(with = "text")] f64),
    /// The unscaled value of a decimal.
    Decimal(#[serde(with = "text")] i128),
    /// Text of up to 16 characters: the beginning of the least value, or a text after the greatest.
    Text(String),
    /// Up to 16 bytes, cut as text is.
    Bytes(Vec<u8>),
}

/// Numbers as text, because JSON has neither infinities nor integers of 128 bits.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Bound {
    /// The least and the greatest value of a column chunk; none where there is none.
    pub(crate) fn of(statistics: &Statistics, meaning: Meaning) -> (Option<Self>, Option<Self>) {
        let int = |value: &i32| match meaning {
            Meaning::Decimal => Self::Decimal(i128::from(*value)),
            _ => Self::Int(*value),
        };
        let long = |value: &i64| match meaning {
            Meaning::Decimal => Self::Decimal(i128::from(*value)),
            _ => Self::Long(*value),
        };
        let bytes = |value: &[u8]| match meaning {
            Meaning::Decimal => decimal(value).map(Self::Decimal),
            Meaning::Text => str::from_utf8(value).ok().map(|text| Self::Text(text.into())),
            _ => Some(Self::Bytes(value.into())),
        };
        match statistics {
            _ if meaning == Meaning::Unbounded => (None, None),
            Statistics::Boolean(both) => (
                both.min_opt().copied().map(Self::Boolean),
                both.max_opt().copied().map(Self::Boolean),
            ),
            Statistics::Int32(both) => (both.min_opt().map(int), both.max_opt().map(int)),
            Statistics::Int64(both) => (both.min_opt().map(long), both.max_opt().map(long)),
            Statistics::Int96(_) => (None, None),
            Statistics::Float(both) => {
                (both.min_opt().copied().map(Self::Float), both.max_opt().copied().map(Self::Float))
            }
            Statistics::Double(both) => (
                both.min_opt().copied().map(Self::Double),
                both.max_opt().copied().map(Self::Double),
            ),
            Statistics::ByteArray(both) => (
                both.min_opt().and_then(|value| bytes(value.as_bytes())),
                both.max_opt().and_then(|value| bytes(value.as_bytes())),
            ),
            Statistics::FixedLenByteArray(both) => (
                both.min_opt().and_then(|value| bytes(value.as_bytes())),
                both.max_opt().and_then(|value| bytes(value.as_bytes())),
            ),
        }
    }

    /// The same or less, no longer than a bound may be.
    pub(crate) fn cut_down(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.chars().take(BOUND_LENGTH).collect()),
            Self::Bytes(mut bytes) => {
                bytes.truncate(BOUND_LENGTH);
                Self::Bytes(bytes)
            }
            whole => whole,
        }
    }

    /// The same or more, no longer than a bound may be; none where there is no such value.
    pub(crate) fn cut_up(self) -> Option<Self> {
        match self {
            Self::Text(text) if text.chars().nth(BOUND_LENGTH).is_some() => {
                let mut kept: Vec<char> = text.chars().take(BOUND_LENGTH).collect();
                while let Some(last) = kept.pop() {
                    if let Some(next) = next_char(last) {
                        kept.push(next);
                        return Some(Self::Text(kept.into_iter().collect()));
                    }
                }
                None
            }
            Self::Bytes(mut bytes) if bytes.len() > BOUND_LENGTH => {
                bytes.truncate(BOUND_LENGTH);
                while let Some(last) = bytes.pop() {
                    if let Some(next) = last.checked_add(1) {
                        bytes.push(next);
                        return Some(Self::Bytes(bytes));
                    }
                }
                None
            }
            whole => Some(whole),
        }
    }
}

/// The character after `char`, past the gap of surrogates.
pub(crate) fn next_char(char: char) -> Option<char> {
    (char..=char::MAX).nth(1)
}

/// A big-endian two's complement number of up to 16 bytes.
fn decimal(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first()? & 0x80 != 0;
    let mut whole = [if negative { 0xff } else { 0 }; 16];
    let at = whole.len().checked_sub(bytes.len())?;
    whole.get_mut(at..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}

#[cfg(test)]
mod tests;
