//! Files of a local directory. Reading them syncs nothing and follows links to files, not to directories.

use std::fs::{self, DirEntry, File, FileType, Metadata};
use std::io::{ErrorKind, Read, Seek as _, SeekFrom};
use std::path::Path;

use super::{Listing, Peek, counts};
use crate::clock::micros;
use crate::detail::{Found, HEAD, Part};
use crate::error::{FilesError, Version};
use crate::place::Place;

/// The most directories within each other.
const DEEPEST: usize = 64;

pub(super) fn list(root: &Path, deep: bool) -> Result<Listing, FilesError> {
    let name = || root.to_string_lossy().into_owned();
    let entries = fs::read_dir(root).map_err(|error| match error.kind() {
        ErrorKind::NotFound => FilesError::Missing { directory: name() },
        ErrorKind::NotADirectory => FilesError::NotADirectory { directory: name() },
        _ => FilesError::of(name(), error),
    })?;
    let mut walk = Walk { root, deep, listing: Listing::default() };
    walk.directory(entries, "", 0)?;
    Ok(walk.listing)
}

struct Walk<'a> {
    root: &'a Path,
    deep: bool,
    listing: Listing,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        entries: fs::ReadDir,
        below: &str,
        depth: usize,
    ) -> Result<(), FilesError> {
        for entry in entries {
            let of = |error| FilesError::of(self.root.join(below).to_string_lossy(), error);
            let entry = entry.map_err(of)?;
            let name = entry.file_name();
            if !counts(name.as_encoded_bytes()) {
                continue;
            }
            let kind = entry.file_type().map_err(of)?;
            let Some(name) = name.to_str() else {
                let path = entry.path().to_string_lossy().into_owned();
                self.listing.problems.push(FilesError::NotUtf8 { path });
                continue;
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            self.entry(&entry, kind, path, depth)?;
        }
        Ok(())
    }

    /// Takes in one entry. What vanished meanwhile is not there.
    fn entry(
        &mut self,
        entry: &DirEntry,
        kind: FileType,
        path: String,
        depth: usize,
    ) -> Result<(), FilesError> {
        if kind.is_dir() {
            if !self.deep || depth >= DEEPEST {
                return Ok(());
            }
            return match fs::read_dir(entry.path()) {
                Ok(entries) => self.directory(entries, &path, depth + 1),
                Err(error) => self.problem(entry, error),
            };
        }
        // Of a link it is the file that counts, wherever it lies.
        let metadata =
            if kind.is_symlink() { fs::metadata(entry.path()) } else { entry.metadata() };
        match metadata {
            Ok(metadata) if metadata.is_file() => {
                self.listing.files.push(Found { path, version: version(&metadata) });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => self.problem(entry, error),
        }
    }

    fn problem(&mut self, entry: &DirEntry, error: std::io::Error) -> Result<(), FilesError> {
        if error.kind() == ErrorKind::NotFound {
            return Ok(());
        }
        match FilesError::of(entry.path().to_string_lossy(), error) {
            closed @ FilesError::Closed { .. } => {
                self.listing.problems.push(closed);
                Ok(())
            }
            error => Err(error),
        }
    }
}

pub(super) fn version(metadata: &Metadata) -> Version {
    // A file system without times gives none: then only the bytes tell contents apart.
    Version { bytes: metadata.len(), modified: metadata.modified().map_or(0, micros) }
}

pub(super) fn peek(root: &Path, found: &Found) -> Result<Peek, FilesError> {
    let path = root.join(&found.path);
    let looked = File::open(&path).and_then(|mut file| {
        if version(&file.metadata()?) != found.version {
            return Ok(Peek::Other);
        }
        Ok(Peek::Head(head(&mut file)?))
    });
    looked.or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(Peek::Other),
        _ => match FilesError::of(path.to_string_lossy(), error) {
            closed @ FilesError::Closed { .. } => Ok(Peek::Closed(closed)),
            error => Err(error),
        },
    })
}

fn head(file: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(HEAD.try_into().unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok(head)
}

pub(super) fn open(root: &Path, part: &Part, from: u64) -> Result<File, FilesError> {
    let path = root.join(part.path());
    let place = || Place::Directory(root.to_owned());
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => place().gone(part),
        _ => FilesError::of(path.to_string_lossy(), error),
    };
    let mut file = File::open(&path).map_err(failed)?;
    let found = version(&file.metadata().map_err(failed)?);
    if found != part.version() {
        return Err(place().changed(part, found.to_string()));
    }
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    Ok(file)
}
