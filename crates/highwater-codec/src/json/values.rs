//! Columns under construction: values are appended one by one, and a row can be taken back.
//!
//! Arrow's own builders cannot take a row back, so these are the plain buffers of its arrays, which
//! they become without a copy.

use std::sync::Arc;

use arrow::array::types::{Decimal128Type, TimestampMicrosecondType};
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int32Array, Int64Array,
    NullBufferBuilder, PrimitiveArray, StringArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::group::Group;
use super::number::Plain;
use super::scanner::end_of_string;
use super::text::Token;
use crate::push::{push, push_first};
use crate::timestamp::{self, Date};
use crate::{Problem, Type, decimal};

/// How far beyond a text is written while it is appended, and more.
const SPARE_BYTES: usize = 32;

/// One column of scalar values.
#[derive(Debug)]
pub(super) struct Cells {
    nulls: NullBufferBuilder,
    values: Values,
}

/// The tag is a byte of its own, as it is looked at for each value.
#[derive(Debug)]
#[repr(u8)]
enum Values {
    /// Where each text ends, and the texts. The bytes of the last batch foretell those of the next.
    Text {
        ends: Vec<i32>,
        bytes: Vec<u8>,
        expected_bytes: usize,
    },
    Int(Vec<i32>),
    Long(Vec<i64>),
    Double(Vec<f64>),
    Boolean(BooleanBufferBuilder),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: u8,
    },
    /// With the date of the last one, and how many bytes it was written with.
    Timestamp(Vec<i64>, Date, usize),
}

/// A value of the type of its column; a decimal is its digits without the point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Int(i32),
    Long(i64),
    Double(f64),
    Boolean(bool),
    Decimal(i128),
    Timestamp(i64),
}

impl Cells {
    /// A column of this type; none for a struct.
    pub(super) fn new(kind: &Type) -> Option<Self> {
        let values = match *kind {
            Type::Text => Values::Text { ends: vec![0], bytes: Vec::new(), expected_bytes: 0 },
            Type::Int => Values::Int(Vec::new()),
            Type::Long => Values::Long(Vec::new()),
            Type::Double => Values::Double(Vec::new()),
            Type::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            Type::Decimal(precision, scale) => {
                Values::Decimal { values: Vec::new(), precision, scale }
            }
            Type::Timestamp => Values::Timestamp(Vec::new(), Date::default(), 0),
            Type::Struct(_) => return None,
        };
        Some(Self { nulls: NullBufferBuilder::new(0), values })
    }

    /// Makes room for a batch of `rows` out of records of `most_bytes` together. Nothing has been
    /// appended since the last one.
    pub(super) fn reserve(&mut self, rows: usize, most_bytes: usize) {
        self.nulls = NullBufferBuilder::new(rows);
        match &mut self.values {
            Values::Text { ends, bytes, expected_bytes } => {
                ends.reserve(rows);
                // Room for a little more, which spares copying all of them because of the last.
                let expected = *expected_bytes + *expected_bytes / 32 + SPARE_BYTES;
                bytes.reserve(most_bytes.saturating_add(SPARE_BYTES).min(expected));
            }
            Values::Int(values) => values.reserve(rows),
            Values::Long(values) | Values::Timestamp(values, ..) => values.reserve(rows),
            Values::Double(values) => values.reserve(rows),
            Values::Boolean(values) => values.reserve(rows),
            Values::Decimal { values, .. } => values.reserve(rows),
        }
    }

