//! Some workers with a table each, and the log that their saves go to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use highwater_core::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray,
};
use highwater_core::arrow::datatypes::{DataType, Field, Int64Type};
use highwater_core::{
    Groups, KeyGroups, Level, Name, ReadAt, SavedSection, StateReader, StateRoom, StateWriter,
    TableNote,
};
use highwater_state::{Hit, Keys, Table, TableSpec};

pub(crate) const WIDTH: i64 = 50;

/// A key of two columns: one that may be null, and one of text.
pub(crate) type Key = (Option<i64>, String);

pub(crate) fn key(number: u8) -> Key {
    let text = ["", "a", "ab", "b", "a longer text than the others"];
    (
        (!number.is_multiple_of(3)).then_some(i64::from(number / 5)),
        text[usize::from(number % 5)].to_owned(),
    )
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) count: Option<i64>,
    pub(crate) text: Option<String>,
}

/// What kind of table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) timed: bool,
    pub(crate) several: bool,
    /// Whether key groups go by the first column alone.
    pub(crate) grouped: bool,
}

/// Bytes of a save, until another has taken its place.
#[derive(Debug)]
struct Object {
    bytes: Bytes,
    gone: AtomicBool,
}

impl ReadAt for Object {
    fn read_at(&self, range: Range<u64>) -> highwater_core::Result<Bytes> {
        assert!(!self.gone.load(Ordering::Relaxed), "an object is read that may be gone");
        let at = |at: u64| usize::try_from(at).unwrap();
        Ok(self.bytes.slice(at(range.start)..at(range.end)))
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// A save of all workers.
#[derive(Debug)]
struct Save {
    level: Level,
    sections: Vec<(Groups, SavedSection)>,
    objects: Vec<Arc<Object>>,
}

/// Workers, and the saves that still count.
#[derive(Debug)]
pub(crate) struct Fleet {
    kind: Kind,
    tables: Vec<Table>,
    log: Vec<Save>,
    notes: BTreeMap<Name, TableNote>,
    spill: Option<tempfile::TempDir>,
    bytes: u64,
}

impl Fleet {
    pub(crate) fn new(kind: Kind, workers: usize, bytes: Option<u64>) -> Self {
        let mut fleet = Self {
            kind,
            tables: Vec::new(),
            log: Vec::new(),
            notes: BTreeMap::new(),
            spill: bytes.map(|_| tempfile::tempdir().unwrap()),
            bytes: bytes.unwrap_or(u64::MAX),
        };
        fleet.start(workers);
        fleet
    }

    fn spec(&self) -> TableSpec {
        let key =
            vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, false)];
        let values = vec![
            Field::new("time", DataType::Int64, false),
            Field::new("count", DataType::Int64, true),
            Field::new("text", DataType::Utf8, true),
        ];
        let mut spec = TableSpec::new("rows".parse().unwrap(), key, values);
        if self.kind.timed {
            spec = spec.with_time("time", WIDTH);
        }
        if self.kind.grouped {
            spec = spec.with_groups_by(1);
        }
        if self.kind.several { spec.with_several() } else { spec }
    }

    /// Begins anew from the log, as after a crash.
    pub(crate) fn start(&mut self, workers: usize) {
        self.tables.clear();
        for worker in 0..workers {
            let mine = Groups::of_worker(worker, workers);
            let mut reader = StateReader {
                room: StateRoom {
                    bytes: self.bytes,
                    spill: self.spill.as_ref().map(|it| it.path().join(format!("w{worker}"))),
                },
                sections: Vec::new(),
                notes: self.notes.clone(),
            };
            for save in &self.log {
                for (theirs, section) in &save.sections {
                    let groups = theirs.and(mine);
                    reader.sections.push(SavedSection { groups, ..section.clone() });
                }
            }
            let mut table = Table::try_new(self.spec()).unwrap();
            table.restore(&reader).unwrap();
            self.tables.push(table);
        }
    }

    pub(crate) fn save(&mut self, level: Level) {
        let workers = self.tables.len();
        let mut save = Save { level, sections: Vec::new(), objects: Vec::new() };
        self.notes.clear();
        for (worker, table) in self.tables.iter_mut().enumerate() {
            let mut writer = StateWriter::new(level);
            table.save(&mut writer).unwrap();
            let (sections, notes) = writer.into_parts();
            self.notes.extend(notes);
            for section in sections {
                let bytes = section.bytes.whole().unwrap();
                let gone = AtomicBool::new(false);
                let object = Arc::new(Object { bytes, gone });
                let saved = SavedSection {
                    table: section.table,
                    bucket: section.bucket,
                    rows: section.rows,
                    level,
                    groups: Groups::ALL,
                    range: 0..object.bytes.len() as u64,
                    object: Arc::clone(&object) as Arc<dyn ReadAt>,
                };
                save.objects.push(object);
                save.sections.push((Groups::of_worker(worker, workers), saved));
            }
        }
        let gone = |old: &mut Save| level == Level::WHOLE || old.level < level;
        for old in self.log.extract_if(.., gone) {
            old.objects.iter().for_each(|object| object.gone.store(true, Ordering::Relaxed));
        }
        self.log.push(save);
    }

    /// For each worker, which of some keys are its own.
    fn routed(&self, keys: &[Key]) -> Vec<Vec<usize>> {
        let mut routed = vec![Vec::new(); self.tables.len()];
        let columns = columns(keys.iter());
        let named = [("a", Arc::clone(&columns[0]), true), ("b", Arc::clone(&columns[1]), false)];
        let rows = RecordBatch::try_from_iter_with_nullable(named).unwrap();
        let by = ["a".to_owned(), "b".to_owned()];
        let by = if self.kind.grouped { &by[..1] } else { &by };
        let groups = KeyGroups::try_new(&rows.schema(), by);
        for (row, group) in groups.unwrap().of(&rows).unwrap().into_iter().enumerate() {
            routed[KeyGroups::worker(group, self.tables.len())].push(row);
        }
        routed
    }

