//! A step on some workers, by hand: rows find theirs by key, and what some workers have saved others
//! take up.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use highwater_core::arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use highwater_core::{
    Batch, Context, Epoch, Flow, Groups, KeyGroups, Level, Moment, Name, Offsets, Operator,
    OperatorSpec, Origin, Output, Partition, Port, ReadAt, Resolved, Result, Routing, SavedSection,
    Section, StateReader, StateWriter, StreamInfo, TableNote, Timestamp, Watermarks,
};
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
pub(crate) struct Workers {
    step: Resolved,
    operators: Vec<Box<dyn Operator>>,
    next: Epoch,
    saves: Vec<Save>,
}

struct Save {
    level: Level,
    sections: Vec<(Section, Groups)>,
    notes: BTreeMap<Name, TableNote>,
}

impl Workers {
    pub(crate) fn new(step: &Window, count: usize) -> Self {
        let step = step.resolve(&[stream()]).unwrap();
        let operators = (0..count).map(|_| step.build().unwrap()).collect();
        Self { step, operators, next: Epoch(0), saves: Vec::new() }
    }

    /// Runs an epoch and saves its state.
    pub(crate) fn epoch(&mut self, marks: (i64, i64), batches: &[Vec<Event>]) -> Out {
        let batches: Vec<_> = batches.iter().map(|events| batch(events)).collect();
        self.try_epoch(marks, &batches).unwrap()
    }

    pub(crate) fn try_epoch(&mut self, marks: (i64, i64), batches: &[Batch]) -> Result<Out> {
        let (mut out, count) = (Out::default(), self.operators.len());
        let level = Level::of(self.next);
        let mut save = Save { level, sections: Vec::new(), notes: BTreeMap::new() };
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let (mut emitted, mut told) = (Vec::new(), Default::default());
            let mut cx = Context::new(moment(self.next, marks), 1, &mut emitted, &mut told);
            for batch in batches {
                let batch = piece(&self.step, batch, worker, count);
                assert_eq!(operator.on_batch(Port(0), batch, &mut cx)?, Flow::Done);
            }
            let mut flow = operator.on_epoch_end(&mut cx)?;
            while flow == Flow::More {
                flow = operator.more(&mut cx)?;
            }
            out.counted += cx.counts().late;
            for (output, batch) in emitted {
                assert!((1..=8_192).contains(&batch.len()));
                match output {
                    Output::Main => out.rows.extend(rows(&batch.rows)),
                    Output::Side(_) => out.late.extend(times(batch.rows.column(1))),
                }
            }
            save.add(operator.as_mut(), Groups::of_worker(worker, count))?;
        }
        self.saves.retain(|earlier| earlier.level >= level);
        self.saves.push(save);
        self.next = self.next.next();
        out.rows.sort();
        out.late.sort();
        Ok(out)
    }

    /// Starts anew on other workers, from what was saved.
    pub(crate) fn restart(&mut self, count: usize) {
        self.operators = (0..count).map(|_| self.step.build().unwrap()).collect();
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let sections = self.saves.iter().flat_map(|save| {
                let of = |(section, groups): &(Section, Groups)| {
                    saved(section, save.level, within(&self.step, worker, count, *groups))
                };
                save.sections.iter().map(of).filter(|section| !section.groups.is_empty())
            });
            let notes = self.saves.last().map(|save| save.notes.clone()).unwrap_or_default();
            let state =
                StateReader { sections: sections.collect(), notes, ..StateReader::default() };
            operator.restore(&state).unwrap();
        }
    }

    /// How many rows of state there are, as the last save tells.
    pub(crate) fn rows_kept(&self) -> u64 {
        self.saves.last().unwrap().notes.values().map(|note| note.rows).sum()
    }
}

impl Save {
    fn add(&mut self, operator: &mut dyn Operator, groups: Groups) -> Result<()> {
        let mut writer = StateWriter::new(self.level);
        operator.save(&mut writer)?;
        let (sections, notes) = writer.into_parts();
        self.sections.extend(sections.into_iter().map(|section| (section, groups)));
        for (table, note) in notes {
            let all =
                self.notes.entry(table).or_insert_with(|| TableNote { rows: 0, ..note.clone() });
            all.rows += note.rows;
            // Buckets that any worker still has are there.
            (all.first, all.expired) = (all.first.min(note.first), all.expired.min(note.expired));
        }
        Ok(())
    }
}

/// For which groups a worker takes up what was saved for `groups`. Where all rows go to the first worker, it takes
/// all that the first one saved.
fn within(step: &Resolved, worker: usize, workers: usize, groups: Groups) -> Groups {
    match (step.routing(), worker) {
        (Routing::Single, 0) if groups.contains(0) => Groups::ALL,
        (Routing::Single, _) => Groups::NONE,
        _ => groups.and(Groups::of_worker(worker, workers)),
    }
}

/// A section that is read from memory.
fn saved(section: &Section, level: Level, groups: Groups) -> SavedSection {
    let Section { table, bucket, rows, bytes } = section.clone();
    let range = 0..bytes.len() as u64;
    SavedSection { table, bucket, rows, level, groups, range, object: Arc::new(Memory(bytes)) }
}

#[derive(Debug)]
struct Memory(Bytes);

impl ReadAt for Memory {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        Ok(self.0.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// The rows of a batch that belong to a worker.
fn piece(step: &Resolved, batch: &Batch, worker: usize, workers: usize) -> Batch {
    let own: Vec<bool> = match step.routing() {
        Routing::ByKey(keys) => {
            let groups = KeyGroups::try_new(&batch.rows.schema(), keys).unwrap();
            let groups = groups.of(&batch.rows).unwrap().into_iter();
            groups.map(|group| KeyGroups::worker(group, workers) == worker).collect()
        }
        _ => vec![worker == 0; batch.len()],
    };
    batch.filter(&own.into()).unwrap()
}

pub(crate) fn moment(epoch: Epoch, (late_before, watermark): (i64, i64)) -> Moment {
    let (late_before, watermark) = (Timestamp(late_before), Timestamp(watermark));
    Moment { epoch, now: Timestamp(0), watermarks: Watermarks { late_before, watermark } }
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
