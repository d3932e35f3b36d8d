//! Tables on their own: operations, expiry, saves at levels.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use highwater_core::{
    Error, ErrorKind, Groups, Level, SavedSection, StateReader, StateRoom, StateWriter,
};

use super::*;
use crate::section::Held;

fn spec() -> TableSpec {
    let key = vec![Field::new("id", DataType::Utf8, false)];
    let values =
        vec![Field::new("time", DataType::Int64, false), Field::new("note", DataType::Utf8, true)];
    TableSpec::new("seen".parse().unwrap(), key, values).with_time("time", 100)
}

fn ids(ids: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(ids.to_vec()))
}

fn put(table: &mut Table, rows: &[(&str, i64)]) -> Vec<bool> {
    let keys = table.keys(&[ids(&rows.iter().map(|row| row.0).collect::<Vec<_>>())]).unwrap();
    let times: Vec<_> = rows.iter().map(|row| row.1).collect();
    let mut new = vec![false; rows.len()];
    for (bucket, rows) in table.split(&keys, Some(&times)) {
        let found = table.upsert(&keys, bucket, &rows).unwrap();
        let mut update = table.update(bucket, found.slots()).unwrap();
        for ((slot, is), row) in found.slots().iter().zip(found.is_new()).zip(&rows) {
            update.column::<Int64Type>(0).unwrap()[*slot as usize] = times[*row as usize];
            update.set_bytes(1, *slot, format!("n{row}").as_bytes()).unwrap();
            new[*row as usize] = *is;
        }
    }
    new
}

/// All rows of a table by probing for some keys.
fn found(table: &mut Table, of: &[&str]) -> BTreeMap<String, Vec<i64>> {
    let keys = table.keys(&[ids(of)]).unwrap();
    let all: Vec<u32> = (0..).take(of.len()).collect();
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for hit in table.probe(&keys, i64::MIN..=i64::MAX, &all).unwrap() {
        let rows = table.rows(hit.bucket).unwrap();
        let time = rows.column::<Int64Type>(0).unwrap()[hit.slot as usize];
        found.entry(of[hit.row as usize].to_owned()).or_default().push(time);
    }
    found
}

fn expired(table: &mut Table, before: i64) -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    while let Some(batch) = table.expire(before).unwrap() {
        assert!((1..=8_192).contains(&batch.num_rows()));
        let id = batch.column(0).as_string::<i32>();
        let time = batch.column(1).as_primitive::<Int64Type>();
        rows.extend((0..batch.num_rows()).map(|at| (id.value(at).to_owned(), time.value(at))));
    }
    rows.sort();
    rows
}

fn saved(table: &mut Table, level: Level, log: &mut StateReader) -> usize {
    let mut writer = StateWriter::new(level);
    table.save(&mut writer).unwrap();
    let (sections, notes) = writer.into_parts();
    let count = sections.len();
    let lower = |saved: &SavedSection| level != Level::WHOLE && saved.level >= level;
    log.sections.retain(lower);
    log.sections.extend(sections.into_iter().map(|section| SavedSection {
        table: section.table,
        bucket: section.bucket,
        rows: section.rows,
        level,
        groups: Groups::ALL,
        range: 0..section.bytes.length(),
        object: Arc::new(Held {
            bytes: section.bytes.whole().unwrap(),
            location: "object 7".to_owned(),
        }),
    }));
    log.notes = notes;
    count
}

fn table() -> Table {
    Table::try_new(spec()).unwrap()
}

#[test]
fn the_first_row_of_a_key_in_a_bucket_is_new() {
    let mut table = table();
    assert_eq!(
        put(&mut table, &[("a", 1), ("b", 2), ("a", 3), ("a", 150)]),
        [true, true, false, true]
    );
    assert_eq!(put(&mut table, &[("b", 50), ("c", 51)]), [false, true]);
    assert_eq!(found(&mut table, &["a", "x"]), BTreeMap::from([("a".to_owned(), vec![3, 150])]));
    assert_eq!(table.note().rows, 4);
}

#[test]
fn rows_expire_by_their_time_and_not_by_their_bucket() {
    let mut table = table();
    put(&mut table, &[("a", 10), ("b", 99), ("c", 100), ("d", 149), ("e", 150)]);
    assert_eq!(
        expired(&mut table, 150),
        [("a".to_owned(), 10), ("b".to_owned(), 99), ("c".to_owned(), 100), ("d".to_owned(), 149)]
    );
    assert_eq!(expired(&mut table, 150), []);
    assert_eq!(found(&mut table, &["a", "c", "d", "e"]).len(), 1);
    assert_eq!(put(&mut table, &[("d", 180)]), [true]);
    let keys = table.keys(&[ids(&["a"])]).unwrap();
    let late = Error::from(table.upsert(&keys, 0, &[0]).unwrap_err());
    assert_eq!(late.kind(), ErrorKind::Internal);
    assert_eq!(expired(&mut table, i64::MAX).len(), 2);
}

