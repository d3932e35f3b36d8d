//! Schemas of Arrow as schemas of tables, and what of one does not fit the other.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format>

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use arrow::datatypes::{DataType, Fields, Schema, TimeUnit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ColumnDifference, DeltaError};

/// A schema, as the log writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "struct")]
pub(crate) struct TableSchema {
    pub(crate) fields: Vec<Column>,
}

/// A column, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, Value>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Kind {
    Primitive(String),
    Nested(Box<Nested>),
}

/// A type with parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Nested {
    Struct {
        fields: Vec<Column>,
    },
    #[serde(rename_all = "camelCase")]
    Array {
        element_type: Kind,
        contains_null: bool,
    },
    #[serde(rename_all = "camelCase")]
    Map {
        key_type: Kind,
        value_type: Kind,
        value_contains_null: bool,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested = match self {
            Self::Primitive(name) => return f.write_str(name),
            Self::Nested(nested) => &**nested,
        };
        match nested {
            Nested::Struct { fields } => {
                let fields = fields.iter().map(|field| format!("{}: {}", field.name, field.kind));
                write!(f, "struct<{}>", fields.collect::<Vec<_>>().join(", "))
            }
            Nested::Array { element_type, .. } => write!(f, "array<{element_type}>"),
            Nested::Map { key_type, value_type, .. } => write!(f, "map<{key_type}, {value_type}>"),
        }
    }
}

/// The schema of a table for rows of `input`.
///
/// # Errors
/// A column that has no type of Delta's, or a name that cannot be one.
pub(crate) fn table_schema(table: &str, input: &Schema) -> Result<TableSchema, DeltaError> {
    Ok(TableSchema { fields: columns(table, "", input.fields())? })
}

/// The schema in table metadata.
///
/// # Errors
/// [`DeltaError::Unreadable`].
pub(crate) fn parse(table: &str, text: &str) -> Result<TableSchema, DeltaError> {
    serde_json::from_str(text).map_err(|cause| DeltaError::Unreadable {
        location: format!("the schema of {table}"),
        source: cause.into(),
    })
}

fn columns(table: &str, above: &str, fields: &Fields) -> Result<Vec<Column>, DeltaError> {
    let mut names = HashSet::new();
    // Readers do not tell names apart by case, and Parquet takes none with these characters.
    let wrong = fields.iter().find(|field| {
        let name = field.name();
        let foreign =
            |char| matches!(char, ' ' | ',' | ';' | '{' | '}' | '(' | ')' | '\n' | '\t' | '=');
        name.is_empty() || name.contains(foreign) || !names.insert(name.to_lowercase())
    });
    if fields.is_empty() || wrong.is_some() {
        let column = wrong.map_or(above.to_owned(), |field| format!("{above}{}", field.name()));
        return Err(DeltaError::ColumnNames { table: table.to_owned(), column });
    }
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        let name = format!("{above}{}", field.name());
        Ok(Column {
            name: field.name().clone(),
            kind: kind(table, &name, field.data_type())?,
            nullable: field.is_nullable(),
            metadata: BTreeMap::new(),
        })
    };
    fields.iter().map(column).collect()
}

fn kind(table: &str, column: &str, of: &DataType) -> Result<Kind, DeltaError> {
    let nested = match of {
        DataType::Struct(fields) => {
            Nested::Struct { fields: columns(table, &format!("{column}."), fields)? }
        }
        DataType::List(item) | DataType::LargeList(item) => Nested::Array {
            element_type: kind(table, &format!("{column}.element"), item.data_type())?,
            contains_null: item.is_nullable(),
        },
        DataType::Map(entries, _) => {
            let DataType::Struct(parts) = entries.data_type() else {
                return Err(foreign(table, column, of));
            };
            let [key, value] = &**parts else { return Err(foreign(table, column, of)) };
            Nested::Map {
                key_type: kind(table, &format!("{column}.key"), key.data_type())?,
                value_type: kind(table, &format!("{column}.value"), value.data_type())?,
                value_contains_null: value.is_nullable(),
            }
        }
        other => {
            let name = primitive(other).ok_or_else(|| foreign(table, column, of))?;
            return Ok(Kind::Primitive(name));
        }
    };
    Ok(Kind::Nested(Box::new(nested)))
}

fn foreign(table: &str, column: &str, of: &DataType) -> DeltaError {
    let (table, column) = (table.to_owned(), column.to_owned());
    DeltaError::ColumnType { table, column, found: of.to_string() }
}

