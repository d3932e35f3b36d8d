//! What a commit does to the files of its base.

use crate::files::{DataFile, RemovedFile};
use crate::index::Effects;

/// Files that come and files that go.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) adds: Vec<DataFile>,
    pub(crate) removes: Vec<DataFile>,
    /// The same, for the index of keys.
    pub(crate) effects: Effects,
}

impl Changes {
    /// Files that come.
    pub(crate) fn adding(adds: Vec<DataFile>) -> Self {
        Self { adds, ..Self::default() }
    }

    /// The files that go, as a commit that was read says it.
    pub(crate) fn removed(&self) -> Vec<RemovedFile> {
        self.removes.iter().map(RemovedFile::from).collect()
    }
}
