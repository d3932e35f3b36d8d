//! Avro schemas as trees: every name is looked up, so that nothing in a tree refers to anything else.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::CodecError;

/// The deepest nesting of types.
const MAX_DEPTH: usize = 64;
/// The most types of one schema, each use of a name counted with all that it stands for.
const MAX_NODES: usize = 10_000;

/// A type, with the logical type that stands on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    Timestamp { unit: Unit, local: bool },
    Decimal { precision: usize, scale: usize, size: Option<usize> },
    Fixed { names: Names, size: usize },
    Enum(Symbols),
    Array(Box<Self>),
    Map(Box<Self>),
    Union(Vec<Self>),
    Record(Record),
}

/// What one step of a timestamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// A name without its namespace, and those that it had before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
}

impl Names {
    /// Whether data written under `writer` is read as this. A nameless reader reads any.
    pub(super) fn read(&self, writer: &Self) -> bool {
        self.name.is_empty() || self.name == writer.name || self.aliases.contains(&writer.name)
    }
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Symbols {
    pub(super) names: Names,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) names: Names,
    pub(super) fields: Vec<FieldNode>,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldNode {
    pub(super) names: Names,
    pub(super) node: Node,
    pub(super) default: Option<Value>,
}

impl Node {
    /// The tree of the schema `main`, which may name types of `references`. All of them were found valid.
    pub(super) fn build(main: &Value, references: &[Value]) -> Result<Self, CodecError> {
        let mut builder = Builder { defined: HashMap::new(), open: Vec::new(), nodes: 0 };
        for schema in references.iter().chain([main]) {
            builder.collect(schema, "", 0)?;
        }
        builder.node(main, "", 0)
    }

    /// The type beside null, and whether there is null; nothing for a union of several types.
    pub(super) fn nullable(&self) -> Option<(&Self, bool)> {
        let Self::Union(branches) = self else { return Some((self, false)) };
        let mut others = branches.iter().filter(|branch| **branch != Self::Null);
        let other = others.next()?;
        others.next().is_none().then_some((other, branches.len() > 1))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Long => "long".to_owned(),
            Self::Float => "float".to_owned(),
            Self::Double => "double".to_owned(),
            Self::Bytes => "bytes".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Uuid => "uuid".to_owned(),
            Self::Date => "date".to_owned(),
            Self::TimeMillis => "time-millis".to_owned(),
            Self::TimeMicros => "time-micros".to_owned(),
            Self::Timestamp { unit, local } => {
                let local = if *local { "local-" } else { "" };
                let unit = match unit {
                    Unit::Millis => "millis",
                    Unit::Micros => "micros",
                    Unit::Nanos => "nanos",
                };
                format!("{local}timestamp-{unit}")
            }
            Self::Decimal { precision, scale, .. } => format!("decimal({precision},{scale})"),
            Self::Fixed { names, size } => format!("fixed {} of {size} bytes", names.name),
            Self::Enum(symbols) => format!("enum {}", symbols.names.name),
            Self::Array(items) => format!("array of {}", items.kind()),
            Self::Map(values) => format!("map of {}", values.kind()),
            Self::Union(branches) => {
                let kinds: Vec<_> = branches.iter().map(Self::kind).collect();
                format!("union of {}", kinds.join(", "))
            }
            Self::Record(record) => format!("record {}", record.names.name),
        }
    }
}

