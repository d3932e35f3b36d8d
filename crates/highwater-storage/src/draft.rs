//! A file under a name of its own until it is whole, durable and published.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;

use crate::direct::{self, Buffers};
use crate::directories::Directories;
use crate::error::WriteError;

/// Makes names of drafts differ within the process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How a draft takes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publish {
    /// Only if nobody has it.
    Create,
    /// In place of whoever has it.
    Replace,
}

/// How publishing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    Done,
    Exists,
}

/// A file that is being written. Dropped, it leaves nothing.
///
/// It is named as its target, then `#`, then digits: listings leave such names out, and one that a
/// killed process left behind may be deleted by anybody.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    /// The same file, for parts.
    direct: OnceLock<Option<File>>,
    temporary: PathBuf,
    target: PathBuf,
    gone: AtomicBool,
}

impl Draft {
    /// An empty file beside `target`, whose directory is made if it is missing.
    pub(crate) fn create(directories: &Directories, target: PathBuf) -> Result<Self, WriteError> {
        let directory = parent(&target);
        directories.make(directory)?;
        let opened = match open(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                directories.forget(directory);
                directories.make(directory)?;
                open(&target)
            }
            opened => opened,
        };
        match opened {
            Ok((file, temporary)) => {
                let direct = OnceLock::new();
                Ok(Self { file, direct, temporary, target, gone: AtomicBool::new(false) })
            }
            Err(source) => Err(WriteError::NotApplied { path: target, source }),
        }
    }

    /// Writes pieces one after the other, from `offset` on.
    pub(crate) fn write<'a>(
        &self,
        mut offset: u64,
        pieces: impl IntoIterator<Item = &'a Bytes>,
    ) -> Result<(), WriteError> {
        for piece in pieces {
            self.file.write_all_at(piece, offset).map_err(|source| self.not_applied(source))?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Writes a large part from `offset` on, past the page cache where that can be.
    pub(crate) fn write_part<'a>(
        &self,
        offset: u64,
        pieces: impl IntoIterator<Item = &'a Bytes> + Clone,
        buffers: &Buffers,
    ) -> Result<(), WriteError> {
        let direct = self.direct.get_or_init(|| direct::open(&self.temporary)).as_ref();
        let written = direct
            .map(|direct| direct::write((direct, &self.file), offset, pieces.clone(), buffers));
        match written {
            Some(Ok(())) => Ok(()),
            Some(Err(source)) if source.kind() != io::ErrorKind::InvalidInput => {
                Err(self.not_applied(source))
            }
            _ => self.write(offset, pieces),
        }
    }

    /// Syncs the file, gives it its name and syncs the directory.
    pub(crate) fn publish(
        &self,
        directories: &Directories,
        how: Publish,
    ) -> Result<Published, WriteError> {
        let directory = parent(&self.target);
        directories.sync_file(&self.target, &self.file)?;
        // Opened before the name is given: whatever fails from then on leaves the outcome unknown.
        let opened = File::open(directory).map_err(|source| self.not_applied(source))?;
        let published = match how {
            Publish::Replace => {
                fs::rename(&self.temporary, &self.target)
                    .map_err(|source| self.not_applied(source))?;
                self.gone.store(true, Ordering::Release);
                Published::Done
            }
            Publish::Create => match fs::hard_link(&self.temporary, &self.target) {
                Ok(()) => Published::Done,
                // The winner may still be on its way to its own sync.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Published::Exists,
                Err(source) => return Err(self.not_applied(source)),
            },
        };
        self.remove();
        directories.sync(directory, &opened)?;
        Ok(published)
    }

    fn remove(&self) {
        if !self.gone.swap(true, Ordering::AcqRel) {
            fs::remove_file(&self.temporary).ok();
        }
    }

    fn not_applied(&self, source: io::Error) -> WriteError {
        WriteError::NotApplied { path: self.target.clone(), source }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.remove();
    }
}

fn parent(target: &Path) -> &Path {
    target.parent().unwrap_or(target)
}

fn open(target: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let mut name = target.as_os_str().to_owned();
        name.push(format!("#{}{:06}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let temporary = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, temporary)),
        }
    }
}
