//! How values without types below them are read as each other.

use arrow::datatypes::DataType;
use serde_json::json;

use super::super::conform::Conform;
use super::super::node::{Node, Unit};
use super::super::shape::{Must, Shape, TextAs};
use super::{Read, Resolver};
use crate::Type;

impl Resolver {
    /// How a value without types below it is read; nothing if it is not.
    pub(super) fn leaf(
        &mut self,
        writer: &Node,
        reader: &Node,
        target: &DataType,
        path: &str,
    ) -> Option<Read> {
        let plain = |read: &mut Self| read.skip(writer, path);
        let (shape, schema) = match (writer, reader) {
            (Node::Boolean, Node::Boolean)
            | (Node::Int, Node::Int | Node::Long | Node::Float | Node::Double)
            | (Node::Long, Node::Long | Node::Float | Node::Double)
            | (Node::Float, Node::Float | Node::Double)
            | (Node::Double, Node::Double)
            | (Node::Bytes, Node::Bytes)
            | (Node::Text | Node::Uuid, Node::Text | Node::Bytes)
            | (Node::Date, Node::Date | Node::Int)
            | (Node::TimeMillis, Node::TimeMillis)
            | (Node::TimeMicros, Node::TimeMicros) => plain(self),
            (Node::Bytes, Node::Text) => (Shape::Text(TextAs::Text), json!("bytes")),
            (Node::Text | Node::Uuid, Node::Uuid) => (Shape::Text(TextAs::Uuid), json!("string")),
            (Node::Int, Node::Date | Node::TimeMillis) => self.skip(reader, path),
            (Node::TimeMillis, Node::Int) => (Shape::Int(Must::Be), json!("int")),
            (Node::TimeMicros | Node::Timestamp { .. }, Node::Long) => {
                (Shape::Long(Must::Be), json!("long"))
            }
            (Node::Long, Node::TimeMicros) => self.skip(reader, path),
            (Node::Long, Node::Timestamp { unit, .. }) => {
                (Shape::Long(millis(*unit)), self.skip(reader, path).1)
            }
            (
                Node::Timestamp { unit: written, local: one },
                Node::Timestamp { unit: read, local: other },
            ) if one == other && (*written == Unit::Nanos) == (*read == Unit::Nanos) => {
                (Shape::Long(millis(*written)), self.skip(writer, path).1)
            }
            (Node::Fixed { names: one, size }, Node::Fixed { names: other, size: same })
                if size == same && other.read(one) =>
            {
                plain(self)
            }
            _ => return self.number(writer, reader, target, path),
        };
        Some(Read { shape, schema, conform: Conform::Leaf(target.clone()) })
    }

    /// How decimals are read.
    fn number(
        &mut self,
        writer: &Node,
        reader: &Node,
        target: &DataType,
        path: &str,
    ) -> Option<Read> {
        let leaf = Conform::Leaf(target.clone());
        let (shape, schema, conform) = match (writer, reader) {
            (Node::Decimal { precision, scale: from, size }, Node::Decimal { scale: to, .. })
                if to >= from && *precision <= 38 && size.is_none_or(|size| size <= 32) =>
            {
                let shape = decimal(*size, reader, to - from)?;
                (shape, self.decimal_schema(*precision, *from, *size), leaf)
            }
            (Node::Bytes, Node::Decimal { precision, scale, size: None }) => {
                let shape = decimal(None, reader, 0)?;
                (shape, self.decimal_schema(*precision, *scale, None), leaf)
            }
            (
                Node::Fixed { size: is, .. },
                Node::Decimal { precision, scale, size: Some(size) },
            ) if is == size => {
                let shape = decimal(Some(*size), reader, 0)?;
                (shape, self.decimal_schema(*precision, *scale, Some(*size)), leaf)
            }
            (Node::Decimal { size: None, .. }, Node::Bytes) => (Shape::Bytes, json!("bytes"), leaf),
            (Node::Decimal { size: Some(size), .. }, Node::Fixed { size: same, .. })
                if size == same =>
            {
                (Shape::Fixed(*size), self.fixed(*size), leaf)
            }
            _ if self.lenient => return self.lenient(writer, reader, target, path),
            _ => return None,
        };
        Some(Read { shape, schema, conform })
    }

    /// What only declared columns allow: texts as what they hold, numbers as texts and decimals.
    fn lenient(
        &mut self,
        writer: &Node,
        reader: &Node,
        target: &DataType,
        path: &str,
    ) -> Option<Read> {
        let leaf = Conform::Leaf(target.clone());
        let (shape, schema, conform) = match (writer, reader) {
            (Node::Text, Node::Decimal { .. }) => {
                let Some(Type::Decimal(precision, scale)) = wanted(reader) else { return None };
                let shape = Shape::Text(TextAs::Decimal(precision, scale));
                (shape, json!("string"), Conform::Parsed(Type::Decimal(precision, scale)))
            }
            (Node::Text, Node::Timestamp { unit: Unit::Micros, local: false }) => {
                let shape = Shape::Text(TextAs::Timestamp);
                (shape, json!("string"), Conform::Parsed(Type::Timestamp))
            }
            (Node::Int | Node::Long, Node::Decimal { precision, scale, .. }) => {
                let digits = u32::try_from(precision - scale).ok()?;
                let must = Must::HaveDigits(digits, wanted(reader)?);
                match writer {
                    Node::Int => (Shape::Int(must), json!("int"), leaf),
                    _ => (Shape::Long(must), json!("long"), leaf),
                }
            }
            (Node::Int | Node::Long, Node::Text) => {
                let (shape, schema) = self.skip(writer, path);
                (shape, schema, leaf)
            }
            (Node::Decimal { precision, scale, size }, Node::Text)
                if *precision <= 38 && size.is_none_or(|size| size <= 32) =>
            {
                let shape = decimal(*size, writer, 0)?;
                (shape, self.decimal_schema(*precision, *scale, *size), leaf)
            }
            _ => return None,
        };
        Some(Read { shape, schema, conform })
    }
}

fn millis(unit: Unit) -> Must {
    if unit == Unit::Millis { Must::BeMillis } else { Must::Be }
}

/// The check of a decimal that gets `more` digits after the point to be of type `reader`.
fn decimal(size: Option<usize>, reader: &Node, more: usize) -> Option<Shape> {
    let Node::Decimal { precision, .. } = reader else { return None };
    let digits = u32::try_from(precision.saturating_sub(more)).ok()?;
    Some(Shape::Decimal { size, digits, wanted: wanted(reader)? })
}

fn wanted(reader: &Node) -> Option<Type> {
    let Node::Decimal { precision, scale, .. } = reader else { return None };
    Some(Type::Decimal(u8::try_from(*precision).ok()?, u8::try_from(*scale).ok()?))
}
