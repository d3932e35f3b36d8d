//! How what one schema wrote becomes the columns that another reads.

mod leaf;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use serde_json::{Value, json};

use super::conform::{Conform, Feed};
use super::default;
use super::node::{FieldNode, Node, Record, Symbols};
use super::shape::{Must, Shape, TextAs};
use crate::Fault;
use crate::columns::join;

/// Why records of one schema cannot be read as another.
#[derive(Debug)]
pub(super) struct Mismatch(pub(super) String);

/// How one type is checked, decoded and made into its column.
pub(super) struct Read {
    pub(super) shape: Shape,
    /// The type as the decoder gets it to see: without names of its own, and nothing to resolve.
    pub(super) schema: Value,
    pub(super) conform: Conform,
}

/// How the records of one schema are read.
#[derive(Debug)]
pub(super) struct Resolution {
    pub(super) shape: Shape,
    pub(super) schema: String,
    /// The fields that are decoded; all of them if none are named.
    pub(super) projection: Option<Vec<usize>>,
    pub(super) feeds: Vec<Feed>,
}

/// Resolves one pair of schemas.
#[derive(Debug)]
pub(super) struct Resolver {
    /// Whether texts are read as the numbers and times that they hold, and numbers as texts.
    lenient: bool,
    named: usize,
}