fn primitive(kind: &DataType) -> Option<String> {
    let name = match kind {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, None) => NO_ZONE,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary",
        DataType::Decimal128(precision @ 1..=38, scale @ 0..)
            if i16::from(*scale) <= i16::from(*precision) =>
        {
            return Some(format!("decimal({precision},{scale})"));
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// Timestamps without a zone, a type that needs a feature of its own.
pub(crate) const NO_ZONE: &str = "timestamp_ntz";

impl TableSchema {
    /// Whether any part of a column is of the primitive type `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.kind.has(name))
    }

    /// All columns and their parts.
    pub(crate) fn all(&self) -> Vec<&Column> {
        let mut all = Vec::new();
        self.fields.iter().for_each(|column| collect(column, &mut all));
        all
    }

    /// Compares the columns of rows, `self`, with those of a table that is there.
    ///
    /// # Errors
    /// [`DeltaError::Columns`] with everything that does not fit.
    pub(crate) fn fits(&self, table: &str, theirs: &Self) -> Result<(), DeltaError> {
        let mut differences = Vec::new();
        compare(&self.fields, &theirs.fields, "", &mut differences);
        match differences.is_empty() {
            true => Ok(()),
            false => Err(DeltaError::Columns { table: table.to_owned(), differences }),
        }
    }
}

fn collect<'a>(column: &'a Column, all: &mut Vec<&'a Column>) {
    all.push(column);
    if let Kind::Nested(nested) = &column.kind
        && let Nested::Struct { fields } = &**nested
    {
        fields.iter().for_each(|field| collect(field, all));
    }
}

impl Kind {
    fn has(&self, name: &str) -> bool {
        let nested = match self {
            Self::Primitive(primitive) => return primitive == name,
            Self::Nested(nested) => &**nested,
        };
        match nested {
            Nested::Struct { fields } => fields.iter().any(|field| field.kind.has(name)),
            Nested::Array { element_type, .. } => element_type.has(name),
            Nested::Map { key_type, value_type, .. } => key_type.has(name) || value_type.has(name),
        }
    }
}

fn compare(
    ours: &[Column],
    theirs: &[Column],
    above: &str,
    differences: &mut Vec<ColumnDifference>,
) {
    for column in ours {
        let (name, given) = (format!("{above}{}", column.name), column.kind.to_string());
        let Some(there) = theirs.iter().find(|there| there.name == column.name) else {
            differences.push(ColumnDifference::Missing { column: name, ours: given });
            continue;
        };
        let wanted = there.kind.to_string();
        if column.nullable && !there.nullable {
            let (column, theirs) = (name.clone(), wanted.clone());
            differences.push(ColumnDifference::Required { column, theirs, given: true });
        }
        match (parts(&column.kind), parts(&there.kind)) {
            (Some(ours), Some(theirs)) => compare(ours, theirs, &format!("{name}."), differences),
            _ if takes(&there.kind, &column.kind) => {}
            _ => {
                let (column, ours, theirs) = (name, given, wanted);
                differences.push(ColumnDifference::Type { column, ours, theirs });
            }
        }
    }
    for there in theirs.iter().filter(|there| !there.nullable) {
        if !ours.iter().any(|column| column.name == there.name) {
            let (column, theirs) = (format!("{above}{}", there.name), there.kind.to_string());
            differences.push(ColumnDifference::Required { column, theirs, given: false });
        }
    }
}

fn parts(kind: &Kind) -> Option<&[Column]> {
    match kind {
        Kind::Nested(nested) => match &**nested {
            Nested::Struct { fields } => Some(fields),
            Nested::Array { .. } | Nested::Map { .. } => None,
        },
        Kind::Primitive(_) => None,
    }
}

/// Whether every value of the type `ours` is one of the type `theirs`, below lists and maps.
fn takes(theirs: &Kind, ours: &Kind) -> bool {
    match (theirs, ours) {
        (Kind::Primitive(theirs), Kind::Primitive(ours)) => theirs == ours,
        (Kind::Nested(theirs), Kind::Nested(ours)) => match (&**theirs, &**ours) {
            (Nested::Struct { fields: theirs }, Nested::Struct { fields: ours }) => {
                let mut differences = Vec::new();
                compare(ours, theirs, "", &mut differences);
                differences.is_empty()
            }
            (
                Nested::Array { element_type: theirs, contains_null },
                Nested::Array { element_type: ours, contains_null: given },
            ) => takes(theirs, ours) && (*contains_null || !given),
            (
                Nested::Map { key_type, value_type, value_contains_null },
                Nested::Map { key_type: key, value_type: value, value_contains_null: given },
            ) => {
                takes(key_type, key) && takes(value_type, value) && (*value_contains_null || !given)
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
