//! Conditions as the kernel takes them, to leave out files.

use delta_kernel::expressions::{ColumnName, Expression, Predicate, Scalar};
use delta_kernel::schema::{DataType, PrimitiveType, StructType};

use crate::condition::{Comparison, Condition, Literal, Node};

/// A condition on columns of a table of `schema`.
///
/// # Errors
/// The column that it cannot be asked of, and why not, as the end of a sentence.
pub(super) fn predicate(
    condition: &Condition,
    schema: &StructType,
) -> Result<Predicate, (String, String)> {
    node(&condition.0, schema)
}

fn node(node_: &Node, schema: &StructType) -> Result<Predicate, (String, String)> {
    let column = |name: &str| Expression::column(ColumnName::new([name]));
    let kind = |name: &str| {
        let field = schema.field(name).map(|field| field.data_type());
        field.ok_or_else(|| (name.to_owned(), "the table has no such column".to_owned()))
    };
    Ok(match node_ {
        Node::And(one, other) => Predicate::and(node(one, schema)?, node(other, schema)?),
        Node::Or(one, other) => Predicate::or(node(one, schema)?, node(other, schema)?),
        Node::Null { column: name, is } => {
            kind(name)?;
            match is {
                true => Predicate::is_null(column(name)),
                false => Predicate::is_not_null(column(name)),
            }
        }
        Node::Compared { column: name, how, with } => {
            let value = scalar(with, kind(name)?).ok_or_else(|| {
                let kind = kind(name).map(ToString::to_string).unwrap_or_default();
                (name.clone(), format!("{with} is no value of {kind}"))
            })?;
            let (column, value) = (column(name), Expression::literal(value));
            match how {
                Comparison::Equal => Predicate::eq(column, value),
                Comparison::NotEqual => Predicate::ne(column, value),
                Comparison::Less => Predicate::lt(column, value),
                Comparison::LessOrEqual => Predicate::le(column, value),
                Comparison::Greater => Predicate::gt(column, value),
                Comparison::GreaterOrEqual => Predicate::ge(column, value),
            }
        }
    })
}

/// The value of a column of this type; none when it has no such value.
fn scalar(literal: &Literal, kind: &DataType) -> Option<Scalar> {
    let DataType::Primitive(kind) = kind else { return None };
    Some(match (literal, kind) {
        (Literal::Boolean(value), PrimitiveType::Boolean) => Scalar::Boolean(*value),
        (Literal::Integer(value), PrimitiveType::Long) => Scalar::Long(*value),
        (Literal::Integer(value), PrimitiveType::Integer) => {
            Scalar::Integer((*value).try_into().ok()?)
        }
        (Literal::Integer(value), PrimitiveType::Short) => Scalar::Short((*value).try_into().ok()?),
        (Literal::Integer(value), PrimitiveType::Byte) => Scalar::Byte((*value).try_into().ok()?),
        (Literal::Integer(value), PrimitiveType::Decimal(kind)) => {
            let unit = 10_i128.checked_pow(kind.scale().into())?;
            let bits = i128::from(*value).checked_mul(unit)?;
            Scalar::decimal(bits, kind.precision(), kind.scale()).ok()?
        }
        (Literal::Text(value), PrimitiveType::String) => Scalar::String(value.clone()),
        (Literal::Date(value), PrimitiveType::Date) => Scalar::Date(*value),
        (Literal::Timestamp(value), PrimitiveType::Timestamp) => Scalar::Timestamp(*value),
        (Literal::Timestamp(value), PrimitiveType::TimestampNtz) => Scalar::TimestampNtz(*value),
        _ => return None,
    })
}