impl Resolver {
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, named: 0 }
    }

    /// How `writer` is read as `reader`, whose columns are `fields`.
    pub(super) fn resolve(
        mut self,
        writer: &Node,
        reader: &Record,
        fields: &[FieldRef],
    ) -> Result<Resolution, Mismatch> {
        let Node::Record(writer) = writer else {
            return Err(Mismatch(format!("the record is written as {}", writer.kind())));
        };
        let (mut shapes, schema, mut feeds) = self.record(writer, reader, fields, "")?;
        let mut used: Vec<usize> = feeds.iter().filter_map(Feed::field).collect();
        used.sort_unstable();
        used.dedup();
        if used.is_empty() && !shapes.is_empty() {
            used.push(0);
        }
        let projection = (used.len() < shapes.len()).then_some(used);
        if let Some(used) = &projection {
            for feed in &mut feeds {
                feed.moved(used);
            }
        }
        let shape = Shape::Record(std::mem::take(&mut shapes));
        Ok(Resolution { shape, schema: schema.to_string(), projection, feeds })
    }

    #[expect(clippy::type_complexity, reason = "the three parts of a record, taken apart at once")]
    fn record(
        &mut self,
        writer: &Record,
        reader: &Record,
        fields: &[FieldRef],
        path: &str,
    ) -> Result<(Vec<(Arc<str>, Shape)>, Value, Vec<Feed>), Mismatch> {
        if !reader.names.read(&writer.names) {
            let (written, read) = (&writer.names.name, &reader.names.name);
            return Err(at(path, format!("written as record {written}, read as {read}")));
        }
        let mut parts: Vec<Option<(Shape, Value)>> = writer.fields.iter().map(|_| None).collect();
        let mut feeds = Vec::new();
        for (reader, field) in reader.fields.iter().zip(fields) {
            let path = join(path, field.name());
            let Some(place) = place(&writer.fields, reader) else {
                feeds.push(Feed::Default(default::value(reader, field, &path)?));
                continue;
            };
            let Some(writer) = writer.fields.get(place) else { continue };
            let read = self.field(&writer.node, &reader.node, field, &path)?;
            match parts.get_mut(place) {
                Some(part @ None) => *part = Some((read.shape, read.schema)),
                Some(Some(part)) => {
                    if part.1 != read.schema && !same_but_for_names(&part.1, &read.schema) {
                        let what = format!("field {} is read in two ways", writer.names.name);
                        return Err(at(&path, what));
                    }
                    let first = std::mem::replace(&mut part.0, Shape::Null);
                    part.0 = Shape::All(vec![first, read.shape]);
                }
                None => {}
            }
            feeds.push(Feed::Writer(place, read.conform));
        }
        let mut shapes = Vec::new();
        let mut schemas = Vec::new();
        for (index, (writer, part)) in writer.fields.iter().zip(parts).enumerate() {
            let path = join(path, &writer.names.name);
            let (shape, schema) = part.unwrap_or_else(|| self.skip(&writer.node, &path));
            shapes.push((path.into(), shape));
            schemas.push(json!({"name": format!("f{index}"), "type": schema}));
        }
        let schema = json!({"type": "record", "name": self.name(), "fields": schemas});
        Ok((shapes, schema, feeds))
    }

    /// How a field is read into its column, null included.
    pub(super) fn field(
        &mut self,
        writer: &Node,
        reader: &Node,
        field: &Field,
        path: &str,
    ) -> Result<Read, Mismatch> {
        let Some((reader, _)) = reader.nullable() else {
            return Err(at(path, format!("read as {}", reader.kind())));
        };
        match writer {
            Node::Null if field.is_nullable() => Ok(Read {
                shape: Shape::Null,
                schema: json!("null"),
                conform: Conform::Leaf(field.data_type().clone()),
            }),
            Node::Union(branches) => self.union(branches, reader, field, path),
            _ => self.value(writer, reader, field.data_type(), path),
        }
    }

    /// How a union is read. What cannot be is known by the record that has it.
    fn union(
        &mut self,
        branches: &[Node],
        reader: &Node,
        field: &Field,
        path: &str,
    ) -> Result<Read, Mismatch> {
        let null = (!field.is_nullable()).then(|| Fault::Null { column: path.into() });
        let (mut shapes, mut schemas, mut conforms) = (Vec::new(), Vec::new(), Vec::new());
        let mut mismatch = None;
        for branch in branches {
            let read = match branch {
                Node::Null => Err(null.clone()),
                _ => self.value(branch, reader, field.data_type(), path).map_err(|found| {
                    let what = found.0.clone().into();
                    mismatch.get_or_insert(found);
                    Some(Fault::Other { what })
                }),
            };
            match read {
                Ok(read) => {
                    shapes.push((read.shape, None));
                    schemas.push(read.schema);
                    conforms.push(Some(read.conform));
                }
                Err(unreadable) => {
                    let (shape, schema) = self.skip(branch, path);
                    shapes.push((shape, unreadable));
                    schemas.push(schema);
                    conforms.push(None);
                }
            }
        }
        let readable = conforms.iter().flatten().count();
        if let (0, Some(mismatch)) = (readable, mismatch) {
            return Err(mismatch);
        }
        // Beside null alone a type is decoded as itself, with nulls.
        let nullable = branches.len() == 2 && branches.contains(&Node::Null);
        let alone = if nullable { conforms.iter_mut().find_map(Option::take) } else { None };
        let conform = alone.unwrap_or_else(|| Conform::Union(field.data_type().clone(), conforms));
        Ok(Read { shape: Shape::Union(shapes), schema: Value::Array(schemas), conform })
    }

    /// How a value that is not null is read.
    fn value(
        &mut self,
        writer: &Node,
        reader: &Node,
        target: &DataType,
        path: &str,
    ) -> Result<Read, Mismatch> {
        let mismatch =
            || at(path, format!("written as {}, read as {}", writer.kind(), reader.kind()));
        if let Some(read) = self.leaf(writer, reader, target, path) {
            return Ok(read);
        }
        match (writer, reader, target) {
            (Node::Array(writer), Node::Array(reader), DataType::List(item)) => {
                let read = self.field(writer, reader, item, path)?;
                Ok(Read {
                    shape: Shape::Array(Box::new(read.shape)),
                    schema: json!({"type": "array", "items": read.schema}),
                    conform: Conform::List(Arc::clone(item), Box::new(read.conform)),
                })
            }
            (Node::Map(writer), Node::Map(reader), DataType::Map(entries, _)) => {
                let DataType::Struct(below) = entries.data_type() else { return Err(mismatch()) };
                let Some(value) = below.get(1) else { return Err(mismatch()) };
                let read = self.field(writer, reader, value, path)?;
                Ok(Read {
                    shape: Shape::Map(Box::new(read.shape)),
                    schema: json!({"type": "map", "values": read.schema}),
                    conform: Conform::Map(Arc::clone(entries), Box::new(read.conform)),
                })
            }
            (Node::Record(writer), Node::Record(reader), DataType::Struct(fields)) => {
                let (shapes, schema, feeds) = self.record(writer, reader, fields, path)?;
                let conform = Conform::Record(fields.clone(), feeds);
                Ok(Read { shape: Shape::Record(shapes), schema, conform })
            }
            (Node::Enum(writer), Node::Enum(reader), _) if reader.names.read(&writer.names) => {
                Ok(self.symbols(writer, Some(reader), path))
            }
            (Node::Enum(writer), Node::Text, _) => Ok(self.symbols(writer, None, path)),
            _ => Err(mismatch()),
        }
    }

    /// An enumeration, read as another one or as text. The decoder gets the symbols of the reader to see.
    fn symbols(&mut self, writer: &Symbols, reader: Option<&Symbols>, path: &str) -> Read {
        let mut shapes = Vec::new();
        let mut symbols = Vec::new();
        for symbol in &writer.symbols {
            let read = match reader {
                Some(reader) if !reader.symbols.contains(symbol) => reader.default.as_ref(),
                _ => Some(symbol),
            };
            let what = || format!("column {path}: the symbol {symbol} is not one that is read");
            shapes.push(match read {
                Some(_) => None,
                None => Some(Fault::Other { what: what().into() }),
            });
            symbols.push(read.unwrap_or(symbol));
        }
        let schema = json!({"type": "enum", "name": self.name(), "symbols": symbols});
        Read { shape: Shape::Enum(shapes), schema, conform: Conform::Leaf(DataType::Utf8) }
    }

    /// How a type is passed over, or decoded as it is.
    fn skip(&mut self, node: &Node, path: &str) -> (Shape, Value) {
        let logical = |base: &str, name: &str| json!({"type": base, "logicalType": name});
        match node {
            Node::Null => (Shape::Null, json!("null")),
            Node::Boolean => (Shape::Boolean, json!("boolean")),
            Node::Int => (Shape::Int(Must::Be), json!("int")),
            Node::Long => (Shape::Long(Must::Be), json!("long")),
            Node::Float => (Shape::Fixed(4), json!("float")),
            Node::Double => (Shape::Fixed(8), json!("double")),
            Node::Bytes | Node::Decimal { size: None, .. } => (Shape::Bytes, json!("bytes")),
            Node::Text | Node::Uuid => (Shape::Text(TextAs::Text), json!("string")),
            Node::Date => (Shape::Int(Must::Be), logical("int", "date")),
            Node::TimeMillis => (Shape::Int(Must::Be), logical("int", "time-millis")),
            Node::TimeMicros => (Shape::Long(Must::Be), logical("long", "time-micros")),
            Node::Timestamp { .. } => (Shape::Long(Must::Be), logical("long", &node.kind())),
            Node::Fixed { size, .. } | Node::Decimal { size: Some(size), .. } => {
                (Shape::Fixed(*size), self.fixed(*size))
            }
            Node::Enum(symbols) => {
                let read = self.symbols(symbols, None, path);
                (read.shape, read.schema)
            }
            Node::Array(items) => {
                let (shape, schema) = self.skip(items, path);
                (Shape::Array(Box::new(shape)), json!({"type": "array", "items": schema}))
            }
            Node::Map(values) => {
                let (shape, schema) = self.skip(values, path);
                (Shape::Map(Box::new(shape)), json!({"type": "map", "values": schema}))
            }
            Node::Union(branches) => {
                let branches = branches.iter().map(|branch| self.skip(branch, path));
                let (shapes, schemas): (Vec<_>, Vec<_>) = branches.unzip();
                let shapes = shapes.into_iter().map(|shape| (shape, None)).collect();
                (Shape::Union(shapes), Value::Array(schemas))
            }
            Node::Record(record) => {
                let mut shapes = Vec::new();
                let mut fields = Vec::new();
                for (index, field) in record.fields.iter().enumerate() {
                    let path = join(path, &field.names.name);
                    let (shape, schema) = self.skip(&field.node, &path);
                    shapes.push((path.into(), shape));
                    fields.push(json!({"name": format!("f{index}"), "type": schema}));
                }
                let schema = json!({"type": "record", "name": self.name(), "fields": fields});
                (Shape::Record(shapes), schema)
            }
        }
    }

    fn decimal_schema(&mut self, precision: usize, scale: usize, size: Option<usize>) -> Value {
        let mut schema = match size {
            Some(size) => self.fixed(size),
            None => json!({"type": "bytes"}),
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("logicalType".to_owned(), json!("decimal"));
            schema.insert("precision".to_owned(), json!(precision));
            schema.insert("scale".to_owned(), json!(scale));
        }
        schema
    }

    fn fixed(&mut self, size: usize) -> Value {
        json!({"type": "fixed", "name": self.name(), "size": size})
    }

    /// A name that no other type has.
    fn name(&mut self) -> String {
        self.named += 1;
        format!("t{}", self.named)
    }
}

/// The field of the writer that feeds a field of the reader: by its name, else by an older one.
fn place(writer: &[FieldNode], reader: &FieldNode) -> Option<usize> {
    let named = |name: &String| writer.iter().position(|field| field.names.name == *name);
    named(&reader.names.name).or_else(|| reader.names.aliases.iter().find_map(named))
}

/// Whether two types for the decoder are the same, whatever their names are.
fn same_but_for_names(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    key == "name"
                        || other.get(key).is_some_and(|other| same_but_for_names(value, other))
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| same_but_for_names(one, other))
        }
        _ => one == other,
    }
}

fn at(path: &str, what: String) -> Mismatch {
    Mismatch(if path.is_empty() { what } else { format!("column {path}: {what}") })
}
