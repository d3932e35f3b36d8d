//! The value of a field that was not written.

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::Field;
use serde_json::{Value, json};

use super::SchemaId;
use super::engine;
use super::node::{FieldNode, Node};
use super::resolve::{Mismatch, Resolver};

/// The default of `reader` as an array of one row. It is written as Avro, and decoded as all else.
pub(super) fn value(reader: &FieldNode, field: &Field, path: &str) -> Result<ArrayRef, Mismatch> {
    let wrong = |what: &str| Mismatch(format!("column {path}: {what}"));
    let Some(default) = &reader.default else {
        return Err(wrong("not written, and without a default"));
    };
    if default.is_null() && field.is_nullable() {
        return Ok(new_null_array(field.data_type(), 1));
    }
    let node = reader.node.nullable().map_or(&reader.node, |(node, _)| node);
    let mut bytes = vec![0; 5];
    encode(node, default, &mut bytes).ok_or_else(|| wrong("its default does not fit"))?;
    let read = Resolver::new(false).field(node, node, field, path)?;
    let fields = [json!({"name": "f0", "type": read.schema})];
    let schema = json!({"type": "record", "name": "default", "fields": fields}).to_string();
    let rows = engine::decoder(&schema, SchemaId::Registry(0), None).and_then(|mut decoder| {
        engine::decode_all(&mut decoder, std::iter::once(bytes.as_slice()))
    });
    let decoded = rows.and_then(|rows| match rows.columns() {
        [column] => read.conform.apply(column),
        _ => Err(arrow::error::ArrowError::SchemaError("not one column".to_owned())),
    });
    decoded.map_err(|error| wrong(&format!("its default cannot be decoded: {error}")))
}

/// Appends `value`, as schemas write their defaults, in binary; nothing when it is not of this type.
fn encode(node: &Node, value: &Value, bytes: &mut Vec<u8>) -> Option<()> {
    match node {
        Node::Null => value.as_null()?,
        Node::Boolean => bytes.push(u8::from(value.as_bool()?)),
        Node::Int | Node::Date | Node::TimeMillis => {
            long(i32::try_from(value.as_i64()?).ok()?.into(), bytes);
        }
        Node::Long | Node::TimeMicros | Node::Timestamp { .. } => long(value.as_i64()?, bytes),
        Node::Float => {
            #[expect(clippy::cast_possible_truncation, reason = "rounded, as every float is")]
            let float = value.as_f64()? as f32;
            bytes.extend(float.to_le_bytes());
        }
        Node::Double => bytes.extend(value.as_f64()?.to_le_bytes()),
        Node::Text | Node::Uuid => counted(value.as_str()?.as_bytes(), bytes)?,
        Node::Bytes | Node::Decimal { size: None, .. } => counted(&latin(value)?, bytes)?,
        Node::Fixed { size, .. } | Node::Decimal { size: Some(size), .. } => {
            let fixed = latin(value)?;
            (fixed.len() == *size).then(|| bytes.extend(fixed))?;
        }
        Node::Enum(symbols) => {
            let symbol = value.as_str()?;
            let index = symbols.symbols.iter().position(|known| known == symbol)?;
            long(i64::try_from(index).ok()?, bytes);
        }
        Node::Array(items) => {
            for item in value.as_array()? {
                long(1, bytes);
                encode(items, item, bytes)?;
            }
            long(0, bytes);
        }
        Node::Map(values) => {
            for (key, value) in value.as_object()? {
                long(1, bytes);
                counted(key.as_bytes(), bytes)?;
                encode(values, value, bytes)?;
            }
            long(0, bytes);
        }
        Node::Union(branches) => {
            let begin = bytes.len();
            (0_i64..).zip(branches).find_map(|(index, branch)| {
                bytes.truncate(begin);
                long(index, bytes);
                encode(branch, value, bytes)
            })?;
        }
        Node::Record(record) => {
            for field in &record.fields {
                let value = value.get(&field.names.name).or(field.default.as_ref())?;
                encode(&field.node, value, bytes)?;
            }
        }
    }
    Some(())
}

/// Bytes, which a schema writes as the characters of these numbers.
fn latin(value: &Value) -> Option<Vec<u8>> {
    value.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

fn counted(value: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    long(i64::try_from(value.len()).ok()?, bytes);
    bytes.extend(value);
    Some(())
}

fn long(value: i64, bytes: &mut Vec<u8>) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        bytes.push(u8::try_from(bits & 0x7f).unwrap_or(0) | 0x80);
        bits >>= 7;
    }
    bytes.push(u8::try_from(bits).unwrap_or(0));
}
