//! What rows of a table have to be, to be read.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, Scalar, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::kernels::cmp;
use arrow::compute::{
    CastOptions, and_kleene, cast_with_options, filter_record_batch, is_not_null, is_null,
    or_kleene,
};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

/// A column of a table, to begin a [`Condition`] with.
///
/// A value is compared with columns of its kind: whole numbers with integers and decimals, text with
/// text. Columns of floats cannot be compared, nor those within others.
///
/// # Example
/// ```
/// use highwater_delta::Column;
///
/// let adults = Column::new("age").ge(18).and(Column::new("country").eq("nl"));
/// assert_eq!(adults.to_string(), "(age >= 18 and country = 'nl')");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column(String);

/// What a row has to be, to be read of a table: of the same meaning as a `WHERE` of SQL. Compared with a
/// value, null is neither equal to it nor anything else, so such rows are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(pub(crate) Node);

/// A value that a column is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Literal {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// A day, of those since 1970.
    Date(i32),
    /// A point in time, in microseconds since 1970; UTC where the column has a zone.
    Timestamp(i64),
}

/// A condition, as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Compared { column: String, how: Comparison, with: Literal },
    Null { column: String, is: bool },
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// How a column is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Column {
    /// The column of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    fn compared(self, how: Comparison, with: Literal) -> Condition {
        Condition(Node::Compared { column: self.0, how, with })
    }

    /// Its value is this one.
    #[must_use]
    pub fn eq(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::Equal, value.into())
    }

    /// Its value is another one.
    #[must_use]
    pub fn ne(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::NotEqual, value.into())
    }

    /// Its value is less.
    #[must_use]
    pub fn lt(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::Less, value.into())
    }

    /// Its value is less, or this one.
    #[must_use]
    pub fn le(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::LessOrEqual, value.into())
    }

    /// Its value is greater.
    #[must_use]
    pub fn gt(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::Greater, value.into())
    }

    /// Its value is greater, or this one.
    #[must_use]
    pub fn ge(self, value: impl Into<Literal>) -> Condition {
        self.compared(Comparison::GreaterOrEqual, value.into())
    }

    /// It has no value.
    #[must_use]
    pub fn is_null(self) -> Condition {
        Condition(Node::Null { column: self.0, is: true })
    }

    /// It has a value.
    #[must_use]
    pub fn is_not_null(self) -> Condition {
        Condition(Node::Null { column: self.0, is: false })
    }
}

impl Condition {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Node::And(self.0.into(), other.0.into()))
    }

    /// One of them holds, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Node::Or(self.0.into(), other.0.into()))
    }

    /// The columns that it looks at.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.0.columns(&mut names);
        names
    }

    /// The rows of which it holds.
    ///
    /// # Errors
    /// Rows without one of the columns, or with one that a value cannot be compared with.
    pub(crate) fn filter(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        filter_record_batch(rows, &self.0.holds(rows)?)
    }
}

impl Node {
    fn columns<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Compared { column, .. } | Self::Null { column, .. } => names.push(column),
            Self::And(one, other) | Self::Or(one, other) => {
                one.columns(names);
                other.columns(names);
            }
        }
    }

    /// Of which rows it holds; null where nobody can say.
    fn holds(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let column = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("the rows have no column {name}"));
            rows.column_by_name(name).ok_or_else(missing)
        };
        match self {
            Self::Null { column: name, is: true } => is_null(column(name)?),
            Self::Null { column: name, is: false } => is_not_null(column(name)?),
            Self::And(one, other) => and_kleene(&one.holds(rows)?, &other.holds(rows)?),
            Self::Or(one, other) => or_kleene(&one.holds(rows)?, &other.holds(rows)?),
            Self::Compared { column: name, how, with } => {
                let column = column(name)?;
                let value = Scalar::new(with.value(column.data_type())?);
                match how {
                    Comparison::Equal => cmp::eq(column, &value),
                    Comparison::NotEqual => cmp::neq(column, &value),
                    Comparison::Less => cmp::lt(column, &value),
                    Comparison::LessOrEqual => cmp::lt_eq(column, &value),
                    Comparison::Greater => cmp::gt(column, &value),
                    Comparison::GreaterOrEqual => cmp::gt_eq(column, &value),
                }
            }
        }
    }
}

impl Literal {
    /// An array of it alone, as a column of this type has it.
    fn value(&self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let value: ArrayRef = match self {
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value])),
            Self::Integer(value) => Arc::new(Int64Array::from(vec![*value])),
            Self::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
            Self::Date(value) => Arc::new(Date32Array::from(vec![*value])),
            Self::Timestamp(value) => {
                let value = TimestampMicrosecondArray::from(vec![*value]);
                match kind {
                    DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
                        Arc::new(value.with_timezone(Arc::clone(zone)))
                    }
                    _ => Arc::new(value),
                }
            }
        };
        cast_with_options(&value, kind, &CastOptions { safe: false, ..CastOptions::default() })
    }
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Literal {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Literal {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Literal {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Literal {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compared { column, how, with } => write!(f, "{column} {how} {with}"),
            Self::Null { column, is: true } => write!(f, "{column} is null"),
            Self::Null { column, is: false } => write!(f, "{column} is not null"),
            Self::And(one, other) => write!(f, "({one} and {other})"),
            Self::Or(one, other) => write!(f, "({one} or {other})"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "'{value}'"),
            Self::Date(days) => write!(f, "day {days}"),
            Self::Timestamp(micros) => write!(f, "microsecond {micros}"),
        }
    }
}
