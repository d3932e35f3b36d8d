//! Directories, made and synced so that what they name survives a loss of power.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::WriteError;

/// What is known of the directories below a root.
///
/// A sync of a directory makes durable what it names at that moment. A failed one is never tried
/// again: the kernel may have dropped the pages and would report success. Nothing more is written
/// then.
#[derive(Debug)]
pub(crate) struct Directories {
    root: PathBuf,
    known: Mutex<Known>,
    broken: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    /// Directories whose own entry is durable.
    entered: HashSet<PathBuf>,
    /// Directories that were synced at least once, so that nothing in them stems from a process that
    /// died before its sync.
    settled: HashSet<PathBuf>,
}

impl Directories {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, known: Mutex::default(), broken: AtomicBool::new(false) }
    }

    /// Makes `directory` and what is missing above it, each one durable.
    pub(crate) fn make(&self, directory: &Path) -> Result<(), WriteError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(WriteError::Broken);
        }
        let mut unknown = Vec::new();
        for ancestor in directory.ancestors() {
            let above_root = !ancestor.starts_with(&self.root);
            if self.known().entered.contains(ancestor) || (above_root && ancestor.is_dir()) {
                break;
            }
            unknown.push(ancestor);
        }
        for directory in unknown.into_iter().rev() {
            self.enter(directory)?;
            self.known().entered.insert(directory.into());
        }
        Ok(())
    }

    /// Forgets what was known of `directory`, because it is gone.
    pub(crate) fn forget(&self, directory: &Path) {
        let mut known = self.known();
        known.entered.retain(|entered| !directory.starts_with(entered));
    }

    /// Syncs `directory`, opened before anything in it was changed.
    pub(crate) fn sync(&self, directory: &Path, opened: &File) -> Result<(), WriteError> {
        if let Err(source) = opened.sync_all() {
            self.broken.store(true, Ordering::Release);
            return Err(WriteError::NotSynced { path: directory.into(), source });
        }
        self.known().settled.insert(directory.into());
        Ok(())
    }

    /// Syncs a file that has no name yet. That there is no room is no failure of the disk.
    pub(crate) fn sync_file(&self, path: &Path, file: &File) -> Result<(), WriteError> {
        file.sync_all().map_err(|source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                WriteError::NotApplied { path: path.into(), source }
            }
            _ => {
                self.broken.store(true, Ordering::Release);
                WriteError::NotSynced { path: path.into(), source }
            }
        })
    }

    /// Syncs `directory` unless that was done before. After this, what was seen in it stays.
    pub(crate) fn settle(&self, directory: &Path) -> Result<(), WriteError> {
        if self.known().settled.contains(directory) {
            return Ok(());
        }
        match File::open(directory).and_then(|opened| opened.sync_all()) {
            Err(source) if !is_read_only(&source) => {
                self.broken.store(true, Ordering::Release);
                Err(WriteError::NotSynced { path: directory.into(), source })
            }
            _ => {
                self.known().settled.insert(directory.into());
                Ok(())
            }
        }
    }

    /// Makes `directory` if it is missing, and its own entry durable.
    fn enter(&self, directory: &Path) -> Result<(), WriteError> {
        let made = match fs::create_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if directory.is_dir() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            }
            made => made,
        };
        let Some(parent) = directory.parent() else { return Ok(()) };
        let opened = made
            .and_then(|()| File::open(parent))
            .map_err(|source| WriteError::NotApplied { path: directory.into(), source })?;
        self.sync(parent, &opened)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a sync failed because nothing can have been written there by this process.
fn is_read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotFound
    )
}
