//! The columns that rows of a table are read in: those that were declared, in whatever layout the table
//! has them.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use highwater_core::{Decoded, Decoder, Error, ErrorKind, Offsets, Payload, Result};

/// The most rows of a batch.
const ROWS: usize = 8_192;

/// Whether two types have the same values, in whatever layout.
pub fn reads_as(theirs: &DataType, ours: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, LargeBinary, LargeList, LargeUtf8, List, Struct, Timestamp, Utf8,
        Utf8View,
    };
    let text = |kind: &DataType| matches!(kind, Utf8 | LargeUtf8 | Utf8View);
    let bytes = |kind: &DataType| matches!(kind, Binary | LargeBinary | BinaryView);
    match (theirs, ours) {
        (
            Timestamp(TimeUnit::Microsecond, Some(theirs)),
            Timestamp(TimeUnit::Microsecond, Some(ours)),
        ) => [theirs, ours].iter().all(|zone| matches!(&***zone, "UTC" | "+00:00")),
        (Struct(theirs), Struct(ours)) => {
            let same = |(theirs, ours): (&FieldRef, &FieldRef)| {
                theirs.name() == ours.name() && reads_as(theirs.data_type(), ours.data_type())
            };
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(same)
        }
        (List(theirs) | LargeList(theirs), List(ours) | LargeList(ours)) => {
            reads_as(theirs.data_type(), ours.data_type())
        }
        (theirs, ours) => {
            theirs == ours || text(theirs) && text(ours) || bytes(theirs) && bytes(ours)
        }
    }
}

/// Takes rows of a version of a table out of payloads that are rows already, and gives them the declared
/// columns. They are numbered as they come.
#[derive(Debug)]
pub struct DeclaredRows {
    format: &'static str,
    version: String,
    columns: SchemaRef,
    next: i64,
}

/// Rows of a table that are not what was declared.
#[derive(Debug, thiserror::Error)]
#[error("{version} has other rows than were declared")]
struct OtherRows {
    version: String,
    source: ArrowError,
}

impl DeclaredRows {
    /// Rows of `version`, as errors call it, of a table of this format, in these columns.
    pub fn new(format: &'static str, version: String, columns: SchemaRef) -> Self {
        Self { format, version, columns, next: 0 }
    }

    fn declared(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let column = |field: &FieldRef| -> Result<ArrayRef, ArrowError> {
            let column = rows.column_by_name(field.name()).ok_or_else(|| {
                let what = format!("there is no column {}", field.name());
                ArrowError::SchemaError(what)
            })?;
            cast(column, field.data_type())
        };
        let columns = self.columns.fields().iter().map(column).collect::<Result<_, _>>()?;
        RecordBatch::try_new(SchemaRef::clone(&self.columns), columns)
    }
}

impl Decoder for DeclaredRows {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        let Some(rows) = payload.rows else { return Ok(()) };
        let bytes = rows.get_array_memory_size();
        let rows = self.declared(&rows).map_err(|source| {
            let wrong = OtherRows { version: self.version.clone(), source };
            Error::new(ErrorKind::Invalid, self.format, wrong).advise(
                "declare the columns as the table has them, and those that may be null as such",
            )
        })?;
        decoded.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        decoded.records += u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
        for from in (0..rows.num_rows()).step_by(ROWS) {
            let piece = rows.slice(from, ROWS.min(rows.num_rows() - from));
            decoded.offsets.push(Offsets::From(self.next));
            self.next += i64::try_from(piece.num_rows()).unwrap_or(i64::MAX);
            decoded.rows.push(piece);
        }
        Ok(())
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
