//! State that is far larger than memory.

use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, Int64Array, StringArray};
use highwater_core::arrow::datatypes::{DataType, Field};
use highwater_core::{Level, StateReader, StateRoom, StateWriter};
use highwater_state::{Table, TableSpec};

const BATCH: u64 = 8_192;
const MEMORY: u64 = 384 << 20;
/// Bytes of a row: its key, a number and a text.
const ROW: u64 = 16 + 8 + 100;

/// Peak memory of this process, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn ids(from: u64) -> ArrayRef {
    let mixed = |row: u64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let ids = (from..from + BATCH).map(|row| format!("{:016x}", mixed(row)));
    Arc::new(StringArray::from_iter_values(ids))
}

fn table(spill: &std::path::Path) -> Table {
    let key = vec![Field::new("id", DataType::Utf8, false)];
    let values =
        vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, false)];
    let spec = TableSpec::new("large".parse().unwrap(), key, values);
    let mut table = Table::try_new(spec).unwrap();
    let room = StateRoom { bytes: MEMORY, spill: Some(spill.to_owned()) };
    table.restore(&StateReader { room, ..StateReader::default() }).unwrap();
    table
}

/// How many of some keys are new.
fn upsert(table: &mut Table, ids: ArrayRef, values: &[ArrayRef]) -> usize {
    let keys = table.keys(&[ids]).unwrap();
    let mut count = 0;
    for (bucket, rows) in table.split(&keys, None) {
        let found = table.upsert(&keys, bucket, &rows).unwrap();
        let new: Vec<_> = found.is_new().to_vec();
        count += new.iter().filter(|new| **new).count();
        let mut update = table.update(bucket, &[]).unwrap();
        let pick = |of: &[u32]| {
            let picked = of.iter().zip(&new).filter(|(_, new)| **new);
            picked.map(|(it, _)| *it).collect::<Vec<_>>()
        };
        let (slots, rows) = (pick(found.slots()), pick(&rows));
        for (column, array) in values.iter().enumerate() {
            update.fill(column, &slots, array, &rows).unwrap();
        }
    }
    count
}

/// As many bytes of keys and values as `HIGHWATER_STATE_GB` says, 10 GB unless it does. Small saves go on
/// all the time, and in the end there is a save of all.
#[test]
#[ignore = "writes up to 30 GB to the local disk and takes some minutes, optimised"]
fn state_that_is_far_larger_than_memory_stays_on_disk() {
    let gigabytes = std::env::var("HIGHWATER_STATE_GB").map_or(10, |it| it.parse().unwrap());
    let batches = gigabytes * 1_000_000_000 / ROW / BATCH;
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    let of = 0..i64::try_from(BATCH).unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(of.clone()));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values(of.map(|n| format!("{n:0100}"))));
    let values = [numbers, text];
    let rows = usize::try_from(BATCH).unwrap();
    for batch in 0..batches {
        assert_eq!(upsert(&mut table, ids(batch * BATCH), &values), rows, "batch {batch}");
        if batch % 16 == 15 {
            table.save(&mut StateWriter::new(Level::EPOCH)).unwrap();
        }
    }
    for batch in (0..batches).step_by(97) {
        assert_eq!(upsert(&mut table, ids(batch * BATCH), &values), 0, "batch {batch}");
    }
    let mut all = StateWriter::new(Level::WHOLE);
    table.save(&mut all).unwrap();
    let (sections, _) = all.into_parts();
    assert_eq!(sections.iter().map(|section| section.rows).sum::<u64>(), batches * BATCH);
    let pieces = sections.iter().flat_map(|section| section.bytes.pieces(1 << 20));
    let bytes: usize = pieces.map(|piece| piece.unwrap().len()).sum();
    assert!(bytes as u64 > batches * BATCH * ROW);
    let note = table.note();
    assert_eq!(note.rows, batches * BATCH);
    let (held, peak) = (note.bytes >> 20, peak());
    println!("{} rows, {held} MiB of state in memory, at most {peak} MiB of all", note.rows);
    assert!(peak < 1 << 10, "{peak} MiB");
}
