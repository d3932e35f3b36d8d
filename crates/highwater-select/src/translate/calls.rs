//! Calls of functions, and what SQL has words for that stand for one.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::Cast;
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{Expr, ExprSchemable, Operator, ScalarUDF, lit};
use datafusion_functions::{core, datetime, math, regex, string, unicode};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned as _};
use sqlparser::tokenizer::Span;

use super::{Result, Translator};
use crate::functions::{self, Named};
use crate::own::{UTC, instant};
use crate::parse::single;
use crate::{Excerpt, SelectError};

/// The longest text that `repeat`, `lpad` and `rpad` make, in characters.
const LONGEST: i64 = 4_096;

impl Translator<'_> {
    /// A call, or what is written in another way and is one.
    pub(super) fn called(&mut self, part: &ast::Expr) -> Result<Expr> {
        use ast::Expr as Part;
        let span = part.span();
        match part {
            Part::Function(call) => self.function(call),
            Part::Extract { field, expr, .. } => {
                let of = self.expr(expr)?;
                let field = lit(field.to_string().to_lowercase());
                self.pass(span, &datetime::date_part(), vec![field, of])
            }
            Part::Ceil {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => {
                let of = self.expr(expr)?;
                self.pass(span, &math::ceil(), vec![of])
            }
            Part::Floor {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => {
                let of = self.expr(expr)?;
                self.pass(span, &math::floor(), vec![of])
            }
            Part::Position { expr, r#in } => {
                let args = vec![self.expr(r#in)?, self.expr(expr)?];
                self.pass(span, &unicode::strpos(), args)
            }
            Part::Substring { expr, substring_from, substring_for, .. } => {
                let mut args = vec![self.expr(expr)?];
                for more in [substring_from, substring_for].into_iter().flatten() {
                    args.push(self.expr(more)?);
                }
                self.checked(span, "substring", &args)?;
                self.pass(span, &unicode::substr(), args)
            }
            Part::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let trim = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => string::btrim(),
                    Some(ast::TrimWhereField::Leading) => string::ltrim(),
                    Some(ast::TrimWhereField::Trailing) => string::rtrim(),
                };
                let mut args = vec![self.expr(expr)?];
                args.extend(trim_what.as_ref().map(|what| self.expr(what)).transpose()?);
                self.pass(span, &trim, args)
            }
            Part::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args = vec![];
                for arg in [expr, overlay_what, overlay_from].into_iter().chain(overlay_for) {
                    args.push(self.expr(arg)?);
                }
                self.pass(span, &core::overlay(), args)
            }
            Part::Subquery(_) | Part::Exists { .. } | Part::InSubquery { .. } => {
                let what = "a step sees one row at a time, and no tables";
                Err(self.unsupported(span, what, "join with the table before"))
            }
            _ => {
                let what = "this is no part of expressions";
                Err(self.unsupported(span, what, "write a map_batches for it"))
            }
        }
    }

    fn function(&mut self, call: &ast::Function) -> Result<Expr> {
        let span = call.name.span();
        let Some(name) = single(&call.name) else {
            let what = "functions have names of one part";
            return Err(self.unsupported(span, what, "write the name alone"));
        };
        let function = name.value.clone();
        let at = || Excerpt::new(self.text, span);
        let named = match functions::find(&function) {
            Named::Changing => return Err(SelectError::Changing { function, at: at() }),
            Named::Unknown(near) => return Err(SelectError::Function { function, near, at: at() }),
            Named::Ambiguous(instead) => {
                let what = "Spark and DataFusion know different functions by this name";
                return Err(self.unsupported(span, what, instead));
            }
            Named::Aggregate => {
                let what = "an aggregate adds rows up, and a step sees one at a time";
                return Err(self.unsupported(span, what, "apply a Window of highwater-window"));
            }
            named => named,
        };
        let args = self.arguments(call, span)?;
        self.checked(span, &function, &args)?;
        match named {
            Named::Written(name) => self.written(span, name, args),
            Named::Passed(function) => self.pass(span, &function, args),
            _ => Err(self.misfit(span, "there is no such function")),
        }
    }

    /// The arguments of a call that has nothing but those.
    fn arguments(&mut self, call: &ast::Function, span: Span) -> Result<Vec<Expr>> {
        let plain = call.filter.is_none()
            && call.over.is_none()
            && call.null_treatment.is_none()
            && call.within_group.is_empty()
            && matches!(call.parameters, FunctionArguments::None);
        let list = match &call.args {
            FunctionArguments::None if plain => return Ok(Vec::new()),
            FunctionArguments::List(list)
                if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
            {
                &list.args
            }
            _ => {
                let what = "a step sees one row at a time, so calls have arguments alone";
                return Err(self.unsupported(span, what, "apply a Window of highwater-window"));
            }
        };
        let arg = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => self.expr(arg),
            other => {
                let what = "arguments are expressions, in their order";
                Err(self.unsupported(other.span(), what, "write them without names"))
            }
        };
        list.iter().map(arg).collect()
    }

    /// Checks what DataFusion would do as others do not, or without a bound.
    fn checked(&self, span: Span, name: &str, args: &[Expr]) -> Result<()> {
        let number = args.get(1).and_then(constant);
        match name.to_lowercase().as_str() {
            "repeat" | "lpad" | "rpad" if number.is_none_or(|number| number > LONGEST) => {
                let what = "how long the text becomes has to be known, and at most 4096";
                Err(self.unsupported(span, what, "write a number for it"))
            }
            "substr" | "substring" if number.is_some_and(|number| number < 1) => {
                let what = "what a place before the first character means depends on whom one asks";
                Err(self.unsupported(span, what, "count from 1, or write right(text, n)"))
            }
            _ => Ok(()),
        }
    }

    /// A call of a function of DataFusion, with arguments of types that it takes.
    pub(super) fn pass(
        &self,
        span: Span,
        function: &Arc<ScalarUDF>,
        args: Vec<Expr>,
    ) -> Result<Expr> {
        let field = |arg: &Expr| -> Result<FieldRef> {
            let nullable = self.fits(span, arg.nullable(self.schema))?;
            Ok(Arc::new(Field::new("", self.type_of(arg, span)?, nullable)))
        };
        let fields = args.iter().map(field).collect::<Result<Vec<_>>>()?;
        let wanted = self.fits(span, fields_with_udf(&fields, function.as_ref()))?;
        let args = args.into_iter().zip(&wanted);
        let args = args.map(|(arg, wanted)| self.as_type(arg, wanted.data_type(), span));
        let made = function.call(args.collect::<Result<_>>()?);
        self.type_of(&made, span)?;
        Ok(made)
    }

    /// A call of one of [`functions::WRITTEN`].
    fn written(&self, span: Span, name: &'static str, args: Vec<Expr>) -> Result<Expr> {
        let count = args.len();
        let wrong = |wanted: &str| {
            self.misfit(span, format!("{name} takes {wanted}, and here it gets {count}"))
        };
        match name {
            "coalesce" => self.first_of(span, args).ok_or_else(|| wrong("some arguments"))?,
            "nvl" | "ifnull" if count == 2 => {
                self.first_of(span, args).ok_or_else(|| wrong("two arguments"))?
            }
            "nvl" | "ifnull" => Err(wrong("two arguments")),
            "nvl2" | "if" => {
                let [test, one, other] = exactly(args).ok_or_else(|| wrong("three arguments"))?;
                let test = if name == "nvl2" { test.is_not_null() } else { test };
                let test = self.boolean(test, span)?;
                self.choice(span, vec![(test, one)], Some(other))
            }
            "concat" => {
                let mut args = args.into_iter();
                let first = args.next().ok_or_else(|| wrong("some arguments"))?;
                let first = self.as_type(first, &DataType::Utf8, span)?;
                let text = |arg| self.as_type(arg, &DataType::Utf8, span);
                let add = |made, arg| self.binary(span, made, Operator::StringConcat, text(arg)?);
                args.try_fold(first, add)
            }
            "regexp_replace" => {
                let [text, pattern, with] =
                    exactly(args).ok_or_else(|| wrong("three arguments"))?;
                self.pass(span, &regex::regexp_replace(), vec![text, pattern, with, lit("g")])
            }
            "pow" | "power" => {
                let [of, to] = exactly(args).ok_or_else(|| wrong("two arguments"))?;
                let float = |arg| self.as_type(arg, &DataType::Float64, span);
                self.pass(span, &math::power(), vec![float(of)?, float(to)?])
            }
            _ => {
                let [of] = exactly(args).ok_or_else(|| wrong("one argument"))?;
                self.of_time(span, name, of)
            }
        }
    }

    /// Times made of numbers and texts, and numbers made of times.
    fn of_time(&self, span: Span, name: &'static str, of: Expr) -> Result<Expr> {
        let field = match name {
            "to_timestamp" => return self.as_type(of, &instant(), span),
            "to_date" => return self.as_type(of, &DataType::Date32, span),
            "timestamp_seconds" => return self.since_epoch(span, of, TimeUnit::Second),
            "timestamp_millis" => return self.since_epoch(span, of, TimeUnit::Millisecond),
            "timestamp_micros" => return self.since_epoch(span, of, TimeUnit::Microsecond),
            "day" | "dayofmonth" => "day",
            "dayofyear" => "doy",
            "weekofyear" => "week",
            other => other,
        };
        self.pass(span, &datetime::date_part(), vec![lit(field), of])
    }

    /// An instant so many units after 1970.
    fn since_epoch(&self, span: Span, of: Expr, unit: TimeUnit) -> Result<Expr> {
        let found = self.type_of(&of, span)?;
        if !found.is_integer() {
            return Err(self.misfit(span, format!("this is {found}, and no whole number")));
        }
        let number = self.as_type(of, &DataType::Int64, span)?;
        let made = DataType::Timestamp(unit, Some(UTC.into()));
        let made = Expr::Cast(Cast::new(Box::new(number), made));
        self.as_type(made, &instant(), span)
    }

    /// The first argument that is not null; none where there are no arguments.
    fn first_of(&self, span: Span, mut args: Vec<Expr>) -> Option<Result<Expr>> {
        let last = args.pop()?;
        if args.is_empty() {
            return Some(Ok(last));
        }
        let branches = args.into_iter().map(|arg| (arg.clone().is_not_null(), arg));
        Some(self.choice(span, branches.collect(), Some(last)))
    }
}

fn exactly<const N: usize>(args: Vec<Expr>) -> Option<[Expr; N]> {
    args.try_into().ok()
}

/// The integer that an argument is, if it stands in the text.
fn constant(arg: &Expr) -> Option<i64> {
    match arg {
        Expr::Literal(ScalarValue::Int32(Some(number)), _) => Some(i64::from(*number)),
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => Some(*number),
        _ => None,
    }
}
