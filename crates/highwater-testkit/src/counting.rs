//! A step that keeps state, as small as can be: a running count of each key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use highwater_core::{
    Batch, Context, Description, Digest, Error, ErrorKind, Flow, KeyGroups, Level, Name, Operator,
    OperatorSpec, Port, Resolved, Result, Routing, SavedSection, Section, StateBound, StateReader,
    StateWriter, StreamInfo, TableNote,
};

/// Numbers the rows of each key from 1, in whatever order they come, from epoch to epoch.
///
/// So the rows that come out depend neither on epochs nor on threads, but a row that is lost or doubled, or
/// state that is, shows. The state is held in a map and saved as one section of keys and counts.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_pipeline::Pipeline;
/// use highwater_testkit::counting::Counting;
/// use highwater_testkit::harness::Harness;
///
/// let orders = |of: [i64; 3]| {
///     let customer: ArrayRef = Arc::new(Int64Array::from_iter_values(of));
///     RecordBatch::try_from_iter([("customer", customer)]).unwrap()
/// };
/// let schema = orders([0, 0, 0]).schema();
/// let harness = Harness::new(|world| {
///     let p = Pipeline::new("orders");
///     p.source("orders", world.source("orders", schema.clone()))
///         .apply("count", Counting::by("customer"))
///         .sink("counts", world.table("counts"));
///     p
/// });
/// let harness = harness.feed("orders", orders([7, 8, 7])).feed("orders", orders([9, 7, 8]));
/// assert_eq!(harness.tables()["counts"], ["7 | 1", "7 | 2", "7 | 3", "8 | 1", "8 | 2", "9 | 1"]);
/// harness.every_crash();
/// ```
#[derive(Clone, Debug)]
pub struct Counting {
    key: String,
    up_to: i64,
}

impl Counting {
    /// Counts the rows of each value of an `Int64` column.
    pub fn by(key: &str) -> Self {
        Self { key: key.to_owned(), up_to: i64::MAX }
    }

    /// Forgets a key whose count is so many, and begins again at 1.
    #[must_use]
    pub fn up_to(mut self, count: i64) -> Self {
        self.up_to = count;
        self
    }
}

impl OperatorSpec for Counting {
    fn describe(&self) -> Description {
        let Self { key, up_to } = self;
        Description { kind: "count", settings: format!("{key} up to {up_to}"), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let unfit = || {
            let what = format!("there is no column {} of type Int64", self.key);
            Error::new(ErrorKind::Invalid, "testkit", what)
        };
        let input = inputs.first().ok_or_else(unfit)?;
        let (place, field) = input.schema.column_with_name(&self.key).ok_or_else(unfit)?;
        if *field.data_type() != DataType::Int64 {
            return Err(unfit());
        }
        let keys: SchemaRef = Arc::new(Schema::new(vec![field.clone()]));
        let nth = Field::new("nth", DataType::Int64, false);
        let output: SchemaRef = Arc::new(Schema::new(vec![field.clone(), nth]));
        let routing = Routing::ByKey(vec![self.key.clone()]);
        let counts = Counts {
            groups: KeyGroups::try_new(&keys, &[self.key.clone()])?,
            table: "counts".parse::<Name>().map_err(|error| bug(error.to_string()))?,
            keys,
            counts: BTreeMap::new(),
            changed: Default::default(),
            removed: 0,
        };
        let (up_to, info) = (self.up_to, StreamInfo::new(Arc::clone(&output)));
        let build = move || {
            let (counts, output) = (counts.clone(), Arc::clone(&output));
            Ok(Box::new(Running { place, up_to, output, counts }) as Box<dyn Operator>)
        };
        Ok(Resolved::new(info, build).with_routing(routing).with_state(StateBound::Keys))
    }
}

struct Running {
    place: usize,
    up_to: i64,
    output: SchemaRef,
    counts: Counts,
}

impl Operator for Running {
    fn on_batch(&mut self, _: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let keys = batch.rows.column(self.place).as_primitive::<Int64Type>();
        let nth = keys.iter().map(|key| self.counts.next(key, self.up_to));
        let nth: ArrayRef = Arc::new(Int64Array::from_iter_values(nth));
        let columns = vec![Arc::clone(batch.rows.column(self.place)), nth];
        let rows = RecordBatch::try_new(Arc::clone(&self.output), columns);
        cx.emit(rows.map_err(|error| bug(error.to_string()))?.into());
        Ok(Flow::Done)
    }

    fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        self.counts.save(state);
        Ok(())
    }

    fn restore(&mut self, state: &StateReader) -> Result<()> {
        state.sections.iter().try_for_each(|section| self.counts.restore(section))
    }
}