    /// Appends a value other than null. After an error nothing is appended.
    #[inline(always)]
    pub(super) fn push(&mut self, token: Token<'_>) -> Result<(), Problem> {
        match token {
            Token::Text(text) => return self.push_text(text, text.len()),
            Token::Number(number) => self.push_number(number)?,
            Token::Boolean(value) => match &mut self.values {
                Values::Boolean(values) => values.append(value),
                _ => return Err(Problem::Mismatch),
            },
            Token::Null | Token::Container => return Err(Problem::Mismatch),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends what a string holds: the first `length` bytes of `source`, which may have more. After an
    /// error nothing is appended.
    #[inline(always)]
    pub(super) fn push_text(&mut self, source: &[u8], length: usize) -> Result<(), Problem> {
        let text = || source.get(..length).ok_or(Problem::Mismatch);
        match &mut self.values {
            Values::Text { ends, bytes, .. } => {
                push_first(bytes, source, length);
                ends.push(end_of(bytes)?);
            }
            Values::Decimal { values, precision, scale } => {
                values.push(decimal::parse(text()?, *precision, *scale)?);
            }
            Values::Timestamp(values, date, last) => {
                values.push(timestamp::parse(text()?, date)?);
                *last = length;
            }
            _ => return Err(Problem::Mismatch),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends the time with which the inside of a string begins, if it has as many bytes as the last one, and
    /// tells how many. Nothing that ends a string or escapes is a part of a time: the string need not be
    /// looked at before.
    #[inline(always)]
    pub(super) fn push_as_before(&mut self, inside: &[u8]) -> Option<usize> {
        let Values::Timestamp(values, date, length) = &mut self.values else { return None };
        values.push(timestamp::parse(as_long(inside, *length)?, date).ok()?);
        self.nulls.append_non_null();
        Some(*length)
    }

    /// Appends the number with which `source` begins, if it is written plainly and the column takes such
    /// numbers, and tells its length.
    #[inline(always)]
    pub(super) fn push_plain(&mut self, source: &[u8]) -> Option<usize> {
        let length = match &mut self.values {
            Values::Long(values) => {
                let (number, length) = Plain::read(source)?;
                values.push(number.whole()?);
                length
            }
            Values::Double(values) => {
                let (number, length) = Plain::read(source)?;
                values.push(number.float()?);
                length
            }
            _ => return None,
        };
        self.nulls.append_non_null();
        Some(length)
    }

    /// Appends values of one record after the other, while they are such as most columns of the kind have, and
    /// tells how many that are.
    #[inline]
    pub(super) fn push_together(&mut self, group: &mut Group<'_>) -> usize {
        let count = match &mut self.values {
            Values::Text { ends, bytes, .. } => group.each_while(|source| {
                let inside = source.strip_prefix(b"\"")?;
                let length = end_of_string(inside)?;
                push_first(bytes, inside, length);
                ends.push(end_of(bytes).ok()?);
                Some(length + 2)
            }),
            Values::Timestamp(values, date, length) => group.each_while(|source| {
                let inside = source.strip_prefix(b"\"")?;
                values.push(timestamp::parse(as_long(inside, *length)?, date).ok()?);
                Some(*length + 2)
            }),
            Values::Long(values) => group.each_while(|source| {
                let (number, length) = Plain::read(source)?;
                values.push(number.whole()?);
                Some(length)
            }),
            Values::Double(values) => group.each_while(|source| {
                let (number, length) = Plain::read(source)?;
                values.push(number.float()?);
                Some(length)
            }),
            Values::Int(_) | Values::Boolean(_) | Values::Decimal { .. } => 0,
        };
        self.nulls.append_n_non_nulls(count);
        count
    }

    fn push_number(&mut self, number: &[u8]) -> Result<(), Problem> {
        match &mut self.values {
            Values::Text { ends, bytes, .. } => {
                push(bytes, number);
                ends.push(end_of(bytes)?);
            }
            Values::Int(values) => {
                values.push(i32::try_from(whole(number)?).or(Err(Problem::OutOfRange))?);
            }
            Values::Long(values) => values.push(whole(number)?),
            Values::Double(values) => values.push(double(number)?),
            Values::Decimal { values, precision, scale } => {
                values.push(decimal::parse(number, *precision, *scale)?);
            }
            Values::Boolean(_) | Values::Timestamp(..) => return Err(Problem::Mismatch),
        }
        Ok(())
    }

    /// Appends a value that is of the column's type already. After an error nothing is appended.
    pub(super) fn push_value(&mut self, value: Value<'_>) -> Result<(), Problem> {
        match (&mut self.values, value) {
            (Values::Text { ends, bytes, .. }, Value::Text(text)) => {
                push(bytes, text.as_bytes());
                ends.push(end_of(bytes)?);
            }
            (Values::Int(values), Value::Int(value)) => values.push(value),
            (Values::Long(values), Value::Long(value))
            | (Values::Timestamp(values, ..), Value::Timestamp(value)) => values.push(value),
            (Values::Double(values), Value::Double(value)) => values.push(value),
            (Values::Boolean(values), Value::Boolean(value)) => values.append(value),
            (Values::Decimal { values, .. }, Value::Decimal(value)) => values.push(value),
            _ => return Err(Problem::Mismatch),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends a null.
    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Text { ends, .. } => ends.push(ends.last().copied().unwrap_or_default()),
            Values::Int(values) => values.push(0),
            Values::Long(values) | Values::Timestamp(values, ..) => values.push(0),
            Values::Double(values) => values.push(0.0),
            Values::Boolean(values) => values.append(false),
            Values::Decimal { values, .. } => values.push(0),
        }
        self.nulls.append_null();
    }

    /// Takes back what follows the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        match &mut self.values {
            Values::Text { ends, bytes, .. } => {
                ends.truncate(rows + 1);
                let end = ends.last().and_then(|end| usize::try_from(*end).ok());
                bytes.truncate(end.unwrap_or_default());
            }
            Values::Int(values) => values.truncate(rows),
            Values::Long(values) | Values::Timestamp(values, ..) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Boolean(values) => values.truncate(rows),
            Values::Decimal { values, .. } => values.truncate(rows),
        }
    }

    /// The values as an array, leaving none.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        Ok(match &mut self.values {
            Values::Text { ends, bytes, expected_bytes } => {
                *expected_bytes = bytes.len();
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                let bytes = Buffer::from_vec(std::mem::take(bytes));
                Arc::new(StringArray::try_new(ends, bytes, nulls)?)
            }
            Values::Int(values) => Arc::new(Int32Array::try_new(taken(values), nulls)?),
            Values::Long(values) => Arc::new(Int64Array::try_new(taken(values), nulls)?),
            Values::Double(values) => Arc::new(Float64Array::try_new(taken(values), nulls)?),
            Values::Boolean(values) => booleans(values, nulls),
            Values::Decimal { values, precision, scale } => {
                let array = PrimitiveArray::<Decimal128Type>::try_new(taken(values), nulls)?;
                let scale = i8::try_from(*scale).unwrap_or(i8::MAX);
                Arc::new(array.with_precision_and_scale(*precision, scale)?)
            }
            Values::Timestamp(values, ..) => {
                let array =
                    PrimitiveArray::<TimestampMicrosecondType>::try_new(taken(values), nulls)?;
                Arc::new(array.with_timezone("+00:00"))
            }
        })
    }
}

