//! Objects that are read from anywhere in between.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use highwater_core::{Error, ErrorKind, ReadAt, Result};

/// A local file, opened once. Whoever deletes it takes nothing away from those who have it open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    location: String,
}

impl OpenFile {
    pub(crate) fn open(location: &str) -> io::Result<(Self, u64)> {
        let file = File::open(location)?;
        let length = file.metadata()?.len();
        Ok((Self { file, location: location.to_owned() }, length))
    }
}

impl ReadAt for OpenFile {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        let ended = || gone(&self.location, &range, "it is shorter than it was");
        let length = range.end.checked_sub(range.start).ok_or_else(ended)?;
        // What is longer than the file would be allocated for nothing.
        let there = self.file.metadata().map(|of| of.len()).unwrap_or_default();
        if range.end > there {
            return Err(ended());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| ended())?];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes.into()),
            Err(error) => Err(gone(&self.location, &range, &error.to_string())),
        }
    }

    fn location(&self) -> String {
        self.location.clone()
    }
}

/// An object that was fetched whole.
pub(crate) struct Fetched {
    pub(crate) bytes: Bytes,
    pub(crate) location: String,
}

impl ReadAt for Fetched {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) = (place(range.start), place(range.end));
        if start > end || end > self.bytes.len() {
            return Err(gone(&self.location, &range, "it is shorter than it was"));
        }
        Ok(self.bytes.slice(start..end))
    }

    fn location(&self) -> String {
        self.location.clone()
    }
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched").field("location", &self.location).finish_non_exhaustive()
    }
}

fn gone(location: &str, range: &Range<u64>, why: &str) -> Error {
    let Range { start, end } = range;
    let what = format!("cannot read bytes {start} to {end} of {location}: {why}");
    Error::new(ErrorKind::Corrupt, "storage", what).advise("restore the object from a copy")
}

#[cfg(test)]
mod tests;
