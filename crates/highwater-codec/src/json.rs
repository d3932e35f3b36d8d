//! JSON objects to rows.

mod attempts;
mod group;
mod number;
mod object;
mod order;
mod record;
mod scanner;
mod spark;
mod text;
mod values;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use highwater_core::Result;
use serde::de::DeserializeSeed;

use crate::reason::excerpt;
use crate::{CodecError, Columns, Fault, Format, Reason, RecordDecoder, Records, Semantics, Span};
use attempts::Attempts;
use group::{GROUP, Group};
use object::Object;
use record::{Row, RowSeed};
use spark::SparkDecoder;

/// The longest value in bytes.
const MAX_BYTES: usize = 16 << 20;
/// The deepest nesting of objects and arrays; the record itself is the first.
pub(crate) const MAX_DEPTH: usize = 64;
/// The most keys of one object.
const MAX_KEYS: usize = 10_000;

/// JSON, one object a record, decoded to declared columns.
///
/// Strict: a record becomes a row only if it is one JSON object and each column's value fits exactly.
/// Keys are compared letter by letter; keys that feed no column are passed over. What fits and what
/// does not is written, and tested, in `docs/semantics/casts.md`; in short:
///
/// * text: a string, or a number, as which its digits are kept as written;
/// * int, long: a number without fraction, `1e3` and `3.0` included;
/// * double: a number, rounded to the nearest as everywhere;
/// * decimal: a number or a string that holds one, see [`parse_decimal`](crate::parse_decimal);
/// * timestamp: a string, see [`parse_timestamp`](crate::parse_timestamp);
/// * boolean, struct: `true` or `false`; an object.
///
/// A missing key is as null: an optional column is null then, a required one rejects the record. So
/// does a key that feeds a column and comes twice. Limits: 16 MiB a value, 64 objects and arrays
/// within each other, 10,000 keys an object.
///
/// All that holds for [`Semantics::Strict`]. For [`Semantics::Spark`] see [`Json::semantics`].
///
/// # Example
/// ```
/// use highwater_codec::{Columns, Format, Json, Type};
///
/// let json = Json::try_new(Columns::new().required("id", Type::Long))?;
/// assert_eq!(json.describe(), r#"json strict 1 {"id" required long from "id"}"#);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Json {
    columns: Columns,
    schema: SchemaRef,
    semantics: Semantics,
}

impl Json {
    /// The format of records with these columns.
    ///
    /// # Errors
    /// `Invalid` when there is no column, a name comes twice or is empty, a decimal does not exist,
    /// the key of a struct feeds another column too, or structs lie deeper than 64.
    pub fn try_new(columns: Columns) -> Result<Self> {
        columns.check("", 1)?;
        let schema = columns.schema();
        Ok(Self { columns, schema, semantics: Semantics::Strict })
    }

    /// The same format by other rules.
    ///
    /// By those of Spark each record becomes a row, as Spark 4.1 makes it with ANSI off, in UTC, with
    /// a permissive `from_json`: decimals and timestamps are read as text, which is then cast. What
    /// cannot be read is null, so every column may be null. Null is the whole row of a record that is
    /// no JSON object, and of one without a value. `docs/semantics/casts.md` has Spark's answers.
    ///
    /// Rejected are only records beyond the limits, and two kinds of timestamps whose answer does not
    /// lie in the record: a time without a date, and a zone by a name such as `Europe/Paris`. A key
    /// that feeds several columns feeds each as if it were the only one.
    #[must_use]
    pub fn semantics(mut self, semantics: Semantics) -> Self {
        self.semantics = semantics;
        self.schema = match semantics {
            Semantics::Strict => self.columns.schema(),
            Semantics::Spark => Arc::new(Schema::new(self.columns.optional_fields())),
        };
        self
    }
}

impl Format for Json {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        match self.semantics {
            Semantics::Strict => Box::new(JsonDecoder {
                schema: self.schema(),
                object: Object::new(&self.columns, "", 1),
                attempts: Attempts::new(),
                groups: Attempts::new(),
                scratch: String::new(),
            }),
            Semantics::Spark => Box::new(SparkDecoder::new(&self.columns, self.schema())),
        }
    }

    fn describe(&self) -> String {
        format!("json {} 1 {}", self.semantics, self.columns)
    }
}

#[derive(Debug)]
struct JsonDecoder {
    schema: SchemaRef,
    object: Object,
    /// Of reading a record quickly, and several of them together.
    attempts: Attempts,
    groups: Attempts,
    scratch: String,
}

