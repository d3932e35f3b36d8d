//! Avro records to rows.

mod conform;
mod decoder;
mod default;
mod engine;
mod node;
mod resolve;
mod schema;
mod schemas;
mod shape;
mod target;

use std::sync::Arc;

use arrow::datatypes::{Fields, Schema, SchemaRef};
use highwater_core::Result;

use crate::{CodecError, Columns, Format, RecordDecoder};
use decoder::AvroDecoder;
use node::{Node, Record};

pub use schema::AvroSchema;
pub use schemas::{KnownSchemas, SchemaId, Schemas, Writer};

/// Avro, one record a value, each with the name of the schema it was written with in front.
///
/// Two ways of naming are read, and told apart by their first byte: that of registries (`00` and the
/// number of the schema, four bytes, the most significant first) and single-object encoding (`c3 01` and
/// the fingerprint, eight bytes, the least significant first). [`Schemas`] finds the schema.
///
/// Records are resolved by the rules of Avro: fields by name or alias, defaults for what was not
/// written, numbers and texts promoted. In addition:
///
/// * milliseconds become microseconds; a decimal gets digits after its point; neither loses any;
/// * an enum may be read as a string, and is a text column in any case, as a UUID is;
/// * a reader's union is a type and null: no table has columns of several types;
/// * a logical type is not read as another one.
///
/// A schema that cannot be read so rejects its records, and says why. Limits: 16 MiB a value, 64 types
/// within each other, 10,000 types a schema, 10,000 items without bytes a record.
///
/// Source: Avro 1.12 specification, "Schema Resolution" and "Single-object encoding".
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use highwater_codec::{Avro, AvroSchema, Format, KnownSchemas, Records, Span};
///
/// let written = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"int"}]}"#;
/// let read = r#"{"type":"record","name":"Order","fields":
///     [{"name":"id","type":"long"}, {"name":"note","type":["null","string"],"default":null}]}"#;
/// let schemas = KnownSchemas::new().id(1, AvroSchema::try_new(written)?);
/// let avro = Avro::try_new(&AvroSchema::try_new(read)?, Arc::new(schemas))?;
///
/// let data = [0, 0, 0, 0, 1, 84, 0, 0, 0, 0, 9, 84];
/// let values = [Some(Span { start: 0, end: 6 }), Some(Span { start: 6, end: 12 })];
/// let mut outcomes = Vec::new();
/// let rows = avro.decoder().decode(&Records { data: &data, values: &values }, &mut outcomes)?;
/// assert_eq!(rows.num_rows(), 1);
/// let reasons: Vec<_> = outcomes.iter().flatten().map(ToString::to_string).collect();
/// assert_eq!(reasons, ["there is no schema 9"]);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Avro {
    target: Arc<Target>,
    schemas: Arc<dyn Schemas>,
    describe: String,
}

/// What records are read as.
#[derive(Debug)]
struct Target {
    record: Record,
    schema: SchemaRef,
    lenient: bool,
}

impl Avro {
    /// Records that are read as `reader`, a record whose fields are the columns.
    ///
    /// # Errors
    /// `Invalid` when a field can be no column: null alone, several types, or a decimal of more than 38
    /// digits.
    pub fn try_new(reader: &AvroSchema, schemas: Arc<dyn Schemas>) -> Result<Self> {
        let Node::Record(record) = reader.node() else {
            return Err(CodecError::SchemaNotARecord.into());
        };
        let fields = target::fields(record, "")?;
        let describe = format!("avro 1 {} {:?}", reader.text(), reader.references());
        Ok(Self::of(record.clone(), fields, false, schemas, describe))
    }

    /// Records that are read into declared columns, each fed by the field that its key names. The name
    /// of the record does not matter.
    ///
    /// A field may feed several columns. What [`Json`](crate::Json) reads is read here too: a string as
    /// the decimal or the timestamp that it holds, a whole number or a decimal as text, a whole number
    /// as decimal.
    ///
    /// # Errors
    /// `Invalid` when there is no column, a name comes twice or is empty, a decimal does not exist, or
    /// structs lie deeper than 64.
    pub fn columns(columns: &Columns, schemas: Arc<dyn Schemas>) -> Result<Self> {
        columns.check("", 1)?;
        let describe = format!("avro columns 1 {columns}");
        Ok(Self::of(target::record(columns), columns.fields(), true, schemas, describe))
    }

    fn of(
        record: Record,
        fields: Fields,
        lenient: bool,
        schemas: Arc<dyn Schemas>,
        describe: String,
    ) -> Self {
        let schema = Arc::new(Schema::new(fields));
        Self { target: Arc::new(Target { record, schema, lenient }), schemas, describe }
    }
}

impl Format for Avro {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.target.schema)
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        Box::new(AvroDecoder::new(Arc::clone(&self.target), Arc::clone(&self.schemas)))
    }

    fn describe(&self) -> String {
        self.describe.clone()
    }
}
