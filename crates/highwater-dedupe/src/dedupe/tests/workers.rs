//! The step on some workers, and the rows that it is given.

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Schema, SchemaRef, TimestampMicrosecondType};
use highwater_core::{Emitted, Epoch, Moment, Offsets, Origin, Output, Partition, Watermarks};
use highwater_testkit::workers;

use super::super::*;

/// The instances of a step, and what they have saved.
pub(super) struct Workers(workers::Workers);

/// What became of the rows of an epoch.
#[derive(Debug, Default)]
pub(super) struct Out {
    /// The numbers of those that went on, in the order in which they came out of each worker.
    pub(super) rows: Vec<i32>,
    /// The times of those that have one.
    pub(super) kept: Vec<i64>,
    /// The times of the late ones.
    pub(super) late: Vec<i64>,
    pub(super) late_counted: u64,
    pub(super) duplicates: u64,
    /// What came out.
    pub(super) batches: Vec<Batch>,
}

impl Workers {
    pub(super) fn new(step: &Dedupe, count: usize) -> Self {
        let step = step.resolve(&[stream()]).unwrap();
        assert!(matches!(step.routing(), Routing::ByKey(_)), "{:?}", step.routing());
        Self(workers::Workers::try_new(step, count).unwrap())
    }

    pub(super) fn epoch(&mut self, watermarks: Watermarks, batches: Vec<Batch>) -> Out {
        self.try_epoch(watermarks, batches).unwrap()
    }

    /// Runs an epoch and saves its state.
    pub(super) fn try_epoch(&mut self, watermarks: Watermarks, batches: Vec<Batch>) -> Result<Out> {
        let mut out = Out::default();
        for ran in self.0.epoch(watermarks, &batches)? {
            out.take(ran.emitted);
            out.late_counted += ran.counts.late;
            out.duplicates += ran.counts.duplicates;
        }
        Ok(out)
    }

    /// Starts anew on other workers, from what was saved.
    pub(super) fn restart(&mut self, count: usize) {
        self.0.restart(count).unwrap();
    }

    /// How many rows are remembered, as the last save tells.
    pub(super) fn rows_kept(&self) -> u64 {
        self.0.rows_kept()
    }
}

impl Out {
    /// The numbers of rows that went on, the times of late ones, and what was counted.
    pub(super) fn sorted(mut self) -> (Vec<i32>, Vec<i64>, u64, u64) {
        self.rows.sort_unstable();
        self.late.sort_unstable();
        (self.rows, self.late, self.late_counted, self.duplicates)
    }

    fn take(&mut self, emitted: Vec<Emitted>) {
        for (output, batch) in emitted {
            let times = batch.rows.column(1).as_primitive::<TimestampMicrosecondType>();
            let times = times.iter().flatten();
            if output == Output::Side(0) {
                self.late.extend(times);
                continue;
            }
            self.kept.extend(times);
            self.rows.extend(batch.rows.column(3).as_primitive::<Int32Type>().values());
            self.batches.push(batch);
        }
    }
}

pub(super) fn moment(epoch: Epoch, watermarks: Watermarks) -> Moment {
    Moment { epoch, now: Timestamp(0), watermarks }
}

pub(super) fn origin(partition: i32) -> Arc<Origin> {
    let partition = Partition::new("t", partition);
    Arc::new(Origin { source: "orders".parse().unwrap(), partition })
}

/// A stream of such rows.
pub(super) fn stream() -> StreamInfo {
    StreamInfo::new(schema()).with_time("time")
}

/// The key `id` and `kind`, the time, and the number of a row.
pub(super) fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("time", time, true),
        Field::new("kind", DataType::Int32, true),
        Field::new("n", DataType::Int32, false),
    ]))
}

/// Rows of a partition as `(id, time)`, whose offsets follow each other and are their numbers too.
pub(super) fn batch(partition: i32, first: i32, rows: &[(Option<&str>, Option<i64>)]) -> Batch {
    let rows: Vec<_> = rows.iter().map(|(id, time)| (*id, *time, None)).collect();
    let offsets: Vec<_> = (first..).take(rows.len()).collect();
    batch_of(partition, &offsets, &rows)
}

/// Rows as `(id, time, kind)` at some offsets, which are their numbers too.
pub(super) fn batch_of(
    partition: i32,
    offsets: &[i32],
    rows: &[(Option<&str>, Option<i64>, Option<i32>)],
) -> Batch {
    let times: TimestampMicrosecondArray = rows.iter().map(|row| row.1).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>()),
        Arc::new(times.with_timezone("+00:00")),
        Arc::new(rows.iter().map(|row| row.2).collect::<Int32Array>()),
        Arc::new(Int32Array::from(offsets.to_vec())),
    ];
    let offsets = Offsets::new(offsets.iter().map(|offset| i64::from(*offset)));
    let rows = RecordBatch::try_new(schema(), columns).unwrap();
    Batch { origin: Some(origin(partition)), offsets: Some(offsets), ..rows.into() }
}
