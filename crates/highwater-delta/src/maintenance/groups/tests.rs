//! Files by their lengths, partitions and deleted rows.

use super::*;
use crate::files::DeletionVector;

fn file(path: &str, size: u64) -> DataFile {
    DataFile { path: path.to_owned(), size, ..DataFile::default() }
}

/// The paths of the groups among these files, for files of 1000 bytes.
fn grouped(files: &[DataFile], least: usize) -> Vec<Vec<String>> {
    let active = files.iter().cloned().collect();
    let paths = |group: Vec<DataFile>| group.into_iter().map(|file| file.path).collect();
    groups(&active, least, 1000).into_iter().map(paths).collect()
}

fn of_lengths(lengths: &[u64]) -> Vec<DataFile> {
    lengths.iter().zip('a'..).map(|(length, name)| file(&name.to_string(), *length)).collect()
}

#[test]
fn files_wait_until_there_are_enough_of_them() {
    let files = of_lengths(&[10, 11, 12]);
    assert_eq!(grouped(&files, 4), [[""; 0]; 0]);
    assert_eq!(grouped(&files, 3), [["a", "b", "c"]]);
    // One alone has nothing to gain.
    assert_eq!(grouped(&files[..1], 0), [[""; 0]; 0]);
}

#[test]
fn a_file_waits_until_the_shorter_ones_are_as_long() {
    assert_eq!(grouped(&of_lengths(&[100, 10, 10, 10]), 3), [["b", "c", "d"]]);
    assert_eq!(grouped(&of_lengths(&[30, 10, 10, 10]), 3), [["a", "b", "c", "d"]]);
    // Then that goes for those that are still longer.
    assert_eq!(grouped(&of_lengths(&[60, 30, 10, 10, 10]), 3), [["a", "b", "c", "d", "e"]]);
    assert_eq!(grouped(&of_lengths(&[499, 500, 499]), 2), [["a", "c"]]);
}

#[test]
fn a_row_is_written_anew_a_few_times() {
    let (mut files, mut written, mut most) = (Vec::new(), 0, 0);
    for number in 0..1024 {
        files.push(file(&format!("{number:04}"), 10));
        let active = files.iter().cloned().collect();
        for group in groups(&active, 4, 1_000_000) {
            let together: u64 = group.iter().map(|file| file.size).sum();
            written += together;
            files.retain(|file| !group.contains(file));
            files.push(file(&format!("{number:04}-whole"), together));
        }
        most = most.max(files.len());
    }
    assert!(written <= 10 * 10 * 1024, "{written} bytes");
    assert!(most <= 4 + 10, "{most} files");
}

#[test]
fn groups_are_as_long_as_asked_and_in_the_order_of_time() {
    let mut files = of_lengths(&[400, 400, 400, 400, 400, 400, 400]);
    files[6].modification_time = -1;
    assert_eq!(grouped(&files, 2), [["g", "a", "b"], ["c", "d", "e"]]);
}

#[test]
fn partitions_and_files_elsewhere_stay_apart() {
    let mut files = of_lengths(&[10, 10, 10, 10, 10]);
    for at in [0, 2, 4] {
        files[at].partition_values = BTreeMap::from([("day".to_owned(), Some("1".to_owned()))]);
    }
    files.push(file("s3://lake/x.parquet", 10));
    assert_eq!(grouped(&files, 2), [vec!["b", "d"], vec!["a", "c", "e"]]);
    assert_eq!(grouped(&files, 3), [["a", "c", "e"]]);
}

#[test]
fn a_file_of_which_most_rows_are_deleted_is_small() {
    let mut files = of_lengths(&[900, 10, 10, 10]);
    files[0].stats = Some(r#"{"numRecords":90,"minValues":{"id":1}}"#.to_owned());
    assert_eq!(grouped(&files, 2), [["b", "c", "d"]]);
    let vector = |cardinality| DeletionVector {
        storage_type: "u".to_owned(),
        path_or_inline_dv: String::new(),
        offset: None,
        size_in_bytes: 1,
        cardinality,
    };
    files[0].deletion_vector = Some(vector(88));
    assert_eq!(grouped(&files, 2), [["a", "b", "c", "d"]]);
    files[0].deletion_vector = Some(vector(44));
    assert_eq!(grouped(&files, 2), [["b", "c", "d"]]);
}
