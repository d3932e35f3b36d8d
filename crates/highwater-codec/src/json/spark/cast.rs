//! Values to cells, by Spark's rules for each type.

use super::copy;
use super::decimal;
use super::level::Row;
use super::reader::{Reader, Stop, Token};
use super::timestamp::{self, Time};
use crate::{Fault, Reason, Type};

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Int(i32),
    Long(i64),
    Double(f64),
    Boolean(bool),
    Decimal(i128),
    Timestamp(i64),
    Struct(Row),
}

/// The value at which the reader stands, for a column that is no text. Nothing when it does not fit.
///
/// Source: `JacksonParser.makeConverter` of Spark 4.1.
pub(super) fn plain(kind: &Type, reader: &mut Reader<'_>) -> Result<Option<Cell>, Stop> {
    let token = match reader.token() {
        None | Some(Token::Null) => return Ok(Some(Cell::Null)),
        Some(token) => token,
    };
    let digits = || reader.digits();
    Ok(match (kind, token) {
        (Type::Boolean, Token::True) => Some(Cell::Boolean(true)),
        (Type::Boolean, Token::False) => Some(Cell::Boolean(false)),
        (Type::Int, Token::Int) => digits().parse().ok().map(Cell::Int),
        (Type::Long, Token::Int) => digits().parse().ok().map(Cell::Long),
        (Type::Double, Token::Int | Token::Float) => copy::float(reader).map(Cell::Double),
        (Type::Double, Token::String) => match reader.string()?.as_str() {
            "NaN" => Some(Cell::Double(f64::NAN)),
            "+INF" | "+Infinity" | "Infinity" => Some(Cell::Double(f64::INFINITY)),
            "-INF" | "-Infinity" => Some(Cell::Double(f64::NEG_INFINITY)),
            _ => None,
        },
        (_, Token::String) => reader.string().map(|_| None)?,
        _ => None,
    })
}

/// A text, for a column of text or one that texts are cast to.
pub(super) fn text(kind: &Type, text: &str) -> Result<Cell, Stop> {
    let refused =
        |what: &str| Err(Stop::Rejected(Reason::new(None, Fault::Other { what: what.into() })));
    Ok(match kind {
        Type::Decimal(precision, scale) => {
            decimal::cast(text, *precision, *scale).map_or(Cell::Null, Cell::Decimal)
        }
        Type::Timestamp => match timestamp::cast(text) {
            Time::At(micros) => Cell::Timestamp(micros),
            Time::Null => Cell::Null,
            Time::Today => {
                return refused("a time without a date, which Spark would take for one of today");
            }
            Time::InZone => {
                return refused("a time in a zone by its name, which only Spark looks up");
            }
        },
        _ => Cell::Text(text.to_owned()),
    })
}
