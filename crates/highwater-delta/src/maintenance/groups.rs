//! Which files of a table are to become one.

use std::collections::BTreeMap;

use crate::files::{ActiveFiles, DataFile};
use crate::stats::records;

/// A small file, and the length of the rows that are left in it.
struct Small<'a> {
    bytes: u64,
    file: &'a DataFile,
}

/// The groups of files that are each to become one of about `target` bytes: small files of one
/// partition, if at least `least` of them are worth it. Files are in the order in which they came.
pub(super) fn groups(active: &ActiveFiles, least: usize, target: u64) -> Vec<Vec<DataFile>> {
    let mut partitions: BTreeMap<_, Vec<Small<'_>>> = BTreeMap::new();
    for file in active.iter().filter(|file| !file.lies_outside()) {
        let bytes = left(file);
        if bytes < target / 2 {
            let partition = partitions.entry(&file.partition_values).or_default();
            partition.push(Small { bytes, file });
        }
    }
    let worth_it = partitions.into_values().map(worth_it).filter(|files| files.len() >= least);
    worth_it.flat_map(|files| packed(files, target)).collect()
}

/// The length of a file without the rows that are deleted.
fn left(file: &DataFile) -> u64 {
    let rows = file.stats.as_deref().and_then(records);
    let (Some(rows), Some(vector)) = (rows.filter(|rows| *rows > 0), &file.deletion_vector) else {
        return file.size;
    };
    let deleted = u64::try_from(vector.cardinality).unwrap_or_default();
    let there = u128::from(rows.saturating_sub(deleted));
    let bytes = u128::from(file.size).saturating_mul(there) / u128::from(rows);
    u64::try_from(bytes).unwrap_or(file.size)
}

/// Those up to the longest that is no longer than all before it together. Whatever a row is put together
/// with, its file is about twice as long afterwards.
fn worth_it(mut files: Vec<Small<'_>>) -> Vec<Small<'_>> {
    files.sort_by_key(|it| it.bytes);
    let (mut together, mut count) = (0_u64, 0_usize);
    for (at, small) in (1..).zip(&files) {
        if small.bytes <= together {
            count = at;
        }
        together = together.saturating_add(small.bytes);
    }
    files.truncate(count);
    files
}

fn packed(mut files: Vec<Small<'_>>, target: u64) -> Vec<Vec<DataFile>> {
    let order = |it: &Small<'_>| (it.file.modification_time, it.file.path.clone());
    files.sort_by_cached_key(order);
    let (mut groups, mut group, mut bytes) = (Vec::new(), Vec::new(), 0_u64);
    for small in files {
        bytes = bytes.saturating_add(small.bytes);
        group.push(small.file.clone());
        if bytes >= target {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
    }
    groups.push(group);
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests;
