//! Types by their names in Spark, and casts.

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion_expr::expr::{Cast, TryCast};
use datafusion_expr::{Expr, ScalarUDF};
use sqlparser::ast::{self, CastKind, ExactNumberInfo, Spanned as _, TimezoneInfo};
use sqlparser::tokenizer::Span;

use super::{Result, Translator};
use crate::decimal;
use crate::own::instant;

impl Translator<'_> {
    /// The same expression as another type, which it is cast to if it has to be.
    pub(super) fn as_type(&self, expr: Expr, to: &DataType, span: Span) -> Result<Expr> {
        let from = self.type_of(&expr, span)?;
        if from == *to {
            return Ok(expr);
        }
        if !can_cast_types(&from, to) {
            return Err(self.misfit(span, format!("{from} cannot become {to}")));
        }
        if let (true, Some(function)) = (from.is_string(), decimal_of(to, false)) {
            let text = self.as_type(expr, &DataType::Utf8, span)?;
            return Ok(function.call(vec![text]));
        }
        if let Expr::Literal(value, None) = &expr
            && let Ok(value) = value.cast_to(to)
        {
            return Ok(Expr::Literal(value, None));
        }
        Ok(Expr::Cast(Cast::new(Box::new(expr), to.clone())))
    }

    /// `CAST`, `TRY_CAST` and `::`.
    pub(super) fn cast_to(
        &mut self,
        kind: &CastKind,
        of: &ast::Expr,
        to: &ast::DataType,
    ) -> Result<Expr> {
        let span = of.span();
        let to = self.sql_type(to, span)?;
        let made = self.expr(of)?;
        let from = self.type_of(&made, span)?;
        if is_time(&from) && to.is_numeric() || from.is_numeric() && is_time(&to) {
            let what = "what number a time is depends on whom one asks";
            let instead = "to_unixtime(..) gives seconds; timestamp_seconds(..), timestamp_millis(..) and timestamp_micros(..) take a number";
            return Err(self.unsupported(span, what, instead));
        }
        match kind {
            CastKind::Cast | CastKind::DoubleColon => self.as_type(made, &to, span),
            CastKind::TryCast | CastKind::SafeCast => {
                if let (true, Some(function)) = (from.is_string(), decimal_of(&to, true)) {
                    let text = self.as_type(made, &DataType::Utf8, span)?;
                    return Ok(function.call(vec![text]));
                }
                match can_cast_types(&from, &to) {
                    true => Ok(Expr::TryCast(TryCast::new(Box::new(made), to))),
                    false => Err(self.misfit(span, format!("{from} cannot become {to}"))),
                }
            }
        }
    }

    /// The type that a name stands for.
    pub(super) fn sql_type(&self, name: &ast::DataType, span: Span) -> Result<DataType> {
        let found = match name {
            ast::DataType::Decimal(of) | ast::DataType::Numeric(of) | ast::DataType::Dec(of) => {
                decimal(*of)
            }
            other => plain(other),
        };
        found.ok_or_else(|| {
            let what = "there is no such type";
            let instead = "there are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), STRING, BINARY, DATE, TIMESTAMP, TIMESTAMP_NTZ";
            self.unsupported(span, what, instead)
        })
    }
}

/// The function from text to decimals of a type; none for other types.
fn decimal_of(to: &DataType, or_null: bool) -> Option<ScalarUDF> {
    match to {
        DataType::Decimal128(precision, scale) => {
            Some(decimal::of_text(*precision, u8::try_from(*scale).ok()?, or_null))
        }
        _ => None,
    }
}

fn is_time(found: &DataType) -> bool {
    matches!(found, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

/// A decimal of at most 38 digits; of (10, 0) where nothing is said, as in Spark.
fn decimal(of: ExactNumberInfo) -> Option<DataType> {
    let (precision, scale) = match of {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    let precision = u8::try_from(precision).ok().filter(|it| (1..=38).contains(it))?;
    let scale = u8::try_from(scale).ok().filter(|it| *it <= precision)?;
    Some(DataType::Decimal128(precision, i8::try_from(scale).ok()?))
}

fn plain(name: &ast::DataType) -> Option<DataType> {
    use ast::DataType as Name;
    Some(match name {
        Name::Boolean | Name::Bool => DataType::Boolean,
        Name::TinyInt(None) => DataType::Int8,
        Name::SmallInt(None) => DataType::Int16,
        Name::Int(None) | Name::Integer(None) => DataType::Int32,
        Name::BigInt(None) => DataType::Int64,
        Name::Float(ExactNumberInfo::None) | Name::Real => DataType::Float32,
        Name::Double(ExactNumberInfo::None) | Name::DoublePrecision => DataType::Float64,
        Name::String(None) | Name::Text => DataType::Utf8,
        Name::Binary(None) => DataType::Binary,
        Name::Date => DataType::Date32,
        Name::Timestamp(None, TimezoneInfo::None) => instant(),
        Name::TimestampNtz(None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        Name::Custom(name, of) if of.is_empty() => match name.to_string().to_lowercase().as_str() {
            "byte" => DataType::Int8,
            "short" => DataType::Int16,
            "long" => DataType::Int64,
            "timestamp_ltz" => instant(),
            _ => return None,
        },
        _ => return None,
    })
}