impl RecordDecoder for JsonDecoder {
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch> {
        let bytes = records.check()?;
        outcomes.clear();
        outcomes.reserve(records.values.len());
        self.object.reserve(records.values.len(), bytes);
        let mut rows = 0;
        let (groups, others) = records.values.as_chunks();
        for group in groups {
            if self.decode_together(records.data, group, rows) {
                outcomes.resize_with(outcomes.len() + GROUP, || None);
                rows += GROUP;
            } else {
                rows = self.decode_each(records.data, group, (rows, outcomes));
            }
        }
        self.decode_each(records.data, others, (rows, outcomes));
        let columns = self.object.finish().map_err(CodecError::from)?;
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns);
        Ok(batch.map_err(CodecError::from)?)
    }
}

impl JsonDecoder {
    /// Appends a row for each record of a group to `rows`, if they look as records of one producer do.
    fn decode_together(&mut self, data: &[u8], group: &[Option<Span>; GROUP], rows: usize) -> bool {
        let Self { object, groups, .. } = self;
        attempt(groups, object, rows, |object| object.read_together(Group::new(data, group)?))
    }

    /// Appends a row to `rows` for each value that is a record, and says of all what they are. How many rows there
    /// are then.
    fn decode_each(
        &mut self,
        data: &[u8],
        values: &[Option<Span>],
        (mut rows, outcomes): (usize, &mut Vec<Option<Reason>>),
    ) -> usize {
        for value in values {
            let outcome = match value.and_then(|span| span.of(data)) {
                None => Some(Reason::new(None, Fault::NoValue)),
                Some(value) if self.decode_quickly(value, rows) => None,
                Some(value) => self.decode_one(value).err(),
            };
            match outcome {
                None => rows += 1,
                Some(_) => self.object.truncate(rows),
            }
            outcomes.push(outcome);
        }
        rows
    }

    /// Appends one row to `rows`, if the record looks as records usually do.
    fn decode_quickly(&mut self, value: &[u8], rows: usize) -> bool {
        let Self { object, attempts, .. } = self;
        attempt(attempts, object, rows, |object| object.read_quickly(value))
    }

    /// Appends one row. After an error columns may be one row longer than others.
    fn decode_one(&mut self, value: &[u8]) -> Result<(), Reason> {
        let payload = check_value(value)?;
        let mut parser = serde_json::Deserializer::from_str(payload);
        let mut row = Row::new(payload, &mut self.scratch);
        let seed = RowSeed { object: &mut self.object, row: &mut row };
        if let Err(error) = seed.deserialize(&mut parser) {
            return Err(row.into_reason(&error));
        }
        parser.end().map_err(|error| Reason::new(position(payload, &error), Fault::Trailing))
    }
}

/// Appends to `rows` what `read` does, if that is worth an attempt and a success. Otherwise nothing is appended, and
/// nothing is said about the records.
#[inline]
fn attempt(
    attempts: &mut Attempts,
    object: &mut Object,
    rows: usize,
    read: impl FnOnce(&mut Object) -> Option<()>,
) -> bool {
    if !attempts.due() {
        return false;
    }
    if read(object).is_some() {
        attempts.succeeded();
        return true;
    }
    attempts.failed();
    object.truncate(rows);
    false
}

/// The value as text that begins as an object does.
fn check_value(value: &[u8]) -> Result<&str, Reason> {
    if value.len() > MAX_BYTES {
        let fault = Fault::TooLarge { bytes: value.len(), limit: MAX_BYTES };
        return Err(Reason::new(None, fault));
    }
    let text = std::str::from_utf8(value)
        .map_err(|error| Reason::new(Some(error.valid_up_to()), Fault::NotUtf8))?;
    if text.starts_with('{') {
        return Ok(text);
    }
    if text.starts_with('\u{feff}') {
        return Err(Reason::new(Some(0), Fault::ByteOrderMark));
    }
    let begin = text.trim_start_matches([' ', '\t', '\r', '\n']);
    if begin.is_empty() {
        return Err(Reason::new(None, Fault::Empty));
    }
    if !begin.starts_with('{') {
        let fault = Fault::NotAnObject { found: excerpt(begin) };
        return Err(Reason::new(Some(text.len() - begin.len()), fault));
    }
    Ok(text)
}

/// The byte at which the parser stopped.
fn position(payload: &str, error: &serde_json::Error) -> Option<usize> {
    let before = error.line().checked_sub(1)?;
    let line: usize = payload.split_inclusive('\n').take(before).map(str::len).sum();
    Some(line + error.column().saturating_sub(1))
}