/// The text with which the inside of a string begins, if it has so many bytes.
#[inline(always)]
fn as_long(inside: &[u8], length: usize) -> Option<&[u8]> {
    inside.get(..length).filter(|_| inside.get(length) == Some(&b'"'))
}

fn taken<T: arrow::datatypes::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    std::mem::take(values).into()
}

fn booleans(values: &mut BooleanBufferBuilder, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(BooleanArray::new(values.finish(), nulls))
}

/// The end of the last text. A call never has so many bytes that it does not fit.
fn end_of(bytes: &[u8]) -> Result<i32, Problem> {
    i32::try_from(bytes.len()).or(Err(Problem::OutOfRange))
}

/// A whole number, of which JSON's grammar was checked before.
fn whole(number: &[u8]) -> Result<i64, Problem> {
    if let Some(value) = few_digits(number) {
        return Ok(value);
    }
    const DIGITS: u8 = 19;
    i64::try_from(decimal::parse(number, DIGITS, 0)?).or(Err(Problem::OutOfRange))
}

/// The value of digits only, if they are so few that it fits whatever they are.
fn few_digits(number: &[u8]) -> Option<i64> {
    const FITS: usize = 18;
    let (negative, digits) = match number {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > FITS {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

fn double(number: &[u8]) -> Result<f64, Problem> {
    let text = std::str::from_utf8(number).or(Err(Problem::Mismatch))?;
    let value: f64 = text.parse().or(Err(Problem::Mismatch))?;
    if value.is_finite() { Ok(value) } else { Err(Problem::OutOfRange) }
}
