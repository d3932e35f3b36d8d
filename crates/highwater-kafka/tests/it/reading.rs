//! Reads sources to their end, as a driver and a worker would.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use futures::StreamExt;
use highwater_codec::{Columns, Format, Json, Type};
use highwater_core::{Decoded, Limits, Planned, Positions, Result, Source};
use highwater_kafka::KafkaSource;

/// A source of values like `{"v":"text"}`.
pub(crate) fn source(bootstrap: &str, topic: &str) -> KafkaSource<Arc<dyn Format>> {
    let format = Json::try_new(Columns::new().required("v", Type::Text)).unwrap();
    KafkaSource::new(bootstrap, topic).decode(format).source_columns()
}

/// A value that [`source`] decodes to `text`.
pub(crate) fn value(text: &str) -> String {
    format!("{{\"v\":{text:?}}}")
}

/// A decoded or rejected record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) text: String,
}

/// What plans gave when they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Row>,
    /// With their raw bytes as text, `null` for none.
    pub(crate) rejected: Vec<Row>,
    pub(crate) records: u64,
}

impl Read {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.rows.iter().map(|row| &*row.text).collect()
    }
}

/// Plans and reads until there is nothing left, and gives the positions behind.
pub(crate) async fn read_all(
    source: &dyn Source,
    mut from: Positions,
    limits: &Limits,
) -> Result<(Read, Positions)> {
    let mut all = Read::default();
    loop {
        let planned = source.plan(&from, None, limits).await?;
        if planned.ranges.is_empty() {
            return Ok((all, from));
        }
        let read = read(source, &planned).await?;
        all.rows.extend(read.rows);
        all.rejected.extend(read.rejected);
        all.records += read.records;
        from = from.after(&planned.ranges);
    }
}

/// Reads one plan. Rows come by partition, and in their order within it.
pub(crate) async fn read(source: &dyn Source, planned: &Planned) -> Result<Read> {
    let mut decoders = Vec::new();
    for range in &planned.ranges {
        decoders.push(source.decoder(range)?);
    }
    let mut decoded: Vec<Decoded> = planned.ranges.iter().map(|_| Decoded::default()).collect();
    let mut payloads = source.read(planned.ranges.clone());
    while let Some(item) = payloads.next().await {
        let (id, payload) = item?;
        let at = usize::try_from(id.0).unwrap();
        decoders[at].decode(payload, &mut decoded[at])?;
    }
    let mut read = Read::default();
    for (decoder, mut decoded) in decoders.iter_mut().zip(decoded) {
        decoder.finish(&mut decoded)?;
        let rows: Vec<Row> = decoded.rows.iter().flat_map(rows).collect();
        let rejected: Vec<Row> = decoded.rejected.iter().flat_map(rejected).collect();
        assert_eq!(decoded.records, (rows.len() + rejected.len()) as u64);
        assert!(decoded.rows.iter().all(|rows| (1..=8192).contains(&rows.num_rows())));
        read.records += decoded.records;
        read.rows.extend(rows);
        read.rejected.extend(rejected);
    }
    Ok(read)
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let texts: &StringArray = column(batch, "v");
    let partitions: &Int32Array = column(batch, "_partition");
    let offsets: &Int64Array = column(batch, "_offset");
    let row = |at| Row {
        partition: partitions.value(at),
        offset: offsets.value(at),
        text: texts.value(at).to_owned(),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn rejected(batch: &RecordBatch) -> Vec<Row> {
    let raw: &BinaryArray = column(batch, "raw");
    let partitions: &Int32Array = column(batch, "partition");
    let offsets: &Int64Array = column(batch, "offset");
    let text =
        |at| if raw.is_null(at) { "null".into() } else { raw.value(at).escape_ascii().to_string() };
    let row =
        |at| Row { partition: partitions.value(at), offset: offsets.value(at), text: text(at) };
    (0..batch.num_rows()).map(row).collect()
}

pub(crate) fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> &'a T {
    batch.column_by_name(name).unwrap().as_any().downcast_ref().unwrap()
}
