//! Tables of values by key, for sinks that replace rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, TimeUnit, TimestampMicrosecondType};
use futures::TryStreamExt;
use highwater_core::{SinkContext, StreamInfo};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_storage::Storage;

use crate::fixture::{Pipeline, context, table};

/// Keys with their values.
pub(crate) type Pairs = [(i64, i64)];

/// The columns of a key: a window as a step makes it, and a type of which some are null.
pub(crate) const KEY: [&str; 2] = ["window", "type"];

/// Rows whose key is made of a number: a window, and what kind of event it is. The value comes in
/// twice: as it is, and as text that partitions are made of.
pub(crate) fn rows(pairs: &Pairs) -> RecordBatch {
    let starts = pairs.iter().map(|(key, _)| key.div_euclid(2) * 60_000_000);
    let start: TimestampMicrosecondArray = starts.clone().map(Some).collect();
    let end: TimestampMicrosecondArray = starts.map(|start| Some(start + 60_000_000)).collect();
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let fields =
        vec![Field::new("start", kind.clone(), false), Field::new("end", kind, false)].into();
    let bounds: Vec<ArrayRef> =
        vec![Arc::new(start.with_timezone("+00:00")), Arc::new(end.with_timezone("+00:00"))];
    let windows: ArrayRef = Arc::new(StructArray::new(fields, bounds, None));
    let kinds: StringArray =
        pairs.iter().map(|(key, _)| (key.rem_euclid(2) == 1).then_some("click")).collect();
    let values: Int64Array = pairs.iter().map(|(_, value)| Some(*value)).collect();
    let parity: StringArray =
        pairs.iter().map(|(_, value)| (value % 3 != 0).then(|| (value % 3).to_string())).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("window", windows, false),
        ("type", Arc::new(kinds) as ArrayRef, true),
        ("value", Arc::new(values) as ArrayRef, false),
        ("third", Arc::new(parity) as ArrayRef, true),
    ])
    .unwrap()
}

/// The keys and values in rows, sorted.
pub(crate) fn pairs(batches: &[RecordBatch]) -> Vec<(i64, i64)> {
    let of = |rows: &RecordBatch| -> Vec<(i64, i64)> {
        let windows = rows.column_by_name("window").unwrap().as_struct();
        let starts = windows.column_by_name("start").unwrap();
        let starts = starts.as_primitive::<TimestampMicrosecondType>();
        let kinds = rows.column_by_name("type").unwrap();
        let values = rows.column_by_name("value").unwrap().as_primitive::<Int64Type>();
        let key = |row| starts.value(row) / 60_000_000 * 2 + i64::from(kinds.is_valid(row));
        (0..rows.num_rows()).map(|row| (key(row), values.value(row))).collect()
    };
    let mut pairs: Vec<_> = batches.iter().flat_map(of).collect();
    pairs.sort_unstable();
    pairs
}

/// What a reader sees in the table.
pub(crate) async fn seen(storage: &Storage) -> Vec<(i64, i64)> {
    let batches: Vec<_> = table(storage).await.rows().try_collect().await.unwrap();
    pairs(&batches)
}

pub(crate) fn cx() -> SinkContext {
    SinkContext { input: StreamInfo::new(rows(&[]).schema()), ..context("ledger") }
}

/// How a table takes rows out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By deletion vectors.
    Vectors,
    /// By writing files anew.
    Copies,
}

pub(crate) const BOTH: [How; 2] = [How::Vectors, How::Copies];

/// A sink that updates by key.
pub(crate) fn updating(storage: &Storage, how: How) -> DeltaSink {
    let sink = DeltaTable::new(storage.clone()).update(KEY);
    match how {
        How::Vectors => sink,
        How::Copies => sink.create_property("delta.enableDeletionVectors", "false"),
    }
}

pub(crate) async fn open(storage: &Storage, how: How) -> Pipeline {
    Pipeline::try_open_with(updating(storage, how), cx()).await.unwrap()
}