    /// Puts rows in; which were new, where each key has one.
    pub(crate) fn put(&mut self, rows: &[(Key, Row)]) -> Vec<bool> {
        let keys: Vec<_> = rows.iter().map(|row| row.0.clone()).collect();
        let mut new = vec![false; rows.len()];
        for (worker, mine) in self.routed(&keys).into_iter().enumerate() {
            let table = &mut self.tables[worker];
            let keys = table.keys(&columns(mine.iter().map(|row| &keys[*row]))).unwrap();
            let values = values(mine.iter().map(|row| &rows[*row].1));
            let times = values[0].as_primitive::<Int64Type>().values().to_vec();
            for (bucket, part) in table.split(&keys, self.kind.timed.then_some(&times[..])) {
                if self.kind.several {
                    table.append(&keys, bucket, &part, &values).unwrap();
                    continue;
                }
                let found = table.upsert(&keys, bucket, &part).unwrap();
                let mut update = table.update(bucket, found.slots()).unwrap();
                for (column, array) in values.iter().enumerate() {
                    update.fill(column, found.slots(), array, &part).unwrap();
                }
                for (row, is) in part.iter().zip(found.is_new()) {
                    new[mine[*row as usize]] = *is;
                }
            }
        }
        new
    }

    /// Calls `each` with the rows that are found for some keys, by worker.
    fn probe(&mut self, keys: &[Key], mut each: impl FnMut(&mut Table, &[usize], Vec<Hit>)) {
        for (worker, mine) in self.routed(keys).into_iter().enumerate() {
            let table = &mut self.tables[worker];
            let encoded = table.keys(&columns(mine.iter().map(|row| &keys[*row]))).unwrap();
            let hits = probe(table, &encoded, self.kind.timed);
            each(table, &mine, hits);
        }
    }

    /// The rows of some keys.
    pub(crate) fn find(&mut self, keys: &[Key]) -> Vec<(i64, Key, Row)> {
        let mut found = Vec::new();
        let timed = self.kind.timed;
        self.probe(keys, |table, mine, hits| {
            for hit in hits {
                let rows = table.rows(hit.bucket).unwrap().take(&[hit.slot]).unwrap();
                let (key, row) = decoded(&rows).remove(0);
                assert_eq!(key, keys[mine[hit.row as usize]]);
                found.push((if timed { hit.bucket } else { 0 }, key, row));
            }
        });
        found
    }

    /// Sets the count of all rows of some keys.
    pub(crate) fn update(&mut self, keys: &[Key], count: Option<i64>) {
        self.probe(keys, |table, _, hits| {
            for hit in hits {
                let mut update = table.update(hit.bucket, &[hit.slot]).unwrap();
                let column = update.column::<Int64Type>(1).unwrap();
                column[hit.slot as usize] = count.unwrap_or_default();
                update.set_valid(1, hit.slot, count.is_some()).unwrap();
            }
        });
    }

    /// Removes all rows of some keys.
    pub(crate) fn remove(&mut self, keys: &[Key]) {
        self.probe(keys, |table, _, hits| {
            for hit in hits {
                table.remove(hit.bucket, &[hit.slot]).unwrap();
            }
        });
    }

    pub(crate) fn expire(&mut self, before: i64) -> Vec<(Key, Row)> {
        let mut rows = Vec::new();
        for table in &mut self.tables {
            while let Some(batch) = table.expire(before).unwrap() {
                rows.extend(decoded(&batch));
            }
        }
        rows
    }

    pub(crate) fn forget(&mut self, before: i64) {
        self.tables.iter_mut().for_each(|table| table.forget(before).unwrap());
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = TableNote> {
        self.tables.iter().map(Table::note)
    }
}

fn probe(table: &mut Table, keys: &Keys, timed: bool) -> Vec<Hit> {
    if timed {
        let all: Vec<u32> = (0..).take(keys.len()).collect();
        return table.probe(keys, i64::MIN..=i64::MAX, &all).unwrap();
    }
    let parts = table.split(keys, None).into_iter();
    parts.flat_map(|(at, rows)| table.probe(keys, at..=at, &rows).unwrap()).collect()
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<ArrayRef> {
    let (a, b): (Vec<_>, Vec<_>) = keys.cloned().unzip();
    vec![Arc::new(Int64Array::from(a)), Arc::new(StringArray::from(b))]
}

fn values<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<ArrayRef> {
    let rows: Vec<_> = rows.collect();
    vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.time))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.count))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_deref()))),
    ]
}

fn decoded(batch: &RecordBatch) -> Vec<(Key, Row)> {
    let numbers = |at: usize| batch.column(at).as_primitive::<Int64Type>();
    let texts = |at: usize| batch.column(at).as_string::<i32>();
    let row = |at: usize| {
        let key =
            (numbers(0).is_valid(at).then(|| numbers(0).value(at)), texts(1).value(at).to_owned());
        let row = Row {
            time: numbers(2).value(at),
            count: numbers(3).is_valid(at).then(|| numbers(3).value(at)),
            text: texts(4).is_valid(at).then(|| texts(4).value(at).to_owned()),
        };
        (key, row)
    };
    (0..batch.num_rows()).map(row).collect()
}