type Key = Option<i64>;

/// How many levels of saves there are.
const LEVELS: usize = 4;

/// Bytes of a digest in front of the rows, and of a row: whether there is a key, the key, the count.
const DIGEST: usize = 64;
const ROW: usize = 17;

#[derive(Clone)]
struct Counts {
    keys: SchemaRef,
    groups: KeyGroups,
    table: Name,
    counts: BTreeMap<Key, i64>,
    /// Keys that changed since the last save of a level or a higher one.
    changed: [BTreeSet<Key>; LEVELS],
    removed: u64,
}

impl Counts {
    fn next(&mut self, key: Key, up_to: i64) -> i64 {
        let count = self.counts.entry(key).or_default();
        *count += 1;
        let nth = *count;
        if nth >= up_to {
            self.counts.remove(&key);
            self.removed += 1;
        }
        self.changed.iter_mut().for_each(|changed| {
            changed.insert(key);
        });
        nth
    }

    /// A count of 0 says that the key is gone.
    fn save(&mut self, state: &mut StateWriter) {
        let level = state.level();
        let updated = to_u64(self.changed.first().map_or(0, BTreeSet::len));
        let rows: Vec<(Key, i64)> = match self.changed.get(level.index()) {
            Some(changed) if level < Level::WHOLE => {
                let count = |key: &Key| (*key, self.counts.get(key).copied().unwrap_or_default());
                changed.iter().map(count).collect()
            }
            _ => self.counts.iter().map(|(key, count)| (*key, *count)).collect(),
        };
        self.changed.iter_mut().take(level.index() + 1).for_each(BTreeSet::clear);
        if !rows.is_empty() {
            let (table, bytes) = (self.table.clone(), encode(&rows).into());
            state.put(Section { table, bucket: 0, rows: to_u64(rows.len()), bytes });
        }
        let note = TableNote {
            version: 1,
            columns: format!("{}, count", self.keys.field(0)),
            first: i64::MIN,
            expired: i64::MIN,
            rows: to_u64(self.counts.len()),
            bytes: to_u64(self.counts.len() * ROW),
            updated,
            removed: std::mem::take(&mut self.removed),
        };
        state.note(self.table.clone(), note);
    }

    fn restore(&mut self, section: &SavedSection) -> Result<()> {
        let bytes = section.object.read_at(section.range.clone())?;
        let damaged = || {
            let what = format!("{} is damaged: a section of counts", section.object.location());
            Error::new(ErrorKind::Corrupt, "testkit", what)
        };
        let rows = decode(&bytes).ok_or_else(damaged)?;
        let keys: ArrayRef = Arc::new(rows.iter().map(|(key, _)| *key).collect::<Int64Array>());
        let keys = RecordBatch::try_new(Arc::clone(&self.keys), vec![keys]);
        let groups = self.groups.of(&keys.map_err(|_| damaged())?)?;
        for ((key, count), group) in rows.into_iter().zip(groups) {
            if !section.groups.contains(group) {
                continue;
            }
            match count {
                0 => self.counts.remove(&key),
                count => self.counts.insert(key, count),
            };
            self.changed.iter_mut().skip(section.level.index() + 1).for_each(|changed| {
                changed.insert(key);
            });
        }
        Ok(())
    }
}

fn encode(rows: &[(Key, i64)]) -> Vec<u8> {
    let row = |(key, count): &(Key, i64)| {
        let (there, key) = (u8::from(key.is_some()), key.unwrap_or_default());
        [&[there][..], &key.to_le_bytes(), &count.to_le_bytes()].concat()
    };
    let rows: Vec<u8> = rows.iter().flat_map(row).collect();
    [Digest::of(&rows).to_string().as_bytes(), &rows].concat()
}

/// None when a byte has changed.
fn decode(bytes: &[u8]) -> Option<Vec<(Key, i64)>> {
    let (digest, rows) = bytes.split_at_checked(DIGEST)?;
    if Digest::of(rows).to_string().as_bytes() != digest {
        return None;
    }
    let (rows, rest) = rows.as_chunks::<ROW>();
    let row = |row: &[u8; ROW]| {
        let (there, numbers) = row.split_first()?;
        let (key, count) = numbers.split_at_checked(8)?;
        let number = |bytes: &[u8]| Some(i64::from_le_bytes(bytes.try_into().ok()?));
        let key = number(key)?;
        Some(((*there == 1).then_some(key), number(count)?))
    };
    rest.is_empty().then(|| rows.iter().map(row).collect::<Option<Vec<_>>>())?
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn bug(what: String) -> Error {
    Error::new(ErrorKind::Internal, "testkit", what)
}
