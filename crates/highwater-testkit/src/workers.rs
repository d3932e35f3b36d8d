//! A step on some workers, by hand and without a pipeline: rows find theirs by key, and what some workers
//! have saved others take up.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use highwater_checkpoint::{Tables, add_tables};
use highwater_core::{
    Batch, Context, Emitted, Epoch, Error, ErrorKind, Flow, Groups, KeyGroups, Level, Moment,
    Operator, Port, ReadAt, Resolved, Result, Routing, SavedSection, Section, SectionBytes,
    StateReader, StateWriter, StepCounts, Timestamp, Told, Watermarks,
};

/// The instances of a step of one input that keeps state and emits at the end of epochs, with what they
/// have saved.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_core::{OperatorSpec, StreamInfo, Watermarks};
/// use highwater_testkit::counting::Counting;
/// use highwater_testkit::workers::Workers;
///
/// let keys: ArrayRef = Arc::new(Int64Array::from(vec![7, 8, 7]));
/// let rows = RecordBatch::try_from_iter([("key", keys)])?;
/// let step = Counting::by("key").resolve(&[StreamInfo::new(rows.schema())])?;
/// let mut workers = Workers::try_new(step, 2)?;
/// workers.epoch(Watermarks::UNKNOWN, &[rows.into()])?;
/// workers.restart(3)?;
/// assert_eq!(workers.rows_kept(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Workers {
    step: Resolved,
    operators: Vec<Box<dyn Operator>>,
    next: Epoch,
    saves: Vec<Save>,
}

/// What came out of one worker in an epoch.
#[derive(Debug, Default)]
pub struct Ran {
    /// The batches, in their order.
    pub emitted: Vec<Emitted>,
    /// The rows that it let go.
    pub counts: StepCounts,
}

struct Save {
    level: Level,
    sections: Vec<(Section, Groups)>,
    tables: Tables,
}

impl Workers {
    /// So many instances, which have nothing in their state.
    ///
    /// # Errors
    /// As of [`Resolved::build`].
    pub fn try_new(step: Resolved, count: usize) -> Result<Self> {
        let operators = (0..count).map(|_| step.build()).collect::<Result<_>>()?;
        Ok(Self { step, operators, next: Epoch(0), saves: Vec::new() })
    }

    /// Runs an epoch over these batches, saves its state, and says what came out of each worker.
    ///
    /// # Errors
    /// Those of the step.
    ///
    /// # Panics
    /// When the step wants to emit more before the epoch ends.
    pub fn epoch(&mut self, watermarks: Watermarks, batches: &[Batch]) -> Result<Vec<Ran>> {
        let moment = Moment { epoch: self.next, now: Timestamp(0), watermarks };
        let (level, count) = (Level::of(self.next), self.operators.len());
        let mut save = Save { level, sections: Vec::new(), tables: Tables::new() };
        let (sides, mut all) = (self.step.sides().len(), Vec::with_capacity(count));
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let (mut emitted, mut told) = (Vec::new(), Told::default());
            let mut cx = Context::new(moment, sides, &mut emitted, &mut told);
            for batch in batches {
                let piece = piece(&self.step, batch, (worker, count))?;
                assert_eq!(operator.on_batch(Port(0), piece, &mut cx)?, Flow::Done);
            }
            let mut flow = operator.on_epoch_end(&mut cx)?;
            while flow == Flow::More {
                flow = operator.more(&mut cx)?;
            }
            all.push(Ran { emitted, counts: told.counts });
            save.add(operator.as_mut(), Groups::of_worker(worker, count))?;
        }
        self.saves.retain(|earlier| earlier.level >= level);
        self.saves.push(save);
        self.next = self.next.next();
        Ok(all)
    }

    /// Starts anew on so many workers, from what was saved.
    ///
    /// # Errors
    /// Those of the step.
    pub fn restart(&mut self, count: usize) -> Result<()> {
        let operators: Result<_> = (0..count).map(|_| self.step.build()).collect();
        self.operators = operators?;
        for (worker, operator) in self.operators.iter_mut().enumerate() {
            let step = &self.step;
            let sections = self.saves.iter().flat_map(|save| {
                let of = |(section, groups): &(Section, Groups)| {
                    saved(section, save.level, within(step, (worker, count), *groups))
                };
                let sections = save.sections.iter().map(of);
                sections.filter(|it| !it.as_ref().is_ok_and(|section| section.groups.is_empty()))
            });
            let sections = sections.collect::<Result<_>>()?;
            let notes = self.saves.last().map(|save| save.tables.clone()).unwrap_or_default();
            let state = StateReader { sections, notes, ..StateReader::default() };
            operator.restore(&state)?;
        }
        Ok(())
    }

    /// How many rows of state there are, as the last save tells.
    pub fn rows_kept(&self) -> u64 {
        let last = self.saves.last();
        last.map_or(0, |save| save.tables.values().map(|note| note.rows).sum())
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.operators.len();
        f.debug_struct("Workers").field("count", &count).field("next", &self.next).finish()
    }
}

impl Save {
    fn add(&mut self, operator: &mut dyn Operator, groups: Groups) -> Result<()> {
        let mut writer = StateWriter::new(self.level);
        operator.save(&mut writer)?;
        let (sections, tables) = writer.into_parts();
        self.sections.extend(sections.into_iter().map(|section| (section, groups)));
        add_tables(&mut self.tables, tables);
        Ok(())
    }
}

/// The rows of a batch that belong to a worker of so many.
fn piece(step: &Resolved, batch: &Batch, (worker, count): (usize, usize)) -> Result<Batch> {
    let own: Vec<bool> = match step.routing() {
        Routing::ByKey(keys) => {
            let groups = KeyGroups::try_new(&batch.rows.schema(), keys)?.of(&batch.rows)?;
            groups.into_iter().map(|group| KeyGroups::worker(group, count) == worker).collect()
        }
        _ => vec![worker == 0; batch.len()],
    };
    if own.iter().all(|own| *own) {
        return Ok(batch.clone());
    }
    batch.filter(&own.into()).map_err(|error| Error::new(ErrorKind::Internal, "testkit", error))
}

/// For which groups a worker of so many takes up what was saved for `groups`. Where all rows go to the first
/// worker, it takes all that the first one saved.
fn within(step: &Resolved, (worker, count): (usize, usize), groups: Groups) -> Groups {
    match (step.routing(), worker) {
        (Routing::Single, 0) if groups.contains(0) => Groups::ALL,
        (Routing::Single, _) => Groups::NONE,
        _ => groups.and(Groups::of_worker(worker, count)),
    }
}

/// A section that is read from memory.
fn saved(section: &Section, level: Level, groups: Groups) -> Result<SavedSection> {
    let Section { table, bucket, rows, bytes } = section.clone();
    let range = 0..bytes.length();
    let object: Arc<dyn ReadAt> = match bytes {
        held @ SectionBytes::Held(_) => Arc::new(Memory(held.whole()?)),
        SectionBytes::InFile { file, .. } => file,
    };
    Ok(SavedSection { table, bucket, rows, level, groups, range, object })
}

#[derive(Debug)]
struct Memory(Bytes);

impl ReadAt for Memory {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let there = self.0.get(place(range.start)..place(range.end));
        let there = there.map(|bytes| self.0.slice_ref(bytes));
        there.ok_or_else(|| Error::new(ErrorKind::Corrupt, "testkit", "a section is too short"))
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}
