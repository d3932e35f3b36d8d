//! What Kafka knows of a record besides its value, as columns.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StringBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use highwater_core::Partition;

use crate::batch;
use crate::error::{BatchError, KafkaError};

/// A column beside those of the value. Names, types and meaning are those of Spark's Kafka source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metadata {
    /// `key`: the bytes of the key; null when there is none.
    Key,
    /// `topic`: text.
    Topic,
    /// `partition`: i32.
    Partition,
    /// `offset`: i64.
    Offset,
    /// `timestamp`: microseconds UTC, from milliseconds; null when the producer gave none.
    Timestamp,
    /// `timestampType`: 0 when the producer set the timestamp, 1 when the broker did; i32.
    TimestampType,
    /// `headers`: a list of `key` (text) and `value` (bytes or null) in their order, which may repeat
    /// a key; empty when there are none.
    Headers,
}

const UTC: &str = "+00:00";

impl Metadata {
    /// All of them, in the order of Spark.
    pub const ALL: [Self; 7] = [
        Self::Key,
        Self::Topic,
        Self::Partition,
        Self::Offset,
        Self::Timestamp,
        Self::TimestampType,
        Self::Headers,
    ];

    /// The name of the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Offset => "offset",
            Self::Timestamp => "timestamp",
            Self::TimestampType => "timestampType",
            Self::Headers => "headers",
        }
    }

    fn field(self, name: &str) -> Field {
        let (data_type, nullable) = match self {
            Self::Key => (DataType::Binary, true),
            Self::Topic => (DataType::Utf8, false),
            Self::Partition | Self::TimestampType => (DataType::Int32, false),
            Self::Offset => (DataType::Int64, false),
            Self::Timestamp => (DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())), true),
            Self::Headers => (DataType::List(header()), false),
        };
        Field::new(name, data_type, nullable)
    }
}

/// One element of the list of headers.
fn header() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(header_fields()), false))
}

fn header_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Binary, true),
    ])
}

/// The columns that were chosen, with their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen(Vec<(Metadata, String)>);

impl Chosen {
    pub(crate) fn add(&mut self, column: Metadata, name: String) {
        self.0.push((column, name));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `schema` with these columns behind its own.
    pub(crate) fn behind(&self, schema: &SchemaRef) -> SchemaRef {
        let chosen = self.0.iter().map(|(column, name)| Arc::new(column.field(name)));
        let fields: Vec<_> = schema.fields().iter().cloned().chain(chosen).collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// `rows` with these columns of `records` behind their own: one record for each row, all of
    /// `partition`, with their bytes in `data`.
    pub(crate) fn to(
        &self,
        rows: &RecordBatch,
        partition: &Partition,
        records: &[Known],
        data: &[u8],
    ) -> Result<RecordBatch, KafkaError> {
        let mut columns = rows.columns().to_vec();
        for (column, _) in &self.0 {
            columns.push(column.array(partition, records, data)?);
        }
        Ok(RecordBatch::try_new(self.behind(&rows.schema()), columns)?)
    }
}

/// What is known of one record, with its bytes by where they lie.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) offset: i64,
    /// Milliseconds since 1970 UTC.
    pub(crate) timestamp: Option<i64>,
    pub(crate) by_broker: bool,
    pub(crate) key: Option<Range<usize>>,
    pub(crate) headers: Range<usize>,
}

impl Metadata {
    fn array(
        self,
        partition: &Partition,
        records: &[Known],
        data: &[u8],
    ) -> Result<ArrayRef, KafkaError> {
        let count = records.len();
        Ok(match self {
            Self::Topic => {
                let names = std::iter::repeat_n(&partition.stream, count);
                Arc::new(StringArray::from_iter_values(names))
            }
            Self::Partition => Arc::new(Int32Array::from_value(partition.index, count)),
            Self::Offset => {
                let offsets = records.iter().map(|record| record.offset);
                Arc::new(Int64Array::from_iter_values(offsets))
            }
            Self::TimestampType => {
                let kinds = records.iter().map(|record| i32::from(record.by_broker));
                Arc::new(Int32Array::from_iter_values(kinds))
            }
            Self::Timestamp => {
                let micros = |record: &Known| record.timestamp?.checked_mul(1000);
                let times: TimestampMicrosecondArray = records.iter().map(micros).collect();
                Arc::new(times.with_timezone(UTC))
            }
            Self::Key => {
                let mut keys = BinaryBuilder::with_capacity(count, 0);
                for record in records {
                    keys.append_option(record.key.clone().and_then(|range| data.get(range)));
                }
                Arc::new(keys.finish())
            }
            Self::Headers => Arc::new(headers(partition, records, data)?),
        })
    }
}

fn headers(partition: &Partition, records: &[Known], data: &[u8]) -> Result<ListArray, KafkaError> {
    let (mut keys, mut values) = (StringBuilder::new(), BinaryBuilder::new());
    let mut lengths = Vec::with_capacity(records.len());
    for record in records {
        let bytes = data.get(record.headers.clone()).unwrap_or_default();
        let Some(found) = batch::headers(bytes) else {
            let (topic, index) = (&partition.stream, partition.index);
            return Err(BatchError::Headers.at(topic, index, record.offset));
        };
        lengths.push(found.len());
        for (key, value) in found {
            // A key is UTF-8 by the protocol; what is not shows as the replacement character.
            keys.append_value(String::from_utf8_lossy(key));
            values.append_option(value);
        }
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), Arc::new(values.finish())];
    let elements = StructArray::try_new(header_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(ListArray::try_new(header(), offsets, Arc::new(elements), None)?)
}

#[cfg(test)]
mod tests;
