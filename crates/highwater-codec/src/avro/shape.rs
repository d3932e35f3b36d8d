//! What the bytes of a record must be, checked before anything is decoded from them. So what is wrong
//! with a record is known with its place, and nothing of it is in the columns yet.

use std::fmt::Display;
use std::sync::Arc;

use crate::{Fault, Problem, Reason, Type, parse_decimal, parse_timestamp};

/// The most items without bytes that a record may have: there is no end of data that stops them.
const MAX_EMPTY_ITEMS: usize = 10_000;

/// The encoding of a type, with what a value must be for its column.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Boolean,
    Int(Must),
    Long(Must),
    Bytes,
    Text(TextAs),
    /// So many bytes of any kind.
    Fixed(usize),
    /// An unscaled number of so many digits, in so many bytes or with its length in front.
    Decimal {
        size: Option<usize>,
        digits: u32,
        wanted: Type,
    },
    Enum(Vec<Option<Fault>>),
    Array(Box<Self>),
    Map(Box<Self>),
    Union(Vec<(Self, Option<Fault>)>),
    Record(Vec<(Arc<str>, Self)>),
    /// One value that feeds several columns, and must fit each of them.
    All(Vec<Self>),
}

/// What a whole number must be.
#[derive(Debug)]
pub(super) enum Must {
    Be,
    /// Small enough to be a thousand times as large.
    BeMillis,
    /// A number of so many digits at most.
    HaveDigits(u32, Type),
}

/// What a text must be.
#[derive(Debug)]
pub(super) enum TextAs {
    Text,
    Uuid,
    Decimal(u8, u8),
    Timestamp,
}

impl Shape {
    /// Checks that `value` from byte `start` on is one record of this shape and nothing else.
    pub(super) fn check(&self, value: &[u8], start: usize) -> Result<(), Reason> {
        let mut walk = Walk { value, at: start, column: None, empty_items: 0 };
        let result = walk.pass(self).and_then(|()| {
            walk.column = None;
            match value.len().saturating_sub(walk.at) {
                0 => Ok(()),
                more => Err(walk.wrong(format_args!("{more} bytes follow the record"))),
            }
        });
        result.map_err(|fault| Reason::new(Some(walk.at), *fault))
    }
}

/// Boxed, as a good record is what comes as a rule.
type Checked<T> = Result<T, Box<Fault>>;

struct Walk<'a> {
    value: &'a [u8],
    at: usize,
    column: Option<&'a Arc<str>>,
    empty_items: usize,
}

impl<'a> Walk<'a> {
    fn pass(&mut self, shape: &'a Shape) -> Checked<()> {
        match shape {
            Shape::Null => Ok(()),
            Shape::Boolean => match self.take(1)? {
                [0 | 1] => Ok(()),
                other => {
                    let other = other.first().copied().unwrap_or_default();
                    Err(self.wrong(format_args!("a boolean is 0 or 1, not {other}")))
                }
            },
            Shape::Int(must) => {
                let value = self.int()?.into();
                self.whole(value, must)
            }
            Shape::Long(must) => {
                let value = self.long()?;
                self.whole(value, must)
            }
            Shape::Bytes => self.counted().map(|_| ()),
            Shape::Text(kind) => self.text(kind),
            Shape::Fixed(size) => self.take(*size).map(|_| ()),
            Shape::Decimal { size, digits, wanted } => self.decimal(*size, *digits, wanted),
            Shape::Enum(symbols) => self.symbol(symbols),
            Shape::Array(items) => self.blocks(false, items),
            Shape::Map(values) => self.blocks(true, values),
            Shape::Union(branches) => self.union(branches),
            Shape::Record(fields) => fields.iter().try_for_each(|(path, field)| {
                self.column = Some(path);
                self.pass(field)
            }),
            Shape::All(shapes) => {
                let begin = self.at;
                shapes.iter().try_for_each(|shape| {
                    self.at = begin;
                    self.pass(shape)
                })
            }
        }
    }

    fn decimal(&mut self, size: Option<usize>, digits: u32, wanted: &Type) -> Checked<()> {
        let bytes = match size {
            Some(size) => self.take(size)?,
            None => self.counted()?,
        };
        match unscaled(bytes) {
            Some(value) if has_digits(value, digits) => Ok(()),
            value => {
                let found = value.map_or("a decimal".to_owned(), |value| value.to_string());
                Err(self.unfit(Problem::OutOfRange, wanted, &found))
            }
        }
    }

    fn symbol(&mut self, symbols: &[Option<Fault>]) -> Checked<()> {
        let index = self.int()?;
        match usize::try_from(index).ok().and_then(|index| symbols.get(index)) {
            Some(None) => Ok(()),
            Some(Some(unreadable)) => Err(Box::new(unreadable.clone())),
            None => {
                let of = symbols.len();
                Err(self.wrong(format_args!("there is no symbol {index} in an enum of {of}")))
            }
        }
    }

    fn union(&mut self, branches: &'a [(Shape, Option<Fault>)]) -> Checked<()> {
        let index = self.long()?;
        match usize::try_from(index).ok().and_then(|index| branches.get(index)) {
            Some((shape, None)) => self.pass(shape),
            Some((_, Some(unreadable))) => Err(Box::new(unreadable.clone())),
            None => {
                let of = branches.len();
                Err(self.wrong(format_args!("there is no branch {index} in a union of {of}")))
            }
        }
    }

