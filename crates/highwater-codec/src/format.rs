//! What a source needs to know of an encoding: rows of which schema, and a decoder for each worker.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use highwater_core::Result;

use crate::{CodecError, Reason};

/// The most bytes of one call: what the offsets of a text column reach.
const MAX_CALL_BYTES: usize = 0x7fff_ffff;

/// An encoding of records, with the columns it is decoded to.
///
/// # Example
/// A format of one's own: `id,count`, one record a line. What does not fit rejects its record.
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Builder, RecordBatch, StringBuilder};
/// use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
/// use highwater_codec::{Fault, Format, Reason, RecordDecoder, Records, Span};
/// use highwater_core::{Error, ErrorKind, Result};
///
/// #[derive(Debug)]
/// struct Counts;
///
/// impl Format for Counts {
///     fn schema(&self) -> SchemaRef {
///         let id = Field::new("id", DataType::Utf8, false);
///         Arc::new(Schema::new(vec![id, Field::new("count", DataType::Int64, false)]))
///     }
///     fn decoder(&self) -> Box<dyn RecordDecoder> {
///         Box::new(Counts)
///     }
///     fn describe(&self) -> String {
///         "id,count 1".to_owned()
///     }
/// }
///
/// impl RecordDecoder for Counts {
///     fn decode(&mut self, records: &Records<'_>, outcomes: &mut Vec<Option<Reason>>) -> Result<RecordBatch> {
///         records.check()?;
///         outcomes.clear();
///         let (mut ids, mut counts) = (StringBuilder::new(), Int64Builder::new());
///         for value in records.values {
///             outcomes.push(match value.and_then(|span| span.of(records.data)).map(row) {
///                 None => Some(Reason::new(None, Fault::NoValue)),
///                 Some(Err(fault)) => Some(Reason::new(None, fault)),
///                 Some(Ok((id, count))) => {
///                     ids.append_value(id);
///                     counts.append_value(count);
///                     None
///                 }
///             });
///         }
///         RecordBatch::try_new(self.schema(), vec![Arc::new(ids.finish()), Arc::new(counts.finish())])
///             .map_err(|error| Error::new(ErrorKind::Internal, "counts", error))
///     }
/// }
///
/// fn row(value: &[u8]) -> Result<(&str, i64), Fault> {
///     let text = std::str::from_utf8(value).map_err(|_| Fault::NotUtf8)?;
///     let (id, count) = text.split_once(',').ok_or(Fault::Other { what: "there is no comma".into() })?;
///     let count = count.parse().map_err(|_| Fault::Other { what: "the count is no number".into() })?;
///     Ok((id, count))
/// }
///
/// let values = [Some(Span { start: 0, end: 3 }), Some(Span { start: 3, end: 6 }), None];
/// let mut outcomes = Vec::new();
/// let rows = Counts.decoder().decode(&Records { data: b"a,7b,x", values: &values }, &mut outcomes)?;
/// assert_eq!(rows.num_rows(), 1);
/// let reasons: Vec<_> = outcomes.iter().flatten().map(ToString::to_string).collect();
/// assert_eq!(reasons, ["the count is no number", "the record has no value"]);
/// # Ok::<(), Error>(())
/// ```
pub trait Format: fmt::Debug + Send + Sync {
    /// The columns of a decoded row.
    fn schema(&self) -> SchemaRef;

    /// A decoder with buffers of its own.
    fn decoder(&self) -> Box<dyn RecordDecoder>;

    /// The encoding and its columns in one line, a part of the pipeline's fingerprint: it differs
    /// whenever some record could be decoded differently.
    fn describe(&self) -> String;
}

/// A format that is shared, or known only when the program runs.
impl<F: Format + ?Sized> Format for Arc<F> {
    fn schema(&self) -> SchemaRef {
        self.as_ref().schema()
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        self.as_ref().decoder()
    }

    fn describe(&self) -> String {
        self.as_ref().describe()
    }
}

/// Decodes records many at a time and keeps its buffers between calls.
pub trait RecordDecoder: fmt::Debug + Send {
    /// Decodes `records`, 8,192 of them at most as a rule. The batch holds exactly the accepted
    /// records in their order, so it may be empty.
    ///
    /// `outcomes` is cleared and gets one entry for each record: nothing for a row, the reason for
    /// a rejected record. A rejected record leaves no trace in the rows of others.
    ///
    /// # Errors
    /// `Internal` when a span lies outside the data, or the values have more than 2 GiB together.
    /// What is in a record is never an error.
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch>;
}

/// The values of some records, as views into one buffer.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// Where the values are.
    pub data: &'a [u8],
    /// One entry for each record. A null value (a tombstone) is nothing.
    pub values: &'a [Option<Span>],
}

impl Records<'_> {
    /// The bytes of all values together.
    ///
    /// # Errors
    /// `Internal` when a span lies outside the data, or the values have more than 2 GiB together,
    /// which no text column of Arrow holds.
    pub fn check(&self) -> Result<usize> {
        let mut bytes = 0_usize;
        for span in self.values.iter().flatten() {
            let value = span.of(self.data).ok_or_else(|| CodecError::SpanOutside {
                start: span.start,
                end: span.end,
                bytes: self.data.len(),
            })?;
            bytes = bytes.saturating_add(value.len());
        }
        if bytes > MAX_CALL_BYTES {
            return Err(CodecError::CallTooLarge { bytes, limit: MAX_CALL_BYTES }.into());
        }
        Ok(bytes)
    }
}

/// A range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes of `data` in this span; nothing when it lies outside.
    pub fn of(self, data: &[u8]) -> Option<&[u8]> {
        let start = usize::try_from(self.start).ok()?;
        let end = usize::try_from(self.end).ok()?;
        data.get(start..end)
    }
}
