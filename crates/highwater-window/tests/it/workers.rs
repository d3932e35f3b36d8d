//! The step on some workers, and the rows that it is given.

use std::sync::Arc;

use highwater_core::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use highwater_core::arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use highwater_core::{
    Batch, Epoch, Moment, Offsets, OperatorSpec, Origin, Output, Partition, Result, StreamInfo,
    Timestamp, Watermarks,
};
use highwater_testkit::workers;
use highwater_window::Window;

/// A row of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) id: Option<String>,
    pub(crate) time: Option<i64>,
    pub(crate) n: Option<i64>,
    pub(crate) f: Option<f64>,
    /// In hundredths.
    pub(crate) d: Option<i128>,
    pub(crate) s: Option<String>,
}

/// A value of the output; floats by their bits, all NaN alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Null,
    Int(i128),
    Float(u64),
    Text(String),
}

/// A row of the output: start and end of the window, then the other columns.
pub(crate) type Row = (i64, i64, Vec<Cell>);

/// What an epoch gave, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Out {
    pub(crate) rows: Vec<Row>,
    /// The times of late rows, and how many were counted.
    pub(crate) late: Vec<Option<i64>>,
    pub(crate) counted: u64,
}

/// The instances of a step, and what they have saved.
pub(crate) struct Workers(workers::Workers);

impl Workers {
    pub(crate) fn new(step: &Window, count: usize) -> Self {
        let step = step.resolve(&[stream()]).unwrap();
        Self(workers::Workers::try_new(step, count).unwrap())
    }

    /// Runs an epoch and saves its state.
    pub(crate) fn epoch(&mut self, marks: (i64, i64), batches: &[Vec<Event>]) -> Out {
        let batches: Vec<_> = batches.iter().map(|events| batch(events)).collect();
        self.try_epoch(marks, &batches).unwrap()
    }

    pub(crate) fn try_epoch(&mut self, marks: (i64, i64), batches: &[Batch]) -> Result<Out> {
        let mut out = Out::default();
        for ran in self.0.epoch(watermarks(marks), batches)? {
            out.counted += ran.counts.late;
            for (output, batch) in ran.emitted {
                assert!((1..=8_192).contains(&batch.len()));
                match output {
                    Output::Main => out.rows.extend(rows(&batch.rows)),
                    Output::Side(_) => out.late.extend(times(batch.rows.column(1))),
                }
            }
        }
        out.rows.sort();
        out.late.sort();
        Ok(out)
    }

    /// Starts anew on other workers, from what was saved.
    pub(crate) fn restart(&mut self, count: usize) {
        self.0.restart(count).unwrap();
    }

    /// How many rows of state there are, as the last save tells.
    pub(crate) fn rows_kept(&self) -> u64 {
        self.0.rows_kept()
    }
}

pub(crate) fn moment(epoch: Epoch, marks: (i64, i64)) -> Moment {
    Moment { epoch, now: Timestamp(0), watermarks: watermarks(marks) }
}

fn watermarks((late_before, watermark): (i64, i64)) -> Watermarks {
    Watermarks { late_before: Timestamp(late_before), watermark: Timestamp(watermark) }
}

/// A stream of such rows.
pub(crate) fn stream() -> StreamInfo {
    StreamInfo::new(schema()).with_time("time")
}

pub(crate) fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("time", time, true),
        Field::new("n", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
        Field::new("d", DataType::Decimal128(10, 2), true),
        Field::new("s", DataType::Utf8, true),
        Field::new("flag", DataType::Boolean, true),
    ]))
}

/// Rows of one partition, in the order of their offsets.
pub(crate) fn batch(events: &[Event]) -> Batch {
    let times: TimestampMicrosecondArray = events.iter().map(|event| event.time).collect();
    let decimals: Decimal128Array = events.iter().map(|event| event.d).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(events.iter().map(|event| event.id.clone()).collect::<StringArray>()),
        Arc::new(times.with_timezone("+00:00")),
        Arc::new(events.iter().map(|event| event.n).collect::<Int64Array>()),
        Arc::new(events.iter().map(|event| event.f).collect::<Float64Array>()),
        Arc::new(decimals.with_precision_and_scale(10, 2).unwrap()),
        Arc::new(events.iter().map(|event| event.s.clone()).collect::<StringArray>()),
        new_null_array(&DataType::Boolean, events.len()),
    ];
    let rows = RecordBatch::try_new(schema(), columns).unwrap();
    let partition = Partition::new("t", events.first().map_or(0, |event| event.partition));
    let origin = Arc::new(Origin { source: "orders".parse().unwrap(), partition });
    let offsets = Offsets::new(events.iter().map(|event| event.offset));
    Batch { origin: Some(origin), offsets: Some(offsets), ..rows.into() }
}

pub(crate) fn float(value: f64) -> Cell {
    Cell::Float(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
}

fn times(column: &ArrayRef) -> impl Iterator<Item = Option<i64>> + '_ {
    column.as_primitive::<TimestampMicrosecondType>().iter()
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let window = batch.column(0).as_struct();
    let bounds: Vec<_> = times(window.column(0)).zip(times(window.column(1))).collect();
    let row = |(at, (start, end)): (usize, (Option<i64>, Option<i64>))| {
        let cells = batch.columns().iter().skip(1).map(|column| cell(column, at)).collect();
        (start.unwrap(), end.unwrap(), cells)
    };
    bounds.into_iter().enumerate().map(row).collect()
}

fn cell(column: &ArrayRef, at: usize) -> Cell {
    if column.is_null(at) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(at).into()),
        DataType::Decimal128(..) => Cell::Int(column.as_primitive::<Decimal128Type>().value(at)),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(at)),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(at).to_owned()),
        DataType::Timestamp(..) => {
            Cell::Int(column.as_primitive::<TimestampMicrosecondType>().value(at).into())
        }
        found => panic!("{found}"),
    }
}
