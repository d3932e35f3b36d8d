//! The columns of a row, each with the JSON key that feeds it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::CodecError;
use crate::json::MAX_DEPTH;

/// Which values a column holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Type {
    /// Text: Arrow `Utf8`.
    Text,
    /// A whole number of 32 bits: Arrow `Int32`.
    Int,
    /// A whole number of 64 bits: Arrow `Int64`.
    Long,
    /// A binary floating-point number: Arrow `Float64`.
    Double,
    /// True or false: Arrow `Boolean`.
    Boolean,
    /// An exact number of so many digits (1 to 38), so many of them after the point: Arrow
    /// `Decimal128`.
    Decimal(u8, u8),
    /// A point in time in microseconds: Arrow `Timestamp` with zone `+00:00`.
    Timestamp,
    /// An object with columns of its own: Arrow `Struct`.
    Struct(Columns),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Int => f.write_str("int"),
            Self::Long => f.write_str("long"),
            Self::Double => f.write_str("double"),
            Self::Boolean => f.write_str("boolean"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Struct(_) => f.write_str("struct"),
        }
    }
}

/// A column: its name and type, whether it may be null, and the key that feeds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) required: bool,
    pub(crate) key: Option<String>,
}

impl Column {
    /// A column that is never null: a record without its key, or with null there, is rejected. The
    /// key is called as the column. By the rules of Spark it may be null all the same.
    pub fn required(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind, required: true, key: None }
    }

    /// A column that is null when its key is missing or null. The key is called as the column.
    pub fn optional(name: impl Into<String>, kind: Type) -> Self {
        Self { required: false, ..Self::required(name, kind) }
    }

    /// The same column fed by another key. One key may feed several columns.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn fed_by(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.name)
    }

    fn field(&self) -> Field {
        let kind = match &self.kind {
            Type::Text => DataType::Utf8,
            Type::Int => DataType::Int32,
            Type::Long => DataType::Int64,
            Type::Double => DataType::Float64,
            Type::Boolean => DataType::Boolean,
            Type::Decimal(precision, scale) => {
                DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))
            }
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            Type::Struct(columns) => DataType::Struct(columns.fields()),
        };
        Field::new(&self.name, kind, !self.required)
    }
}

/// The columns of a row, in their order.
///
/// # Example
/// ```
/// use highwater_codec::{Column, Columns, Type};
///
/// let orders = Columns::new()
///     .required("order_id", Type::Long)
///     .optional("customer", Type::Struct(Columns::new().optional("name", Type::Text)))
///     .column(Column::optional("placed_at", Type::Timestamp).key("ts"));
/// assert_eq!(orders.schema().field(2).name(), "placed_at");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column that is never null; see [`Column::required`].
    #[must_use]
    pub fn required(self, name: impl Into<String>, kind: Type) -> Self {
        self.column(Column::required(name, kind))
    }

    /// Adds a column that may be null; see [`Column::optional`].
    #[must_use]
    pub fn optional(self, name: impl Into<String>, kind: Type) -> Self {
        self.column(Column::optional(name, kind))
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.0.push(column);
        self
    }

    /// The columns as Arrow has them.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields()))
    }

    /// The columns as Arrow has them where each may be null, and so may those of structs.
    pub(crate) fn optional_fields(&self) -> Fields {
        let optional = |column: &Column| {
            let field = column.field().with_nullable(true);
            match &column.kind {
                Type::Struct(columns) => {
                    field.with_data_type(DataType::Struct(columns.optional_fields()))
                }
                _ => field,
            }
        };
        self.0.iter().map(optional).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.0.iter()
    }

    pub(crate) fn fields(&self) -> Fields {
        self.0.iter().map(Column::field).collect()
    }

    /// Checks names, keys and types of these columns, which lie `depth` objects deep at `path`.
    pub(crate) fn check(&self, path: &str, depth: usize) -> Result<(), CodecError> {
        let within = || {
            if path.is_empty() { "the record".to_owned() } else { format!("struct column {path}") }
        };
        if self.0.is_empty() {
            return Err(CodecError::NoColumns { within: within() });
        }
        if depth > MAX_DEPTH {
            return Err(CodecError::TooDeep { path: path.to_owned(), limit: MAX_DEPTH });
        }
        let mut names = BTreeSet::new();
        for column in &self.0 {
            let path = join(path, &column.name);
            if column.name.is_empty() {
                return Err(CodecError::EmptyName { within: within() });
            }
            if !names.insert(&column.name) {
                return Err(CodecError::DuplicateColumn { path });
            }
            match &column.kind {
                Type::Decimal(precision, scale)
                    if !(1..=38).contains(precision) || scale > precision =>
                {
                    let (precision, scale) = (*precision, *scale);
                    return Err(CodecError::BadDecimal { path, precision, scale });
                }
                Type::Struct(columns) => {
                    let key = column.fed_by();
                    if self.0.iter().filter(|other| other.fed_by() == key).count() > 1 {
                        return Err(CodecError::SharedStruct { key: key.to_owned(), path });
                    }
                    columns.check(&path, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// All that decides about rows, without ambiguity: names and keys are quoted.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, column) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let required = if column.required { "required" } else { "optional" };
            write!(f, "{comma}{:?} {required} {}", column.name, column.kind)?;
            if let Type::Struct(columns) = &column.kind {
                write!(f, "{columns}")?;
            }
            write!(f, " from {:?}", column.fed_by())?;
        }
        f.write_str("}")
    }
}

/// The path of a column in a struct, for messages.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests;