struct Builder<'a> {
    /// Definitions by full name, with the namespace around them.
    defined: HashMap<String, (&'a Value, String)>,
    /// The full names of the types that are being built.
    open: Vec<String>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    /// Notes each definition in `schema`.
    fn collect(&mut self, schema: &'a Value, space: &str, depth: usize) -> Result<(), CodecError> {
        if depth > 2 * MAX_DEPTH {
            return Err(CodecError::SchemaTooDeep { limit: MAX_DEPTH });
        }
        match schema {
            Value::Array(branches) => {
                branches.iter().try_for_each(|branch| self.collect(branch, space, depth + 1))
            }
            Value::Object(object) => {
                let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
                let mut inner = space.to_owned();
                if matches!(kind, "record" | "error" | "enum" | "fixed") {
                    let (full, own) = full_name(object, space);
                    self.defined.insert(full, (schema, space.to_owned()));
                    inner = own;
                }
                for key in ["items", "values", "type"] {
                    if let Some(below) = object.get(key).filter(|below| !below.is_string()) {
                        self.collect(below, &inner, depth + 1)?;
                    }
                }
                for field in array(object, "fields") {
                    if let Some(below) = field.get("type") {
                        self.collect(below, &inner, depth + 1)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn node(&mut self, schema: &Value, space: &str, depth: usize) -> Result<Node, CodecError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(CodecError::SchemaTooLarge { limit: MAX_NODES });
        }
        if depth > MAX_DEPTH {
            return Err(CodecError::SchemaTooDeep { limit: MAX_DEPTH });
        }
        match schema {
            Value::String(name) => self.named(name, space, depth),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.node(branch, space, depth + 1));
                branches.collect::<Result<_, _>>().map(Node::Union)
            }
            Value::Object(object) => self.object(object, space, depth),
            other => Err(CodecError::SchemaPart { found: other.to_string() }),
        }
    }

    fn named(&mut self, name: &str, space: &str, depth: usize) -> Result<Node, CodecError> {
        Ok(match name {
            "null" => Node::Null,
            "boolean" => Node::Boolean,
            "int" => Node::Int,
            "long" => Node::Long,
            "float" => Node::Float,
            "double" => Node::Double,
            "bytes" => Node::Bytes,
            "string" => Node::Text,
            _ => {
                let full = qualified(name, space);
                let found = self.defined.get(&full).or_else(|| self.defined.get(name)).cloned();
                let Some((schema, around)) = found else {
                    return Err(CodecError::SchemaPart { found: full });
                };
                return self.node(schema, &around, depth + 1);
            }
        })
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        depth: usize,
    ) -> Result<Node, CodecError> {
        let part = |key: &str| {
            let missing =
                || CodecError::SchemaPart { found: Value::from(object.clone()).to_string() };
            object.get(key).ok_or_else(missing)
        };
        let node = match part("type")?.as_str() {
            Some("record" | "error") => self.record(object, space, depth)?,
            Some("enum") => Node::Enum(Symbols {
                names: names(object),
                symbols: array(object, "symbols").iter().filter_map(text).collect(),
                default: object.get("default").and_then(text),
            }),
            Some("fixed") => {
                let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let found = || CodecError::SchemaPart { found: "a fixed without size".to_owned() };
                Node::Fixed { names: names(object), size: size.ok_or_else(found)? }
            }
            Some("array") => Node::Array(Box::new(self.node(part("items")?, space, depth + 1)?)),
            Some("map") => Node::Map(Box::new(self.node(part("values")?, space, depth + 1)?)),
            _ => self.node(part("type")?, space, depth + 1)?,
        };
        Ok(logical(node, object))
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        depth: usize,
    ) -> Result<Node, CodecError> {
        let (full, inner) = full_name(object, space);
        if self.open.contains(&full) {
            return Err(CodecError::SchemaRecursive { name: full });
        }
        self.open.push(full);
        let mut fields = Vec::new();
        for field in array(object, "fields") {
            let Some(field) = field.as_object() else {
                return Err(CodecError::SchemaPart { found: field.to_string() });
            };
            let kind = field.get("type").unwrap_or(&Value::Null);
            let node = self.node(kind, &inner, depth + 1)?;
            let default = field.get("default").cloned();
            fields.push(FieldNode { names: names(field), node, default });
        }
        self.open.pop();
        Ok(Node::Record(Record { names: names(object), fields }))
    }
}

/// `node` under the logical type of `object`, which is passed over where it does not fit.
fn logical(node: Node, object: &Map<String, Value>) -> Node {
    let number = |key: &str| object.get(key)?.as_u64().and_then(|it| usize::try_from(it).ok());
    let timestamp = |unit, local| Node::Timestamp { unit, local };
    let size = match &node {
        Node::Fixed { size, .. } => Some(*size),
        _ => None,
    };
    match (object.get("logicalType").and_then(Value::as_str).unwrap_or_default(), &node) {
        ("decimal", Node::Bytes | Node::Fixed { .. }) => {
            let precision = number("precision").unwrap_or(0);
            let scale = if object.contains_key("scale") { number("scale") } else { Some(0) };
            match scale {
                Some(scale) if precision > 0 && scale <= precision => {
                    Node::Decimal { precision, scale, size }
                }
                _ => node,
            }
        }
        ("uuid", Node::Text) => Node::Uuid,
        ("date", Node::Int) => Node::Date,
        ("time-millis", Node::Int) => Node::TimeMillis,
        ("time-micros", Node::Long) => Node::TimeMicros,
        ("timestamp-millis", Node::Long) => timestamp(Unit::Millis, false),
        ("timestamp-micros", Node::Long) => timestamp(Unit::Micros, false),
        ("timestamp-nanos", Node::Long) => timestamp(Unit::Nanos, false),
        ("local-timestamp-millis", Node::Long) => timestamp(Unit::Millis, true),
        ("local-timestamp-micros", Node::Long) => timestamp(Unit::Micros, true),
        ("local-timestamp-nanos", Node::Long) => timestamp(Unit::Nanos, true),
        _ => node,
    }
}

fn array<'a>(object: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn names(object: &Map<String, Value>) -> Names {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let name = object.get("name").and_then(Value::as_str).map(last).unwrap_or_default();
    let aliases = array(object, "aliases").iter().filter_map(Value::as_str).map(last).collect();
    Names { name, aliases }
}

/// The full name of a definition, and the namespace within it.
fn full_name(object: &Map<String, Value>, space: &str) -> (String, String) {
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    if let Some((inner, _)) = name.rsplit_once('.') {
        return (name.to_owned(), inner.to_owned());
    }
    let own = object.get("namespace").and_then(Value::as_str).unwrap_or(space);
    (qualified(name, own), own.to_owned())
}

fn qualified(name: &str, space: &str) -> String {
    if space.is_empty() || name.contains('.') { name.to_owned() } else { format!("{space}.{name}") }
}
