//! From a syntax tree to an expression of DataFusion, with types that go together.
//!
//! Each part is typed as it is made, so the first one that does not fit is the smallest, and its place is known.

mod calls;
mod casts;
mod literals;
mod operators;

use arrow::datatypes::DataType;
use datafusion_common::utils::datafusion_strsim::normalized_levenshtein;
use datafusion_common::{Column, DFSchema, DataFusionError};
use datafusion_expr::expr::{Case, InList, Like};
use datafusion_expr::type_coercion::other::{
    get_coerce_type_for_case_expression, get_coerce_type_for_list,
};
use datafusion_expr::{Expr, ExprSchemable, Operator, lit};
use sqlparser::ast::{self, Ident, Spanned as _};
use sqlparser::tokenizer::Span;

use crate::{Excerpt, SelectError};

type Result<T> = std::result::Result<T, SelectError>;

/// Makes expressions over the rows of a schema.
pub(crate) struct Translator<'a> {
    text: &'a str,
    schema: &'a DFSchema,
}

impl<'a> Translator<'a> {
    /// For the parts of `text`.
    pub(crate) fn new(text: &'a str, schema: &'a DFSchema) -> Self {
        Self { text, schema }
    }

    /// The expression of a part.
    pub(crate) fn expr(&mut self, part: &ast::Expr) -> Result<Expr> {
        use ast::Expr as Part;
        let span = part.span();
        match part {
            Part::Identifier(name) => self.named(name),
            Part::CompoundIdentifier(names) => self.field(names),
            Part::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Part::Nested(inner) => self.expr(inner),
            Part::Value(value) => self.literal(value, false),
            Part::TypedString(typed) => self.typed(typed),
            Part::Interval(interval) => self.interval(interval),
            Part::UnaryOp { op, expr } => self.unary(*op, expr),
            Part::BinaryOp { left, op, right } => self.infix(left, op, right),
            Part::Cast { kind, expr, data_type, array: false, format: None } => {
                self.cast_to(kind, expr, data_type)
            }
            Part::Case { operand, conditions, else_result, .. } => {
                self.case(span, operand.as_deref(), conditions, else_result.as_deref())
            }
            Part::InList { expr, list, negated } => self.one_of(expr, list, *negated),
            Part::Between { expr, negated, low, high } => self.between(expr, (low, high), *negated),
            Part::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like((expr, pattern), escape_char.as_ref(), *negated, false)
            }
            Part::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like((expr, pattern), escape_char.as_ref(), *negated, true)
            }
            Part::RLike { negated, expr, pattern, regexp: _ } => {
                let op = if *negated { Operator::RegexNotMatch } else { Operator::RegexMatch };
                let span = expr.span().union(&pattern.span());
                let (left, right) = (self.expr(expr)?, self.expr(pattern)?);
                self.binary(span, left, op, right)
            }
            Part::IsNull(inner) => Ok(self.expr(inner)?.is_null()),
            Part::IsNotNull(inner) => Ok(self.expr(inner)?.is_not_null()),
            Part::IsTrue(inner) => self.truth(inner).map(Expr::is_true),
            Part::IsNotTrue(inner) => self.truth(inner).map(Expr::is_not_true),
            Part::IsFalse(inner) => self.truth(inner).map(Expr::is_false),
            Part::IsNotFalse(inner) => self.truth(inner).map(Expr::is_not_false),
            Part::IsUnknown(inner) => self.truth(inner).map(Expr::is_unknown),
            Part::IsNotUnknown(inner) => self.truth(inner).map(Expr::is_not_unknown),
            Part::IsDistinctFrom(left, right) => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                self.binary(span, left, Operator::IsDistinctFrom, right)
            }
            Part::IsNotDistinctFrom(left, right) => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                self.binary(span, left, Operator::IsNotDistinctFrom, right)
            }
            call => self.called(call),
        }
    }

    /// The type of an expression that stands at `span`.
    pub(crate) fn type_of(&self, expr: &Expr, span: Span) -> Result<DataType> {
        self.fits(span, expr.get_type(self.schema))
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &Ident) -> Result<usize> {
        let names = self.schema.fields().iter().map(|field| field.name().as_str());
        self.find(name, names)
    }

    fn named(&self, name: &Ident) -> Result<Expr> {
        let field = self.schema.field(self.column(name)?);
        Ok(Expr::Column(Column::new_unqualified(field.name())))
    }

    /// A column, then fields of structs within each other.
    fn field(&self, names: &[Ident]) -> Result<Expr> {
        let Some((column, fields)) = names.split_first() else {
            return Err(self.misfit(Span::empty(), "a name has no parts"));
        };
        let mut made = self.named(column)?;
        for name in fields {
            made = self.part(made, name)?;
        }
        Ok(made)
    }

    fn part(&self, of: Expr, name: &Ident) -> Result<Expr> {
        let fields = match self.type_of(&of, name.span)? {
            DataType::Struct(fields) => fields,
            found => {
                let what = format!("{} is no field: what is before it is {found}", name.value);
                return Err(self.misfit(name.span, what));
            }
        };
        let place = self.find(name, fields.iter().map(|field| field.name().as_str()))?;
        let field = fields.get(place).map(|field| field.name().clone()).unwrap_or_default();
        let part = datafusion_functions::core::get_field().call(vec![of, lit(field)]);
        self.type_of(&part, name.span)?;
        Ok(part)
    }

    fn access(&mut self, root: &ast::Expr, chain: &[ast::AccessExpr]) -> Result<Expr> {
        let mut made = self.expr(root)?;
        for access in chain {
            let name = match access {
                ast::AccessExpr::Dot(ast::Expr::Identifier(name)) => name.clone(),
                ast::AccessExpr::Subscript(ast::Subscript::Index {
                    index: ast::Expr::Value(value),
                }) => match &value.value {
                    ast::Value::SingleQuotedString(name) => {
                        Ident { value: name.clone(), quote_style: None, span: value.span }
                    }
                    _ => return Err(self.elements(value.span)),
                },
                other => return Err(self.elements(other.span())),
            };
            made = self.part(made, &name)?;
        }
        Ok(made)
    }

    fn elements(&self, span: Span) -> SelectError {
        let what = "elements of lists and maps cannot be taken out";
        self.unsupported(span, what, "write a map_batches for it")
    }

    /// `CASE`, with an operand or without.
    fn case(
        &mut self,
        span: Span,
        operand: Option<&ast::Expr>,
        branches: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let operand = operand.map(|operand| self.expr(operand)).transpose()?;
        let mut made = Vec::with_capacity(branches.len());
        for branch in branches {
            let condition = match &operand {
                None => self.truth(&branch.condition)?,
                Some(operand) => {
                    let value = self.expr(&branch.condition)?;
                    self.binary(branch.condition.span(), operand.clone(), Operator::Eq, value)?
                }
            };
            made.push((condition, self.expr(&branch.result)?));
        }
        let otherwise = otherwise.map(|otherwise| self.expr(otherwise)).transpose()?;
        self.choice(span, made, otherwise)
    }

    /// The value of the first condition that holds.
    fn choice(
        &self,
        span: Span,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Expr>,
    ) -> Result<Expr> {
        let types = branches.iter().map(|(_, value)| self.type_of(value, span));
        let types = types.collect::<Result<Vec<_>>>()?;
        let last = otherwise.as_ref().map(|value| self.type_of(value, span)).transpose()?;
        let Some(one) = get_coerce_type_for_case_expression(&types, last.as_ref()) else {
            let all = types.iter().chain(&last).map(ToString::to_string).collect::<Vec<_>>();
            let what = format!("the branches have no type in common: {}", all.join(", "));
            return Err(self.misfit(span, what));
        };
        let branches = branches.into_iter().map(|(condition, value)| {
            Ok((Box::new(condition), Box::new(self.as_type(value, &one, span)?)))
        });
        let branches = branches.collect::<Result<Vec<_>>>()?;
        let otherwise = otherwise.map(|value| self.as_type(value, &one, span)).transpose()?;
        let made = Expr::Case(Case::new(None, branches, otherwise.map(Box::new)));
        self.type_of(&made, span)?;
        Ok(made)
    }

    fn one_of(&mut self, expr: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Expr> {
        let span = expr.span();
        let of = self.expr(expr)?;
        let among = list.iter().map(|value| self.expr(value)).collect::<Result<Vec<_>>>()?;
        let types = among.iter().map(|value| self.type_of(value, span));
        let (types, own) = (types.collect::<Result<Vec<_>>>()?, self.type_of(&of, span)?);
        let Some(one) = get_coerce_type_for_list(&own, &types) else {
            let all = types.iter().map(ToString::to_string).collect::<Vec<_>>();
            let what = format!("{own} cannot be compared with all of {}", all.join(", "));
            return Err(self.misfit(span, what));
        };
        let among = among.into_iter().map(|value| self.as_type(value, &one, span));
        let among = among.collect::<Result<Vec<_>>>()?;
        let of = self.as_type(of, &one, span)?;
        Ok(Expr::InList(InList::new(Box::new(of), among, negated)))
    }

    fn like(
        &mut self,
        (expr, pattern): (&ast::Expr, &ast::Expr),
        escape: Option<&ast::ValueWithSpan>,
        negated: bool,
        any_case: bool,
    ) -> Result<Expr> {
        if let Some(escape) = escape {
            let what = "a backslash is what escapes in a pattern";
            return Err(self.unsupported(escape.span, what, "leave ESCAPE out"));
        }
        let text = self.text_of(expr)?;
        let pattern = self.text_of(pattern)?;
        let like = Like::new(negated, Box::new(text), Box::new(pattern), None, any_case);
        Ok(Expr::Like(like))
    }

    /// A part that is text.
    fn text_of(&mut self, part: &ast::Expr) -> Result<Expr> {
        let made = self.expr(part)?;
        match self.type_of(&made, part.span())? {
            DataType::Utf8 => Ok(made),
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                self.as_type(made, &DataType::Utf8, part.span())
            }
            found => Err(self.misfit(part.span(), format!("this is {found}, and no text"))),
        }
    }

    /// A part that is true or false.
    pub(crate) fn truth(&mut self, part: &ast::Expr) -> Result<Expr> {
        let made = self.expr(part)?;
        self.boolean(made, part.span())
    }

    fn boolean(&self, made: Expr, span: Span) -> Result<Expr> {
        match self.type_of(&made, span)? {
            DataType::Boolean => Ok(made),
            DataType::Null => self.as_type(made, &DataType::Boolean, span),
            found => Err(SelectError::Condition { found, at: Excerpt::new(self.text, span) }),
        }
    }

    /// The place of a name among others: of the same letters, or else, if there is only one, of letters that differ
    /// in their case.
    fn find<'n>(
        &self,
        name: &Ident,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<usize> {
        let wanted = name.value.as_str();
        if let Some(place) = names.clone().position(|found| found == wanted) {
            return Ok(place);
        }
        let lower = wanted.to_lowercase();
        let mut alike =
            names.clone().enumerate().filter(|(_, found)| found.to_lowercase() == lower);
        match (alike.next(), alike.next()) {
            (Some((place, _)), None) => Ok(place),
            _ => Err(SelectError::Column {
                column: wanted.to_owned(),
                there: by_likeness(&lower, names),
                at: Excerpt::new(self.text, name.span),
            }),
        }
    }

    /// What DataFusion says of the part at `span`, if it does not fit.
    fn fits<T>(&self, span: Span, said: std::result::Result<T, DataFusionError>) -> Result<T> {
        said.map_err(|error| self.misfit(span, message(&error)))
    }

    fn misfit(&self, span: Span, what: impl Into<String>) -> SelectError {
        SelectError::Type { what: what.into(), at: Excerpt::new(self.text, span) }
    }

    fn unsupported(&self, span: Span, what: &'static str, instead: &'static str) -> SelectError {
        SelectError::Unsupported { what, instead, at: Excerpt::new(self.text, span) }
    }
}

/// All of them, the most similar one first; in their order where they are equally so.
pub(crate) fn by_likeness<'n>(to: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let likeness = |name: &str| normalized_levenshtein(to, &name.to_lowercase());
    let mut all: Vec<_> = names.map(|name| (likeness(name), name.to_owned())).collect();
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    all.into_iter().map(|(_, name)| name).collect()
}

/// What an error of DataFusion says, without where it comes from.
pub(crate) fn message(error: &DataFusionError) -> String {
    let root = error.find_root();
    let message = match root {
        DataFusionError::ArrowError(error, _) => error.to_string(),
        other => other.message().into_owned(),
    };
    // A backtrace may follow where one was asked for.
    let message = message.split("\n\nbacktrace: ").next().unwrap_or_default();
    message.trim().to_owned()
}

#[cfg(test)]
mod tests;
