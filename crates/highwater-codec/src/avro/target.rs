//! What records are read as: columns from a reader's schema, or a reader's schema from columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use serde_json::Value;

use super::node::{FieldNode, Names, Node, Record, Unit};
use crate::columns::join;
use crate::{CodecError, Columns, Type};

/// The field of a column that `node` describes.
pub(super) fn field(name: &str, node: &Node, path: &str) -> Result<Field, CodecError> {
    let refused = || CodecError::NoColumn { path: path.to_owned(), found: node.kind() };
    let (inner, nullable) = node.nullable().ok_or_else(refused)?;
    let time = |unit, local: bool| DataType::Timestamp(unit, (!local).then(|| Arc::from("+00:00")));
    let size = |size: usize| i32::try_from(size).map_err(|_error| refused());
    let kind = match inner {
        Node::Boolean => DataType::Boolean,
        Node::Int => DataType::Int32,
        Node::Long => DataType::Int64,
        Node::Float => DataType::Float32,
        Node::Double => DataType::Float64,
        Node::Bytes => DataType::Binary,
        Node::Text | Node::Uuid | Node::Enum(_) => DataType::Utf8,
        Node::Date => DataType::Date32,
        Node::TimeMillis => DataType::Time32(TimeUnit::Millisecond),
        Node::TimeMicros => DataType::Time64(TimeUnit::Microsecond),
        Node::Timestamp { unit: Unit::Nanos, local } => time(TimeUnit::Nanosecond, *local),
        Node::Timestamp { local, .. } => time(TimeUnit::Microsecond, *local),
        Node::Decimal { precision, scale, size } => {
            let digits = u8::try_from(*precision).ok().filter(|digits| *digits <= 38);
            let scale = i8::try_from(*scale).ok();
            match (digits, scale) {
                (Some(digits), Some(scale)) if size.is_none_or(|size| size <= 32) => {
                    DataType::Decimal128(digits, scale)
                }
                _ => return Err(refused()),
            }
        }
        Node::Fixed { size: bytes, .. } => DataType::FixedSizeBinary(size(*bytes)?),
        Node::Array(items) => DataType::List(Arc::new(field("item", items, &join(path, "item"))?)),
        Node::Map(values) => {
            let value = field("value", values, &join(path, "value"))?;
            let entries = Fields::from(vec![Field::new("key", DataType::Utf8, false), value]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
        }
        Node::Record(record) => DataType::Struct(fields(record, path)?),
        Node::Null | Node::Union(_) => return Err(refused()),
    };
    Ok(Field::new(name, kind, nullable))
}

/// The columns that a record describes.
pub(super) fn fields(record: &Record, path: &str) -> Result<Fields, CodecError> {
    if record.fields.is_empty() {
        let within =
            if path.is_empty() { "the schema".to_owned() } else { format!("column {path}") };
        return Err(CodecError::NoColumns { within });
    }
    let fields = record.fields.iter().map(|it| {
        let name = &it.names.name;
        field(name, &it.node, &join(path, name))
    });
    fields.collect()
}

/// A record that any record is read as, for columns that were declared.
pub(super) fn record(columns: &Columns) -> Record {
    let fields = columns.iter().map(|column| {
        let node = match &column.kind {
            Type::Text => Node::Text,
            Type::Int => Node::Int,
            Type::Long => Node::Long,
            Type::Double => Node::Double,
            Type::Boolean => Node::Boolean,
            Type::Decimal(precision, scale) => Node::Decimal {
                precision: usize::from(*precision),
                scale: usize::from(*scale),
                size: None,
            },
            Type::Timestamp => Node::Timestamp { unit: Unit::Micros, local: false },
            Type::Struct(columns) => Node::Record(record(columns)),
        };
        let names = Names { name: column.fed_by().to_owned(), aliases: Vec::new() };
        if column.required {
            FieldNode { names, node, default: None }
        } else {
            let node = Node::Union(vec![Node::Null, node]);
            FieldNode { names, node, default: Some(Value::Null) }
        }
    });
    Record { names: Names::default(), fields: fields.collect() }
}