#[test]
fn what_is_forgotten_is_not_handed_over() {
    let mut table = table();
    put(&mut table, &[("a", 10), ("b", 110), ("c", 160)]);
    table.forget(120).unwrap();
    assert_eq!(found(&mut table, &["a", "b", "c"]).len(), 1);
    assert_eq!(expired(&mut table, 1_000), [("c".to_owned(), 160)]);
    assert_eq!(table.note().removed, 3);
}

/// Everything that a scan reads of a bucket.
fn scanned(table: &Table, bucket: i64) -> Vec<i64> {
    let (mut scan, mut rows) = (table.scan(bucket), Vec::new());
    let mut other = self::table();
    while let Some((keys, values)) = scan.next(table).unwrap() {
        assert!((1..=8_192).contains(&keys.len()));
        let all: Vec<u32> = (0..).take(keys.len()).collect();
        other.upsert(&keys, 7, &all).unwrap();
        rows.extend(values[0].as_primitive::<Int64Type>().values());
    }
    rows.sort_unstable();
    assert_eq!(other.note().rows, rows.len() as u64, "keys are those of a table");
    rows
}

#[test]
fn a_bucket_is_read_from_end_to_end_and_stays() {
    let mut table = table();
    put(&mut table, &[("a", 1), ("b", 2), ("c", 150), ("d", 3)]);
    remove(&mut table, "b");
    assert_eq!(table.buckets().collect::<Vec<_>>(), [0, 1]);
    assert_eq!((scanned(&table, 0), scanned(&table, 0)), (vec![1, 3], vec![1, 3]));
    assert!(scanned(&table, 7).is_empty());
    table.forget(100).unwrap();
    assert_eq!(table.buckets().collect::<Vec<_>>(), [1]);
}

/// Of what lies in objects and of what was spilled the newest rows are read, and none that was removed.
#[test]
fn a_bucket_that_is_frozen_is_read_as_if_it_were_not() {
    let folder = tempfile::tempdir().unwrap();
    let room = StateRoom { bytes: 0, spill: Some(folder.path().to_owned()) };
    let mut log = StateReader { room, ..StateReader::default() };
    let mut table = table();
    table.restore(&log).unwrap();
    put(&mut table, &[("a", 1), ("b", 2), ("c", 150)]);
    saved(&mut table, Level::EPOCH, &mut log);
    put(&mut table, &[("d", 3), ("e", 4)]);
    put(&mut table, &[("a", 11), ("f", 5)]);
    remove(&mut table, "b");
    remove(&mut table, "e");
    assert_eq!(scanned(&table, 0), [3, 5, 11]);
    saved(&mut table, Level::EPOCH, &mut log);
    let mut other = self::table();
    other.restore(&log).unwrap();
    put(&mut other, &[("d", 13)]);
    assert_eq!(scanned(&other, 0), [5, 11, 13]);
    assert_eq!(other.buckets().collect::<Vec<_>>(), [0, 1]);
}

fn remove(table: &mut Table, id: &str) {
    let keys = table.keys(&[ids(&[id])]).unwrap();
    let hits = table.probe(&keys, i64::MIN..=i64::MAX, &[0]).unwrap();
    hits.iter().for_each(|hit| table.remove(hit.bucket, &[hit.slot]).unwrap());
}