    fn blocks(&mut self, keys: bool, items: &'a Shape) -> Checked<()> {
        let column = self.column;
        loop {
            let count = self.long()?;
            let mut end = None;
            if count < 0 {
                let size = self.long()?;
                let size = usize::try_from(size);
                end = size.ok().and_then(|size| self.at.checked_add(size));
                if end.is_none_or(|end| end > self.value.len()) {
                    return Err(self.wrong("a block is longer than the record"));
                }
            }
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count.unsigned_abs() {
                let before = self.at;
                if keys {
                    self.text(&TextAs::Text)?;
                }
                self.pass(items)?;
                self.column = column;
                self.empty_items += usize::from(self.at == before);
                if self.empty_items > MAX_EMPTY_ITEMS {
                    let limit = MAX_EMPTY_ITEMS;
                    return Err(self.wrong(format_args!("more than {limit} items without bytes")));
                }
            }
            if end.is_some_and(|end| end != self.at) {
                return Err(self.wrong("a block has another length than it says"));
            }
        }
    }

    fn whole(&self, value: i64, must: &Must) -> Checked<()> {
        match must {
            Must::Be => Ok(()),
            Must::BeMillis if value.checked_mul(1_000).is_some() => Ok(()),
            Must::BeMillis => {
                Err(self.unfit(Problem::OutOfRange, &Type::Timestamp, &format!("{value} ms")))
            }
            Must::HaveDigits(digits, _) if has_digits(value.into(), *digits) => Ok(()),
            Must::HaveDigits(_, wanted) => {
                Err(self.unfit(Problem::OutOfRange, wanted, &value.to_string()))
            }
        }
    }

    fn text(&mut self, kind: &TextAs) -> Checked<()> {
        let bytes = self.counted()?;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(self.wrong("a string is not UTF-8"));
        };
        match kind {
            TextAs::Text => Ok(()),
            TextAs::Uuid if is_uuid(bytes) => Ok(()),
            TextAs::Uuid => {
                let text = crate::reason::excerpt(text);
                Err(self.wrong(format_args!("{text:?} is no UUID")))
            }
            TextAs::Decimal(precision, scale) => match parse_decimal(text, *precision, *scale) {
                Ok(_) => Ok(()),
                Err(problem) => {
                    let wanted = Type::Decimal(*precision, *scale);
                    Err(self.unfit(problem, &wanted, &crate::reason::excerpt(text)))
                }
            },
            TextAs::Timestamp => match parse_timestamp(text) {
                Ok(_) => Ok(()),
                Err(problem) => {
                    Err(self.unfit(problem, &Type::Timestamp, &crate::reason::excerpt(text)))
                }
            },
        }
    }

    /// Bytes with their number in front.
    fn counted(&mut self) -> Checked<&'a [u8]> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(self.wrong(format_args!("a length of {length}"))),
        }
    }

    fn take(&mut self, count: usize) -> Checked<&'a [u8]> {
        let end = self.at.checked_add(count);
        let Some(taken) = end.and_then(|end| self.value.get(self.at..end)) else {
            let there = self.value.len().saturating_sub(self.at);
            return Err(self.wrong(format_args!("{count} bytes are needed, there are {there}")));
        };
        self.at = self.at.saturating_add(count);
        Ok(taken)
    }

    fn int(&mut self) -> Checked<i32> {
        let begin = self.at;
        let value = self.long()?;
        match i32::try_from(value) {
            Ok(value) if self.at - begin <= 5 => Ok(value),
            _ => Err(self.wrong(format_args!("{value} is no int"))),
        }
    }

    /// A whole number in zig-zag encoding.
    fn long(&mut self) -> Checked<i64> {
        let mut bits = 0_u64;
        for place in 0..10_u32 {
            let Some(byte) = self.value.get(self.at) else {
                return Err(self.wrong("the record ends within a number"));
            };
            if place == 9 && *byte > 1 {
                break;
            }
            self.at += 1;
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                let half = i64::try_from(bits >> 1).unwrap_or(i64::MAX);
                return Ok(if bits & 1 == 0 { half } else { -1 - half });
            }
        }
        Err(self.wrong("a number of more than 64 bits"))
    }

    fn wrong(&self, what: impl Display) -> Box<Fault> {
        let what = match self.column {
            Some(column) => format!("column {column}: {what}"),
            None => what.to_string(),
        };
        Box::new(Fault::Other { what: what.into() })
    }

    fn unfit(&self, problem: Problem, wanted: &Type, found: &str) -> Box<Fault> {
        let column = self.column.cloned().unwrap_or_default();
        Box::new(Fault::Value { column, problem, wanted: wanted.clone(), found: found.into() })
    }
}

/// The number in two's complement, the most significant byte first; nothing beyond 128 bits.
fn unscaled(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut value = if negative { -1_i128 } else { 0 };
    for byte in bytes {
        value = value.checked_mul(256)? | i128::from(*byte);
    }
    Some(value)
}

fn has_digits(value: i128, digits: u32) -> bool {
    10_u128.checked_pow(digits).is_none_or(|end| value.unsigned_abs() < end)
}

/// Whether the text is 32 digits in the five groups of a UUID.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
