//! A schema as it was written, checked and understood.

use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use highwater_core::Result;
use serde_json::Value;

use super::node::Node;
use crate::CodecError;

/// The longest text of one schema in bytes.
const MAX_BYTES: usize = 4 << 20;

/// An Avro schema, with the schemas whose types it names.
///
/// A type that contains itself is refused: no table has such a column.
///
/// # Example
/// ```
/// use highwater_codec::AvroSchema;
///
/// let money = r#"{"type":"fixed","name":"demo.Money","size":8,"logicalType":"decimal","precision":18,"scale":2}"#;
/// let order = r#"{"type":"record","name":"Order","namespace":"demo","fields":[{"name":"price","type":"Money"}]}"#;
/// let schema = AvroSchema::with_references(order, &[money.to_owned()])?;
/// assert_eq!(schema.text(), order);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AvroSchema {
    text: Arc<str>,
    references: Arc<[String]>,
    node: Arc<Node>,
    fingerprint: u64,
}

impl AvroSchema {
    /// The schema of this JSON text.
    ///
    /// # Errors
    /// `Invalid` when it is no Avro schema, contains itself, nests deeper than 64 types or has more
    /// than 10,000.
    pub fn try_new(text: &str) -> Result<Self> {
        Self::with_references(text, &[])
    }

    /// The schema of this JSON text, which names types that `references` define, in any order.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new).
    pub fn with_references(text: &str, references: &[String]) -> Result<Self> {
        let (main, others) = parse(text, references)?;
        let node = Node::build(&main, &others)?;
        let fingerprint = fingerprint(main, others)?;
        Ok(Self {
            text: text.into(),
            references: references.into(),
            node: Arc::new(node),
            fingerprint,
        })
    }

    /// Its JSON text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The JSON texts of the schemas whose types it names.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// Its 64-bit Rabin fingerprint, by which single-object encoding names it.
    ///
    /// Source: Avro 1.12 specification, "Schema Fingerprints".
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }
}

/// The texts as JSON, once the library has found nothing wrong with them.
fn parse(text: &str, references: &[String]) -> Result<(Value, Vec<Value>), CodecError> {
    let bytes = references.iter().map(String::len).sum::<usize>().saturating_add(text.len());
    if bytes > MAX_BYTES {
        return Err(CodecError::SchemaTooLong { bytes, limit: MAX_BYTES });
    }
    let json = |text: &str| -> Result<Value, CodecError> {
        serde_json::from_str(text).map_err(|error| CodecError::Schema { cause: Box::new(error) })
    };
    let others = references.iter().map(|text| json(text)).collect::<Result<Vec<_>, _>>()?;
    let main = json(text)?;
    for (value, root) in others.iter().map(|value| (value, false)).chain([(&main, true)]) {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "record" | "error" | "enum" | "fixed") || (root && kind != "record") {
            return Err(CodecError::SchemaNotARecord);
        }
    }
    Ok((main, others))
}

/// The fingerprint of a schema without what does not change its encoding. The library does not keep
/// names of types that have a logical type it knows, so it gets none of these to see.
fn fingerprint(mut main: Value, mut others: Vec<Value>) -> Result<u64, CodecError> {
    let wrong = |error: apache_avro::Error| CodecError::Schema { cause: Box::new(error) };
    std::iter::once(&mut main).chain(&mut others).for_each(without_logical_types);
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    let (schema, known) = Schema::parse_str_with_list(&main.to_string(), &others).map_err(wrong)?;
    let whole = if known.is_empty() {
        schema
    } else {
        let whole = schema.independent_canonical_form(&known).map_err(wrong)?;
        Schema::parse_str(&whole).map_err(wrong)?
    };
    let bytes = whole.fingerprint::<Rabin>().bytes;
    Ok(bytes.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

fn without_logical_types(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(without_logical_types),
        Value::Object(object) => {
            object.remove("logicalType");
            for (key, below) in object {
                if matches!(key.as_str(), "type" | "items" | "values" | "fields") {
                    without_logical_types(below);
                }
            }
        }
        _ => {}
    }
}
