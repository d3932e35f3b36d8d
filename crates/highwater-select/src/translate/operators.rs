//! What stands between two expressions, or before one.

use arrow::datatypes::DataType;
use datafusion_expr::binary::BinaryTypeCoercer;
use datafusion_expr::expr::BinaryExpr;
use datafusion_expr::{Expr, Operator, lit};
use sqlparser::ast::{self, BinaryOperator, Spanned as _, UnaryOperator};
use sqlparser::tokenizer::Span;

use super::{Result, Translator};
use crate::own;

impl Translator<'_> {
    pub(super) fn unary(&mut self, op: UnaryOperator, of: &ast::Expr) -> Result<Expr> {
        let span = of.span();
        match (op, of) {
            (UnaryOperator::Not | UnaryOperator::BangNot, _) => {
                let made = self.truth(of)?;
                Ok(Expr::Not(Box::new(made)))
            }
            // The least number has no positive counterpart.
            (UnaryOperator::Minus, ast::Expr::Value(value))
                if matches!(value.value, ast::Value::Number(..)) =>
            {
                self.literal(value, true)
            }
            (UnaryOperator::Minus, _) => {
                let made = self.expr(of)?;
                match self.type_of(&made, span)? {
                    // A negation of integers wraps, and a difference is checked.
                    found if found.is_integer() => {
                        let zero = self.as_type(lit(0), &found, span)?;
                        self.binary(span, zero, Operator::Minus, made)
                    }
                    found if found.is_numeric() || matches!(found, DataType::Interval(_)) => {
                        Ok(Expr::Negative(Box::new(made)))
                    }
                    found => Err(self.misfit(span, format!("{found} has no negative"))),
                }
            }
            (UnaryOperator::Plus, _) => self.expr(of),
            _ => Err(self.unsupported(span, "there is no such operator", "write it as a function")),
        }
    }

    pub(super) fn infix(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
    ) -> Result<Expr> {
        let span = left.span().union(&right.span());
        let op = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let (left, right) = (self.truth(left)?, self.truth(right)?);
                let op = if *op == BinaryOperator::And { Operator::And } else { Operator::Or };
                return self.binary(span, left, op, right);
            }
            BinaryOperator::Divide => return self.divided(span, left, right),
            BinaryOperator::MyIntegerDivide => return self.whole(span, left, right),
            BinaryOperator::Modulo => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                return self.by_divisor(span, left, Operator::Modulo, right);
            }
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::StringConcat => Operator::StringConcat,
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::Spaceship => Operator::IsNotDistinctFrom,
            BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
            BinaryOperator::BitwiseOr => Operator::BitwiseOr,
            BinaryOperator::BitwiseXor => Operator::BitwiseXor,
            _ => {
                let what = "there is no such operator";
                return Err(self.unsupported(span, what, "write it as a function"));
            }
        };
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        self.binary(span, left, op, right)
    }

    /// Two expressions of types that go together.
    pub(super) fn binary(&self, span: Span, left: Expr, op: Operator, right: Expr) -> Result<Expr> {
        let (one, other) = (self.type_of(&left, span)?, self.type_of(&right, span)?);
        let types = BinaryTypeCoercer::new(&one, &op, &other).get_input_types();
        let (one, other) = self.fits(span, types)?;
        let (left, right) = (self.as_type(left, &one, span)?, self.as_type(right, &other, span)?);
        let made = Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)));
        self.type_of(&made, span)?;
        Ok(made)
    }

    /// `/`: of integers a double, as Spark has it.
    fn divided(&mut self, span: Span, left: &ast::Expr, right: &ast::Expr) -> Result<Expr> {
        let (mut left, mut right) = (self.expr(left)?, self.expr(right)?);
        let integers =
            self.type_of(&left, span)?.is_integer() && self.type_of(&right, span)?.is_integer();
        if integers {
            left = self.as_type(left, &DataType::Float64, span)?;
            right = self.as_type(right, &DataType::Float64, span)?;
        }
        self.by_divisor(span, left, Operator::Divide, right)
    }

    /// `div`: how often one integer is in another, a long.
    fn whole(&mut self, span: Span, left: &ast::Expr, right: &ast::Expr) -> Result<Expr> {
        let mut sides = [(left, Expr::default()), (right, Expr::default())];
        for (part, made) in &mut sides {
            let side = self.expr(part)?;
            let found = self.type_of(&side, part.span())?;
            if !found.is_integer() && !found.is_null() {
                let what = format!("div is for integers, and this is {found}");
                return Err(self.misfit(part.span(), what));
            }
            *made = self.as_type(side, &DataType::Int64, part.span())?;
        }
        let [(_, left), (_, right)] = sides;
        self.binary(span, left, Operator::Divide, right)
    }

    /// A division, in which zero fails for floats too.
    fn by_divisor(&self, span: Span, left: Expr, op: Operator, right: Expr) -> Result<Expr> {
        match self.binary(span, left, op, right)? {
            Expr::BinaryExpr(mut made) => {
                if self.type_of(&made.right, span)?.is_floating() {
                    made.right = Box::new(own::divisor().call(vec![*made.right]));
                }
                Ok(Expr::BinaryExpr(made))
            }
            other => Ok(other),
        }
    }

    pub(super) fn between(
        &mut self,
        expr: &ast::Expr,
        (low, high): (&ast::Expr, &ast::Expr),
        negated: bool,
    ) -> Result<Expr> {
        let span = expr.span().union(&high.span());
        let (of, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
        let (over, under, both) = match negated {
            false => (Operator::GtEq, Operator::LtEq, Operator::And),
            true => (Operator::Lt, Operator::Gt, Operator::Or),
        };
        let over = self.binary(span, of.clone(), over, low)?;
        let under = self.binary(span, of, under, high)?;
        self.binary(span, over, both, under)
    }
}
