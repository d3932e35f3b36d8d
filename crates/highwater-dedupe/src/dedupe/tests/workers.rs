//! A step on some workers, by hand: rows find theirs by key, and what some workers have saved others
//! take up.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Schema, SchemaRef, TimestampMicrosecondType};
use bytes::Bytes;
use highwater_core::{
    Emitted, Epoch, Groups, KeyGroups, Level, Moment, Offsets, Origin, Output, Partition, ReadAt,
    SavedSection, Section, TableNote, Watermarks,
};

use super::super::*;

/// The instances of a step, and what they have saved.
pub(super) struct Workers {
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
        let operators = (0..count).map(|_| step.build().unwrap()).collect();
        Self { step, operators, next: Epoch(0), saves: Vec::new() }
    }

    pub(super) fn epoch(&mut self, watermarks: Watermarks, batches: Vec<Batch>) -> Out {
        self.try_epoch(watermarks, batches).unwrap()
    }

    /// Runs an epoch and saves its state.
    pub(super) fn try_epoch(&mut self, watermarks: Watermarks, batches: Vec<Batch>) -> Result<Out> {
        let mut out = Out::default();
        let level = Level::of(self.next);
        let mut save = Save { level, sections: Vec::new(), notes: BTreeMap::new() };
        let count = self.operators.len();
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let (mut emitted, mut told) = (Vec::new(), Default::default());
            let mut cx = Context::new(moment(self.next, watermarks), 1, &mut emitted, &mut told);
            for batch in &batches {
                let _done =
                    operator.on_batch(Port(0), piece(&self.step, batch, worker, count), &mut cx)?;
            }
            let mut flow = operator.on_epoch_end(&mut cx)?;
            while flow == Flow::More {
                flow = operator.more(&mut cx)?;
            }
            let counts = *cx.counts();
            out.take(emitted);
            out.late_counted += counts.late;
            out.duplicates += counts.duplicates;
            save.add(operator.as_mut(), Groups::of_worker(worker, count))?;
        }
        self.saves.retain(|earlier| earlier.level >= level);
        self.saves.push(save);
        self.next = self.next.next();
        Ok(out)
    }

    /// Starts anew on other workers, from what was saved.
    pub(super) fn restart(&mut self, count: usize) {
        self.operators = (0..count).map(|_| self.step.build().unwrap()).collect();
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let own = Groups::of_worker(worker, count);
            let sections = self.saves.iter().flat_map(|save| {
                let of = |(section, groups): &(Section, Groups)| {
                    saved(section, save.level, groups.and(own))
                };
                save.sections.iter().map(of).filter(|section| !section.groups.is_empty())
            });
            let notes = self.saves.last().map(|save| save.notes.clone()).unwrap_or_default();
            let state =
                StateReader { sections: sections.collect(), notes, ..StateReader::default() };
            operator.restore(&state).unwrap();
        }
    }

    /// How many rows are remembered, as the last save tells.
    pub(super) fn rows_kept(&self) -> u64 {
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
        }
        Ok(())
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
    let Routing::ByKey(keys) = step.routing() else { panic!("{:?}", step.routing()) };
    if workers == 1 {
        return batch.clone();
    }
    let groups = KeyGroups::try_new(&batch.rows.schema(), keys).unwrap().of(&batch.rows).unwrap();
    let own = groups.iter().map(|group| Some(KeyGroups::worker(*group, workers) == worker));
    batch.filter(&own.collect()).unwrap()
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
