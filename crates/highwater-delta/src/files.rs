//! The files of a version of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actions::Commit;

/// A file of a table, as an action of the log.
///
/// Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataFile {
    /// A URL, relative to the table.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) partition_values: BTreeMap<String, Option<String>>,
    /// Its length in bytes.
    #[serde(default)]
    pub(crate) size: u64,
    /// In milliseconds since 1970.
    #[serde(default)]
    pub(crate) modification_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, Option<String>>>,
    /// The rows that are in the file and not in the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_vector: Option<DeletionVector>,
}

/// Where the deletion vector of a file is.
///
/// Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletionVector {
    pub(crate) storage_type: String,
    pub(crate) path_or_inline_dv: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<i32>,
    pub(crate) size_in_bytes: i32,
    pub(crate) cardinality: i64,
}

/// Vectors in a file at a place of its own.
pub(crate) const ABSOLUTE: &str = "p";

/// The URL of a path below the table. Paths of ours have no other character that one could not have.
pub(crate) fn url(path: &str) -> String {
    path.replace('%', "%25")
}

/// A file that a commit takes out of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemovedFile {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) deletion_vector: Option<DeletionVector>,
}

impl DeletionVector {
    /// Whether both name the same bytes.
    pub(crate) fn same(one: Option<&Self>, other: Option<&Self>) -> bool {
        let id = |it: Option<&Self>| {
            it.map(|it| (it.storage_type.clone(), it.path_or_inline_dv.clone(), it.offset))
        };
        id(one) == id(other)
    }
}

impl DataFile {
    /// Whether it is the file that a commit takes out. The same file with another deletion vector
    /// is another one.
    pub(crate) fn is(&self, removed: &RemovedFile) -> bool {
        self.path == removed.path
            && DeletionVector::same(self.deletion_vector.as_ref(), removed.deletion_vector.as_ref())
    }

    /// Whether it, or its deletion vector, is in another place than below the table.
    pub(crate) fn lies_outside(&self) -> bool {
        let vector = self.deletion_vector.as_ref();
        absolute(&self.path) || vector.is_some_and(|it| it.storage_type == ABSOLUTE)
    }
}

/// Whether a path in the log is that of another place than one below the table.
fn absolute(path: &str) -> bool {
    let scheme = |text: &str| {
        text.starts_with(|char: char| char.is_ascii_alphabetic())
            && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    };
    path.starts_with('/') || path.split_once(':').is_some_and(|(before, _)| scheme(before))
}

impl From<&DataFile> for RemovedFile {
    fn from(file: &DataFile) -> Self {
        Self { path: file.path.clone(), deletion_vector: file.deletion_vector.clone() }
    }
}

/// The files that make up a version of a table, by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveFiles(BTreeMap<String, DataFile>);

impl ActiveFiles {
    /// Goes on to the next version.
    pub(crate) fn apply(&mut self, commit: &Commit) {
        for removed in &commit.removes {
            if self.0.get(&removed.path).is_some_and(|file| file.is(removed)) {
                self.0.remove(&removed.path);
            }
        }
        self.0.extend(commit.adds.iter().map(|file| (file.path.clone(), file.clone())));
    }

    /// Whether a file is there with the deletion vector that it has here.
    pub(crate) fn has(&self, file: &DataFile) -> bool {
        self.get(&file.path).is_some_and(|there| there.is(&file.into()))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&DataFile> {
        self.0.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &DataFile> {
        self.0.values()
    }
}

impl FromIterator<DataFile> for ActiveFiles {
    fn from_iter<I: IntoIterator<Item = DataFile>>(files: I) -> Self {
        Self(files.into_iter().map(|file| (file.path.clone(), file)).collect())
    }
}

#[cfg(test)]
mod tests {
    //! Files that come, change their deletion vector, and go.

    use super::*;

    fn vector(at: i32) -> Option<DeletionVector> {
        Some(DeletionVector {
            storage_type: "u".to_owned(),
            path_or_inline_dv: "vBn[lx{q8@P<9BNH/isA".to_owned(),
            offset: Some(at),
            size_in_bytes: 36,
            cardinality: 2,
        })
    }

    fn file(path: &str, deletion_vector: Option<DeletionVector>) -> DataFile {
        DataFile { path: path.to_owned(), deletion_vector, ..DataFile::default() }
    }

    fn commit(removes: &[DataFile], adds: &[DataFile]) -> Commit {
        let removes = removes.iter().map(RemovedFile::from).collect();
        Commit { removes, adds: adds.to_vec(), ..Commit::default() }
    }

    #[test]
    fn a_file_goes_only_with_the_vector_it_has() {
        let mut files = ActiveFiles::default();
        files.apply(&commit(&[], &[file("a", None), file("b", None)]));
        files.apply(&commit(&[file("a", None)], &[file("a", vector(1))]));
        files.apply(&commit(&[file("a", None)], &[]));
        assert_eq!(files.get("a"), Some(&file("a", vector(1))));
        files.apply(&commit(&[file("a", vector(1))], &[]));
        assert_eq!(files.iter().collect::<Vec<_>>(), [&file("b", None)]);
    }

    #[test]
    fn a_file_elsewhere_is_told_from_one_below_the_table() {
        for path in ["s3://lake/t/a.parquet", "/lake/t/a.parquet", "file:/lake/a.parquet"] {
            assert!(absolute(path), "{path}");
        }
        for path in ["a.parquet", "day=10:30/a.parquet", "day=10%3A30/a.parquet", "a b:c"] {
            assert!(!absolute(path), "{path}");
        }
    }

    #[test]
    fn actions_of_others_are_read() {
        let text = r#"{"path":"a%20b","partitionValues":{"day":null},"size":7,"modificationTime":1,
            "dataChange":true,"stats":"{}","deletionVector":{"storageType":"u","sizeInBytes":36,
            "pathOrInlineDv":"vBn[lx{q8@P<9BNH/isA","offset":1,"cardinality":2,"maxRowIndex":9}}"#;
        let read: DataFile = serde_json::from_str(text).unwrap();
        assert_eq!((read.size, &read.deletion_vector), (7, &vector(1)));
        assert_eq!(read.partition_values["day"], None);
    }
}
