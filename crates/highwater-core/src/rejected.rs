//! Records that could not become rows, as rows of their own.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::{Error, ErrorKind, Partition, Result, Timestamp};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    Arc::new(Schema::new(vec![
        Field::new("topic", DataType::Utf8, false),
        Field::new("partition", DataType::Int32, false),
        Field::new("offset", DataType::Int64, false),
        Field::new("timestamp", time, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("reason", DataType::Utf8, false),
    ]))
});

/// The columns of a rejected record: `topic` text, `partition` i32, `offset` i64, `timestamp`
/// (microseconds UTC, null when the source has none), `raw` (the bytes of the value, null when there
/// was none) and `reason` text.
pub fn rejected_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Collects the rejected records of one partition into batches of [`rejected_schema`].
///
/// # Example
/// ```
/// use highwater_core::{Partition, RejectedRecords};
///
/// let mut rejected = RejectedRecords::new(&Partition::new("orders", 3));
/// rejected.push(17, None, Some(b"{"), "line 1 column 1: the object does not end");
/// let batch = rejected.take()?.expect("one record");
/// assert_eq!(batch.num_rows(), 1);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Debug)]
pub struct RejectedRecords {
    partition: Partition,
    topic: StringBuilder,
    index: Int32Builder,
    offset: Int64Builder,
    timestamp: TimestampMicrosecondBuilder,
    raw: BinaryBuilder,
    reason: StringBuilder,
    rows: usize,
}

impl RejectedRecords {
    /// An empty collection for records of `partition`.
    pub fn new(partition: &Partition) -> Self {
        Self {
            partition: partition.clone(),
            topic: StringBuilder::new(),
            index: Int32Builder::new(),
            offset: Int64Builder::new(),
            timestamp: TimestampMicrosecondBuilder::new().with_timezone("+00:00"),
            raw: BinaryBuilder::new(),
            reason: StringBuilder::new(),
            rows: 0,
        }
    }

    /// Adds the record at `offset`.
    pub fn push(
        &mut self,
        offset: i64,
        timestamp: Option<Timestamp>,
        raw: Option<&[u8]>,
        reason: &str,
    ) {
        self.topic.append_value(&self.partition.stream);
        self.index.append_value(self.partition.index);
        self.offset.append_value(offset);
        self.timestamp.append_option(timestamp.map(|time| time.0));
        self.raw.append_option(raw);
        self.reason.append_value(reason);
        self.rows += 1;
    }

    /// How many records are waiting.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The waiting records as one batch; none when there are none.
    ///
    /// # Errors
    /// `Internal` when arrow refuses the columns.
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        if self.is_empty() {
            return Ok(None);
        }
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.topic.finish()),
            Arc::new(self.index.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.timestamp.finish()),
            Arc::new(self.raw.finish()),
            Arc::new(self.reason.finish()),
        ];
        RecordBatch::try_new(rejected_schema(), columns)
            .map(Some)
            .map_err(|error| Error::new(ErrorKind::Internal, "core", error))
    }
}

#[cfg(test)]
mod tests;