#[test]
fn large_buckets_are_handed_over_in_batches() {
    let mut table = table();
    let names: Vec<_> = (0..20_000).map(|n| format!("k{n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), 7)).collect();
    put(&mut table, &rows);
    let first = table.expire(50).unwrap().unwrap();
    assert_eq!(first.num_rows(), 8_192);
    assert!(table.keys(&[ids(&["a"])]).is_err(), "an expiry was not at its end");
    assert_eq!(expired(&mut table, 50).len(), 20_000 - 8_192);
}

#[test]
fn a_save_holds_what_changed_since_one_of_its_level() {
    let mut table = table();
    let mut log = StateReader::default();
    let (epoch, higher) = (Level::EPOCH, Level::WHOLE.below().nth(1).unwrap());
    put(&mut table, &[("a", 1), ("b", 2)]);
    saved(&mut table, Level::WHOLE, &mut log);
    put(&mut table, &[("b", 3)]);
    assert_eq!(saved(&mut table, epoch, &mut log), 1);
    assert_eq!(log.sections.iter().map(|it| it.rows).collect::<Vec<_>>(), [2, 1]);
    put(&mut table, &[("c", 4)]);
    saved(&mut table, higher, &mut log);
    assert_eq!(log.sections.iter().map(|it| it.rows).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(saved(&mut table, epoch, &mut log), 0);
    let mut again = Table::try_new(spec()).unwrap();
    again.restore(&log).unwrap();
    let all = ["a", "b", "c"];
    assert_eq!(found(&mut again, &all), found(&mut table, &all));
    assert_eq!(again.note().rows, 3);
}

#[test]
fn a_removed_row_stays_removed_until_it_comes_again() {
    let mut table = table();
    let mut log = StateReader::default();
    put(&mut table, &[("a", 1), ("b", 2), ("c", 3)]);
    saved(&mut table, Level::WHOLE, &mut log);
    table.remove(0, &[0, 1]).unwrap();
    assert_eq!(put(&mut table, &[("b", 5)]), [true]);
    saved(&mut table, Level::EPOCH, &mut log);
    let mut again = Table::try_new(spec()).unwrap();
    again.restore(&log).unwrap();
    for table in [&mut table, &mut again] {
        let expected = BTreeMap::from([("b".to_owned(), vec![5]), ("c".to_owned(), vec![3])]);
        assert_eq!(found(table, &["a", "b", "c"]), expected);
        assert_eq!(table.note().rows, 2);
    }
    // What came back in a low save is part of the next higher one, the removal as well.
    saved(&mut again, Level::WHOLE.below().nth(2).unwrap(), &mut log);
    assert_eq!(log.sections.iter().map(|it| it.rows).collect::<Vec<_>>(), [3, 2]);
    saved(&mut again, Level::WHOLE, &mut log);
    assert_eq!(log.sections.iter().map(|it| it.rows).collect::<Vec<_>>(), [2]);
}

#[test]
fn appended_rows_of_a_key_come_in_their_order() {
    let key = vec![Field::new("id", DataType::Utf8, false)];
    let values = vec![Field::new("n", DataType::Int64, true)];
    let spec = TableSpec::new("left".parse().unwrap(), key, values).with_several();
    let mut table = Table::try_new(spec.clone()).unwrap();
    let mut log = StateReader::default();
    let append = |table: &mut Table, id: &[&str], n: Vec<Option<i64>>| {
        let keys = table.keys(&[ids(id)]).unwrap();
        let n: ArrayRef = Arc::new(Int64Array::from(n));
        for (bucket, rows) in table.split(&keys, None) {
            table.append(&keys, bucket, &rows, &[Arc::clone(&n)]).unwrap();
        }
    };
    append(&mut table, &["a", "b", "a"], vec![Some(1), None, Some(2)]);
    saved(&mut table, Level::WHOLE, &mut log);
    let mut again = Table::try_new(spec).unwrap();
    again.restore(&log).unwrap();
    for table in [&mut table, &mut again] {
        append(table, &["a"], vec![Some(3)]);
        let keys = table.keys(&[ids(&["b", "a"])]).unwrap();
        let hits: Vec<_> = table
            .split(&keys, None)
            .into_iter()
            .flat_map(|(bucket, rows)| {
                let hits = table.probe(&keys, bucket..=bucket, &rows).unwrap();
                let rows = table.rows(bucket).unwrap();
                let n = rows.column::<Int64Type>(0).unwrap();
                let value =
                    |hit: Hit| (hit.row, rows.is_valid(0, hit.slot).unwrap(), n[hit.slot as usize]);
                hits.into_iter().map(value).collect::<Vec<_>>()
            })
            .collect();
        let mut hits = hits;
        hits.sort_by_key(|hit| hit.0);
        assert_eq!(hits, [(0, false, 0), (1, true, 1), (1, true, 2), (1, true, 3)]);
    }
}

#[test]
fn state_of_other_columns_is_refused_with_both() {
    let mut table = table();
    let mut log = StateReader::default();
    put(&mut table, &[("a", 1)]);
    saved(&mut table, Level::WHOLE, &mut log);
    let other = TableSpec::new(
        "seen".parse().unwrap(),
        vec![Field::new("id", DataType::Int64, false)],
        vec![],
    );
    let error = Error::from(Table::try_new(other.clone()).unwrap().restore(&log).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = error.to_string();
    assert!(
        text.contains("key id Utf8, value time Int64") && text.contains("key id Int64"),
        "{text}"
    );
    log.notes.clear();
    let error = Error::from(Table::try_new(other).unwrap().restore(&log).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Refused);
    let name = "seen".parse().unwrap();
    log.notes.insert(name, TableNote { version: 9, ..TableNote::default() });
    let error = Error::from(Table::try_new(spec()).unwrap().restore(&log).unwrap_err());
    assert!(error.to_string().contains("in version 9; this binary reads version 1"), "{error}");
}

#[test]
fn every_flipped_byte_is_found() {
    for bytes in [u64::MAX, 0] {
        let mut table = table();
        let mut log = StateReader::default();
        log.room.bytes = bytes;
        put(&mut table, &[("a", 1), ("b", 2), ("c", 3)]);
        saved(&mut table, Level::WHOLE, &mut log);
        flip_every_byte(&mut log);
    }
}

/// Restores from damaged bytes and reads all of it, which also happens late where it lies.
fn flip_every_byte(log: &mut StateReader) {
    let section = log.sections[0].clone();
    let bytes = section.object.read_at(section.range.clone()).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let held = Held { bytes: damaged.into(), location: "object 7".to_owned() };
        log.sections[0].object = Arc::new(held);
        let mut table = table();
        let restored = table.restore(log).and_then(|()| table.expire(i64::MAX));
        let Err(error) = restored.map_err(Error::from) else { panic!("byte {at} was not missed") };
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
        let text = error.to_string();
        assert!(text.contains("object 7") && text.contains("bucket 0 of table seen"), "{text}");
        assert!(error.next_step().contains("restore the checkpoint from a copy"));
    }
    for len in 0..bytes.len() {
        let held = Held { bytes: bytes.slice(..len), location: String::new() };
        log.sections[0].object = Arc::new(held);
        assert!(table().restore(log).is_err(), "cut at {len}");
        log.sections[0].range = 0..len as u64;
        assert!(table().restore(log).is_err(), "cut at {len}");
        log.sections[0].range = section.range.clone();
    }
}

#[test]
fn what_does_not_fit_goes_to_files_and_the_files_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut table = table();
    let spill = Some(folder.path().to_owned());
    let room = StateRoom { bytes: 256 << 10, spill };
    table.restore(&StateReader { room, ..StateReader::default() }).unwrap();
    let names: Vec<_> = (0..40_000).map(|n| format!("k{n}")).collect();
    let rows: Vec<_> = names.iter().zip(0..).map(|(name, n)| (name.as_str(), n % 300)).collect();
    for rows in rows.chunks(1_000) {
        assert!(put(&mut table, rows).iter().all(|new| *new));
    }
    assert!(files() >= 3, "{} files", files());
    assert!(table.note().bytes < 512 << 10, "{} bytes", table.note().bytes);
    assert_eq!((table.note().rows, table.note().updated), (40_000, 40_000));
    assert!(put(&mut table, &rows[39_000..]).iter().all(|new| !new), "they were there");
    let some: Vec<_> = names.iter().step_by(97).map(String::as_str).collect();
    let there = found(&mut table, &some);
    assert!(some.iter().zip((0..).step_by(97)).all(|(name, n)| there[*name] == [n % 300]));
    assert_eq!(table.note().rows, 40_000);
    table.forget(200).unwrap();
    assert!(files() >= 1);
    assert_eq!(expired(&mut table, 300).len(), 13_300);
    assert_eq!((files(), table.note().rows), (0, 0));
}

#[test]
fn a_large_section_is_read_where_it_lies() {
    let mut table = table();
    let mut log = StateReader::default();
    let names: Vec<_> = (0..10_000).map(|n| format!("k{n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), 7)).collect();
    put(&mut table, &rows);
    saved(&mut table, Level::WHOLE, &mut log);
    log.room.bytes = 1 << 20;
    let mut again = Table::try_new(spec()).unwrap();
    again.restore(&log).unwrap();
    assert!(again.note().bytes < 64 << 10, "{} bytes", again.note().bytes);
    assert_eq!(again.note().rows, 10_000);
    assert_eq!(put(&mut again, &[("k5", 8), ("x", 9)]), [false, true]);
    assert_eq!(found(&mut again, &["k5", "k6", "x"]).into_values().flatten().sum::<i64>(), 24);
    assert_eq!(again.note().rows, 10_001);
    assert_eq!(saved(&mut again, Level::EPOCH, &mut log), 1);
    assert_eq!(log.sections[1].rows, 2);
    assert_eq!(expired(&mut again, 50).len(), 10_001);
}

#[test]
fn a_damaged_local_file_ends_a_life_and_not_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table();
    let room = StateRoom { bytes: 1, spill: Some(folder.path().to_owned()) };
    table.restore(&StateReader { room, ..StateReader::default() }).unwrap();
    put(&mut table, &[("a", 1), ("b", 2)]);
    table.keys(&[ids(&["a"])]).unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    for byte in bytes.iter_mut().skip(400).step_by(7).take(200) {
        *byte ^= 4;
    }
    std::fs::write(&file, bytes).unwrap();
    let error = Error::from(table.expire(1_000).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    assert!(error.next_step().contains("the checkpoint is whole"));
}
