//! Segments that do not fit into memory, as files on the local disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::error::ArrowError;
use bytes::Bytes;
use highwater_core::{Error, ErrorKind, Groups, ReadAt, SectionBytes, StateRoom};

use crate::StateError;
use crate::frozen::{Cache, Frozen, Owing};
use crate::section::{Held, Origin, SectionBuilder, SectionReader};
use crate::spec::Layout;

/// Bytes of a piece of what is written in memory.
const PIECE: usize = 1 << 20;

/// Where a table keeps what it does not keep in memory.
#[derive(Debug, Default)]
pub(crate) struct Local {
    pub(crate) room: StateRoom,
    pub(crate) cache: Cache,
    next: u64,
}

impl Local {
    pub(crate) fn new(room: StateRoom) -> Self {
        let cache = Cache::new(room.bytes);
        Self { room, cache, next: 0 }
    }

    /// A number for a segment.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Makes a segment of what `write` puts into a section with at most so many rows: in a file, or
    /// in memory when there is no place for files. None when it would have no rows.
    pub(crate) fn segment(
        &mut self,
        layout: &Arc<Layout>,
        bucket: i64,
        most: u64,
        write: impl FnOnce(&mut Builder<'_>) -> Result<(), StateError>,
    ) -> Result<Option<Frozen>, StateError> {
        let Some((_, bytes)) = self.write(layout, bucket, most, write)? else { return Ok(None) };
        let length = bytes.length();
        let object: Arc<dyn ReadAt> = match bytes {
            SectionBytes::InFile { file, .. } => file,
            held @ SectionBytes::Held(_) => {
                let read = |source| StateError::Read { table: layout.name.clone(), bucket, source };
                let bytes = held.whole().map_err(read)?;
                Arc::new(Held { bytes, location: "state in memory".to_owned() })
            }
        };
        let section = SectionReader::open(layout, object, 0..length, bucket, Origin::Local)?;
        let (number, groups, owing) = (self.number(), Groups::ALL, Owing::default());
        Ok(Some(Frozen { section, number, groups, owing, level: None, tier: 0 }))
    }

    /// The bytes of a section of what `write` puts into it, at most so many rows, and how many it has: in
    /// a file, or in memory when there is no place for files. None when it would have no rows.
    pub(crate) fn write(
        &mut self,
        layout: &Arc<Layout>,
        bucket: i64,
        most: u64,
        write: impl FnOnce(&mut Builder<'_>) -> Result<(), StateError>,
    ) -> Result<Option<(u64, SectionBytes)>, StateError> {
        let number = self.number();
        let draft = match &self.room.spill {
            None => Draft::Memory(Pieces::default()),
            Some(folder) => {
                let name = format!("{}-{bucket}-{number}.arrows", layout.name);
                Draft::begin(folder, &name)?
            }
        };
        written(draft, layout, most, write)
    }
}

/// The bytes of a section in memory; as [`Local::write`].
pub(crate) fn write_held(
    layout: &Arc<Layout>,
    most: u64,
    write: impl FnOnce(&mut Builder<'_>) -> Result<(), StateError>,
) -> Result<Option<(u64, SectionBytes)>, StateError> {
    written(Draft::Memory(Pieces::default()), layout, most, write)
}

fn written(
    draft: Draft,
    layout: &Arc<Layout>,
    most: u64,
    write: impl FnOnce(&mut Builder<'_>) -> Result<(), StateError>,
) -> Result<Option<(u64, SectionBytes)>, StateError> {
    let path = draft.path();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let section = SectionBuilder::try_new(draft, layout, most);
    let section = section.map_err(|source| failed(&path, source))?;
    let mut builder = Builder { section, path: &path };
    write(&mut builder)?;
    let rows = builder.section.rows();
    if rows == 0 {
        return Ok(None);
    }
    let draft = builder.section.finish().map_err(|source| failed(&path, source))?;
    let bytes = draft.end().map_err(|source| spill(&path, source))?;
    Ok(Some((rows, bytes)))
}

/// Takes the rows of a segment.
pub(crate) struct Builder<'a> {
    section: SectionBuilder<Draft>,
    path: &'a Path,
}

impl Builder<'_> {
    pub(crate) fn push(&mut self, rows: &arrow::array::RecordBatch) -> Result<(), StateError> {
        self.section.push(rows).map_err(|source| failed(self.path, source))
    }
}

fn failed(path: &Path, source: ArrowError) -> StateError {
    spill(path, io::Error::other(source))
}

fn spill(path: &Path, source: io::Error) -> StateError {
    StateError::Spill { path: path.to_owned(), source }
}

/// A segment that is being written.
enum Draft {
    Memory(Pieces),
    File(BufWriter<File>, Place),
}

impl Draft {
    fn begin(folder: &Path, name: &str) -> Result<Self, StateError> {
        let place = Place(folder.join(name));
        fs::create_dir_all(folder).map_err(|source| spill(&place.0, source))?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(&place.0);
        let file = file.map_err(|source| spill(&place.0, source))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 18, file), place))
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) => PathBuf::from("memory"),
            Self::File(_, place) => place.0.clone(),
        }
    }

    fn end(self) -> io::Result<SectionBytes> {
        match self {
            Self::Memory(pieces) => Ok(SectionBytes::Held(pieces.end())),
            Self::File(writer, place) => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                let length = file.metadata()?.len();
                Ok(SectionBytes::InFile { file: Arc::new(SpillFile { file, place }), length })
            }
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Memory(to) => Ok(to.add(bytes)),
            Self::File(to, _) => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(to, _) => to.flush(),
        }
    }
}

/// Bytes in memory. Each piece is made at its full size: one that grows would be copied on its way, and what it
/// leaves behind fits nothing else.
#[derive(Default)]
struct Pieces {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Pieces {
    /// Takes as many bytes as there is room for in a piece.
    fn add(&mut self, bytes: &[u8]) -> usize {
        if self.last.len() >= PIECE {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(PIECE));
            self.full.push(full.into());
        }
        let (now, _) = bytes.split_at(bytes.len().min(PIECE - self.last.len()));
        self.last.extend_from_slice(now);
        now.len()
    }

    fn end(mut self) -> Vec<Bytes> {
        self.full.push(self.last.into());
        self.full
    }
}

/// A file that is there as long as this is.
#[derive(Debug)]
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // What stays behind is removed with its folder: it is a copy that nobody will look for.
        drop(fs::remove_file(&self.0));
    }
}

/// A segment in a file.
#[derive(Debug)]
struct SpillFile {
    file: File,
    place: Place,
}

impl ReadAt for SpillFile {
    fn read_at(&self, range: Range<u64>) -> highwater_core::Result<Bytes> {
        let error = |source: io::Error| {
            let what = format!("{} cannot be read: {source}", self.place.0.display());
            Error::new(ErrorKind::Transient, "state", what)
                .advise("start again: the checkpoint has all that the file had")
        };
        let len = usize::try_from(range.end.saturating_sub(range.start));
        let len = len.map_err(|source| error(io::Error::other(source)))?;
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes.into()),
            Err(source) => Err(error(source)),
        }
    }

    fn location(&self) -> String {
        self.place.0.display().to_string()
    }
}

#[cfg(test)]
mod tests;
