//! What lies in the base of a swap, as far as a commit that takes rows out has to know it. Read when
//! it is first needed, and kept up from then on.

use highwater_core::Result;

use crate::actions::Commit;
use crate::files::ActiveFiles;
use crate::index::{Effects, KeyIndex};
use crate::kernel;
use crate::log::Log;

/// The files of a version, and where the row of each key is.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    files: Option<ActiveFiles>,
    index: KeyIndex,
    /// Whether the index knows the files as they are.
    indexed: bool,
}

impl Contents {
    /// Reads the files of `version` if they are not known.
    ///
    /// # Errors
    /// As of [`kernel::files`].
    pub(crate) async fn load(&mut self, log: &Log, version: u64) -> Result<&ActiveFiles> {
        let files = match self.files.take() {
            Some(files) => files,
            None => kernel::files(log, version).await?,
        };
        Ok(self.files.insert(files))
    }

    /// The files, once they are loaded.
    pub(crate) fn files(&self) -> Option<&ActiveFiles> {
        self.files.as_ref()
    }

    /// The index, and the files it is to follow; none when it knows them as they are.
    pub(crate) fn behind(&mut self) -> (&mut KeyIndex, Option<&ActiveFiles>) {
        (&mut self.index, self.files.as_ref().filter(|_| !self.indexed))
    }

    /// Says that the index knows the files as they are.
    pub(crate) fn indexed(&mut self) {
        self.indexed = true;
    }

    pub(crate) fn index(&self) -> &KeyIndex {
        &self.index
    }

    /// Goes on to the next version, which `commit` made. `effects` is what it did to the files when
    /// it is one of this committer's.
    pub(crate) fn apply(&mut self, commit: &Commit, effects: Option<Effects>) {
        let Some(files) = &mut self.files else { return };
        files.apply(commit);
        let changed = !commit.adds.is_empty() || !commit.removes.is_empty();
        match effects {
            Some(effects) if self.indexed => self.indexed = self.index.apply(effects).is_some(),
            _ => self.indexed &= !changed,
        }
    }

    /// Forgets the files: there is another version, and nobody knows how it came to be. The index
    /// will find what is as it was.
    pub(crate) fn forget(&mut self) {
        self.files = None;
        self.indexed = false;
    }
}
