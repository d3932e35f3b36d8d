//! JSON to rows as Spark 4.1 makes them of one: null is what cannot be read.

mod cast;
mod copy;
mod decimal;
mod double;
mod level;
mod number;
mod reader;
mod rows;
mod scan;
mod text;
mod timestamp;
mod utf8;
mod zone;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use highwater_core::Result;

use self::level::{Level, Row};
use self::reader::{Reader, Stop, Token};
use self::rows::Rows;
use super::MAX_BYTES;
use crate::{CodecError, Columns, Fault, Reason, RecordDecoder, Records};

/// Decodes records as `from_json` and the casts behind it do.
#[derive(Debug)]
pub(super) struct SparkDecoder {
    schema: SchemaRef,
    level: Level,
    rows: Rows,
}

impl SparkDecoder {
    /// For columns that have been checked, and the schema in which all of them may be null.
    pub(super) fn new(columns: &Columns, schema: SchemaRef) -> Self {
        Self { schema, level: Level::new(columns), rows: Rows::new(columns) }
    }

    /// The row of a record, which is rejected only when it is beyond a limit, or when Spark's answer
    /// depends on what is not in the record.
    fn row(&self, value: Option<&[u8]>) -> Result<Row, Reason> {
        let Some(value) = value else { return Ok(self.level.nulls()) };
        if value.len() > MAX_BYTES {
            let fault = Fault::TooLarge { bytes: value.len(), limit: MAX_BYTES };
            return Err(Reason::new(None, fault));
        }
        match self.read(&mut Reader::new(&utf8::decode(value))) {
            Ok(Some(row)) => Ok(row),
            Ok(None) | Err(Stop::Mistake) => Ok(self.level.nulls()),
            Err(Stop::Rejected(reason)) => Err(reason),
        }
    }

    fn read(&self, reader: &mut Reader<'_>) -> Result<Option<Row>, Stop> {
        match reader.advance()? {
            Some(Token::Object) => self.level.read(reader).map(Some),
            _ => Ok(None),
        }
    }
}

impl RecordDecoder for SparkDecoder {
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch> {
        let bytes = records.check()?;
        outcomes.clear();
        outcomes.reserve(records.values.len());
        self.rows.reserve(records.values.len(), bytes);
        let mut count = 0;
        for value in records.values {
            let value = value.and_then(|span| span.of(records.data));
            let outcome = match self.row(value) {
                Err(reason) => Some(reason),
                Ok(row) => self.rows.push(&row).err().map(|_| {
                    // The texts of this call are more than Arrow holds.
                    let bytes = value.map_or(0, <[u8]>::len);
                    Reason::new(None, Fault::TooLarge { bytes, limit: MAX_BYTES })
                }),
            };
            match outcome {
                None => count += 1,
                Some(_) => self.rows.truncate(count),
            }
            outcomes.push(outcome);
        }
        let columns = self.rows.finish().map_err(CodecError::from)?;
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns);
        Ok(batch.map_err(CodecError::from)?)
    }
}
