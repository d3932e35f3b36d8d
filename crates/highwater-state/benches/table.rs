//! What a row of state costs: CPU time of the process, and memory.
//!
//! * `10 M keys`: texts of 14 bytes with a time, in batches of 8,192 rows and one bucket, keys encoded and
//!   hashed each time, per row. Goal: at most 100 ns to insert, at most 100 ns to find.
//! * bytes of memory per key, printed once. Goal: at most twice those of key and value.
//! * `restore 1 GiB`: until the first batch of a run has been looked up. Goal: at most 2 s.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark makes its own numbers, and tells them"
)]

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_core::arrow::array::{ArrayRef, StringArray};
use highwater_core::arrow::datatypes::{DataType, Field, Int64Type};
use highwater_core::{Groups, Level, ReadAt, SavedSection, StateReader, StateWriter};
use highwater_state::{Table, TableSpec};
use rustix::time::{ClockId, clock_gettime};

const BATCH: u64 = 8_192;
const BATCHES: u64 = 1_221;

/// The CPU time of this process.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}

/// A number that looks drawn by lot, another for each other.
fn mixed(of: u64) -> u64 {
    let mut bits = of.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^ (bits >> 27)
}

fn batch(number: u64) -> ArrayRef {
    let ids = (number * BATCH..(number + 1) * BATCH).map(|row| format!("{:014x}", mixed(row) >> 8));
    Arc::new(StringArray::from_iter_values(ids))
}

fn spec(text: bool) -> TableSpec {
    let key = vec![Field::new("id", DataType::Utf8, false)];
    let mut values = vec![Field::new("time", DataType::Int64, false)];
    if text {
        values.push(Field::new("text", DataType::Utf8, false));
    }
    TableSpec::new("seen".parse().unwrap(), key, values).with_time("time", 1 << 40)
}

fn insert(table: &mut Table, ids: &ArrayRef, rows: &[u32]) {
    let keys = table.keys(&[Arc::clone(ids)]).unwrap();
    let found = table.upsert(&keys, 0, rows).unwrap();
    let mut update = table.update(0, &[]).unwrap();
    let times = update.column::<Int64Type>(0).unwrap();
    for (slot, new) in found.slots().iter().zip(found.is_new()) {
        if *new {
            times[*slot as usize] = i64::from(*slot);
        }
    }
}

fn keys(criterion: &mut Criterion) {
    let batches: Vec<_> = (0..BATCHES).map(batch).collect();
    let rows: Vec<u32> = (0..u32::try_from(BATCH).unwrap()).collect();
    let mut group = criterion.benchmark_group("10 M keys");
    group.throughput(Throughput::Elements(BATCHES * BATCH));
    group.sample_size(10);
    let full = || {
        let mut table = Table::try_new(spec(false)).unwrap();
        batches.iter().for_each(|ids| insert(&mut table, ids, &rows));
        table
    };
    let mut table = full();
    let note = table.note();
    let bytes = note.bytes / note.rows;
    println!("{bytes} bytes of memory for each key of {} rows of 22 bytes", note.rows);
    group.bench_function("insert", |bench| {
        bench.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let begin = cpu();
                    let table = full();
                    let took = cpu() - begin;
                    drop(table);
                    took
                })
                .sum()
        });
    });
    group.bench_function("find", |bench| {
        bench.iter_custom(|times| {
            let begin = cpu();
            for _ in 0..times {
                for ids in &batches {
                    let keys = table.keys(&[Arc::clone(ids)]).unwrap();
                    assert_eq!(table.probe(&keys, 0..=0, &rows).unwrap().len(), rows.len());
                }
            }
            cpu() - begin
        });
    });
    group.finish();
}

/// A file of saved state.
#[derive(Debug)]
struct Object(File);

impl ReadAt for Object {
    fn read_at(&self, range: Range<u64>) -> highwater_core::Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        self.0.read_exact_at(&mut bytes, range.start).unwrap();
        Ok(bytes.into())
    }

    fn location(&self) -> String {
        "a file".to_owned()
    }
}

/// A whole save of about 1 GiB.
fn saved() -> StateReader {
    let rows: Vec<u32> = (0..u32::try_from(BATCH).unwrap()).collect();
    let mut table = Table::try_new(spec(true)).unwrap();
    let text: ArrayRef =
        Arc::new(StringArray::from_iter_values(rows.iter().map(|n| format!("{n:0100}"))));
    for number in 0..BATCHES * 3 / 5 {
        let ids = batch(number);
        insert(&mut table, &ids, &rows);
        let keys = table.keys(&[ids]).unwrap();
        let slots = table.upsert(&keys, 0, &rows).unwrap();
        table.update(0, &[]).unwrap().fill(1, slots.slots(), &text, &rows).unwrap();
    }
    let mut writer = StateWriter::new(Level::WHOLE);
    table.save(&mut writer).unwrap();
    let (sections, notes) = writer.into_parts();
    let section = sections.into_iter().next().unwrap();
    println!("{} rows in {} MiB", section.rows, section.bytes.length() >> 20);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&section.bytes.whole().unwrap()).unwrap();
    let saved = SavedSection {
        table: section.table,
        bucket: section.bucket,
        rows: section.rows,
        level: Level::WHOLE,
        groups: Groups::ALL,
        range: 0..section.bytes.length(),
        object: Arc::new(Object(file)),
    };
    StateReader { sections: vec![saved], notes, ..StateReader::default() }
}

fn restore(criterion: &mut Criterion) {
    let saved = saved();
    let rows: Vec<u32> = (0..u32::try_from(BATCH).unwrap()).collect();
    let mut group = criterion.benchmark_group("restore 1 GiB");
    group.sample_size(10);
    for (name, number) in [("and look up new keys", BATCHES), ("and look up old keys", 7)] {
        let ids = batch(number);
        group.bench_function(name, |bench| {
            bench.iter_custom(|times| {
                let begin = cpu();
                for _ in 0..times {
                    let mut table = Table::try_new(spec(true)).unwrap();
                    table.restore(&saved).unwrap();
                    insert(&mut table, &ids, &rows);
                }
                cpu() - begin
            });
        });
    }
    group.finish();
}

criterion_group!(benches, keys, restore);
criterion_main!(benches);
