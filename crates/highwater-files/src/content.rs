//! The bytes of one planned file, or of a stretch of it, unpacked, and checked to be those that were planned.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};

use flate2::read::MultiGzDecoder;
use memchr::memchr;
use tokio::runtime::Handle;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::detail::{HEAD, Part, Stretch};
use crate::error::FilesError;
use crate::packing::Packing;
use crate::place::{Opened, Place};

/// So many bytes are asked of an unpacker at once: always the same, so that a damaged file gives the same
/// bytes every time.
const PIECE: usize = 32 << 10;
/// So many bytes behind a stretch are looked through at once for the end of its last line.
const BEHIND: usize = 64 << 10;

/// A file on its way. To be used where it may block.
pub(crate) struct Content {
    place: Place,
    part: Part,
    input: Input,
    /// The same file once more, to see that it was left alone while it was read.
    file: Option<File>,
    unpacked: u64,
    stretch: Option<Stretch>,
    /// The byte of a plain file that is read next.
    at: u64,
}

enum Input {
    Nothing,
    Plain(Raw),
    Packed(Box<dyn Read>),
}

impl Content {
    /// Opens a planned file, and checks that it is the one that was planned.
    ///
    /// A stretch begins one byte early, where a line before it may end. The first bytes of the file are
    /// checked by whoever reads its first stretch, which every epoch does that reads the others.
    pub(crate) fn open(
        place: &Place,
        (part, stretch): (&Part, Option<Stretch>),
        runtime: &Handle,
    ) -> Result<Self, FilesError> {
        let from = Stretch::begin(stretch).saturating_sub(1);
        let opened = place.open(part, from, runtime)?;
        let (file, reader) = match from {
            0 => Self::check_head(place, part, opened)?,
            _ => Self::again(place, part, opened)?,
        };
        let (place, part) = (place.clone(), part.clone());
        let left = part.version().bytes.saturating_sub(from);
        let raw = Raw { reader, left, place: place.clone(), part: part.clone() };
        let input = match Packing::of(part.path()) {
            _ if raw.left == 0 => Input::Nothing,
            Packing::Plain => Input::Plain(raw),
            Packing::Gzip => Input::Packed(Box::new(MultiGzDecoder::new(raw))),
            Packing::Zstd => {
                let decoder = ZstdDecoder::new(raw).map_err(|error| of(&place, &part, error))?;
                Input::Packed(Box::new(decoder))
            }
        };
        Ok(Self { place, part, input, file, unpacked: 0, stretch, at: from })
    }

    /// The file once more, and what reads it.
    fn again(
        place: &Place,
        part: &Part,
        opened: Opened,
    ) -> Result<(Option<File>, Reader), FilesError> {
        Ok(match opened {
            Opened::File(file) => {
                let once_more = file.try_clone().map_err(|error| of(place, part, error))?;
                (Some(once_more), Reader::File(file))
            }
            remote @ Opened::Remote(_) => (None, Reader::Pieces(Box::new(remote))),
        })
    }

    /// Checks the first bytes of a file, and gives it from there on.
    fn check_head(
        place: &Place,
        part: &Part,
        mut opened: Opened,
    ) -> Result<(Option<File>, Reader), FilesError> {
        let failed = |error: io::Error| of(place, part, error);
        let length = HEAD.min(usize::try_from(part.version().bytes).unwrap_or(HEAD));
        let mut head = vec![0; length];
        opened.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => place.changed(part, "it has become shorter"),
            _ => failed(error),
        })?;
        if Part::digest(&head) != part.head() {
            return Err(place.changed(part, "its first bytes differ"));
        }
        if let Opened::File(file) = &mut opened {
            file.rewind().map_err(failed)?;
            return Self::again(place, part, opened);
        }
        Ok((None, Reader::Pieces(Box::new(Cursor::new(head).chain(opened)))))
    }

    /// The byte of the file at which its lines begin, or those of the stretch.
    pub(crate) fn begin(&self) -> u64 {
        Stretch::begin(self.stretch)
    }

    /// Passes the rest of a line that begins before the stretch. Gives how many bytes of the stretch it takes.
    pub(crate) fn enter(&mut self) -> Result<u64, FilesError> {
        let (Some(Stretch(begin @ 1.., end)), Input::Plain(raw)) = (self.stretch, &mut self.input)
        else {
            return Ok(0);
        };
        let mut piece = Vec::new();
        // A line that begins at the end of the stretch is the next one's.
        while self.at + 1 < end {
            piece.clear();
            let most = usize::try_from(end - 1 - self.at).unwrap_or(PIECE).min(PIECE);
            let read =
                raw.append(&mut piece, most).map_err(|error| of(&self.place, &self.part, error));
            self.at += u64::try_from(read?).unwrap_or(u64::MAX);
            if let Some(found) = memchr(b'\n', &piece) {
                let rest = piece.split_off(found + 1);
                self.at -= u64::try_from(rest.len()).unwrap_or(0);
                raw.unread(rest).map_err(|error| of(&self.place, &self.part, error))?;
                return Ok(self.at - begin);
            }
        }
        self.input = Input::Nothing;
        Ok(end - begin)
    }

    /// Of the new bytes behind `before`, which end at `self.at`, keeps those of lines that begin in the
    /// stretch. Gives how many that are.
    fn keep(&mut self, out: &mut Vec<u8>, before: usize) -> usize {
        let new = out.len() - before;
        let Some(Stretch(_, end)) = self.stretch.filter(|Stretch(_, end)| self.at >= *end) else {
            return new;
        };
        // The last line ends where the byte before the end of the stretch ends one, or behind that.
        let behind = usize::try_from(self.at - end).unwrap_or(usize::MAX);
        let from = before + new.saturating_sub(behind.saturating_add(1));
        let rest = out.get(from..).unwrap_or_default();
        if let Some(found) = memchr(b'\n', rest) {
            out.truncate(from + found + 1);
            self.input = Input::Nothing;
        }
        out.len() - before
    }

    /// Appends some bytes: about `room` of them, if there are that many. None at the end.
    ///
    /// The inner error is damage in what is packed; what came before it is good.
    pub(crate) fn fill(
        &mut self,
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Result<usize, String>, FilesError> {
        let before = out.len();
        let filled = match &mut self.input {
            Input::Nothing => Ok(0),
            Input::Plain(raw) => raw.append(out, within(self.stretch, self.at, room)),
            Input::Packed(reader) => {
                out.resize(before + PIECE, 0);
                let read = reader.read(out.get_mut(before..).unwrap_or_default());
                out.truncate(before + *read.as_ref().unwrap_or(&0));
                read
            }
        };
        let error = match filled {
            Ok(filled) => {
                self.at += u64::try_from(filled).unwrap_or(u64::MAX);
                let filled = self.keep(out, before);
                self.unpacked += u64::try_from(filled).unwrap_or(u64::MAX);
                // One offset is left for the end.
                if i64::try_from(self.unpacked).is_ok_and(|unpacked| unpacked < self.part.span()) {
                    return Ok(Ok(filled));
                }
                out.truncate(before);
                io::Error::other("it unpacks to more than its kind can")
            }
            Err(error) => error,
        };
        self.input = Input::Nothing;
        match error.downcast::<FilesError>() {
            Ok(error) => Err(error),
            Err(damage) => Ok(Err(damage.to_string())),
        }
    }

    /// Checks that the file was left alone while it was read.
    pub(crate) fn check(&self) -> Result<(), FilesError> {
        let Some(file) = self.file.as_ref() else { return Ok(()) };
        let opened = Opened::File(file.try_clone().map_err(|e| of(&self.place, &self.part, e))?);
        let version = opened.version().map_err(|e| of(&self.place, &self.part, e))?;
        match version {
            Some(version) if version != self.part.version() => {
                Err(self.place.changed(&self.part, version.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// How many bytes may be read at once of a stretch, so that little behind it is read.
fn within(stretch: Option<Stretch>, at: u64, room: usize) -> usize {
    let Some(Stretch(_, end)) = stretch else { return room };
    match usize::try_from(end.saturating_sub(at)) {
        Ok(0) => room.min(BEHIND),
        Ok(left) => room.min(left),
        Err(_) => room,
    }
}

fn of(place: &Place, part: &Part, error: io::Error) -> FilesError {
    error
        .downcast::<FilesError>()
        .unwrap_or_else(|error| FilesError::of(place.name(part.path()), error))
}

/// The stored bytes of a file, as many as were planned.
struct Raw {
    reader: Reader,
    left: u64,
    place: Place,
    part: Part,
}

enum Reader {
    File(File),
    Pieces(Box<dyn Read>),
}

impl Raw {
    /// Appends up to `room` bytes, without clearing room for them first where that can be avoided.
    fn append(&mut self, out: &mut Vec<u8>, room: usize) -> io::Result<usize> {
        let most = self.left.min(u64::try_from(room).unwrap_or(u64::MAX));
        let read = match &mut self.reader {
            Reader::File(file) => file.take(most).read_to_end(out),
            Reader::Pieces(pieces) => pieces.take(most).read_to_end(out),
        };
        self.count(read)
    }

    /// Takes bytes back that were read last.
    fn unread(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_add(length);
        let nothing = Reader::Pieces(Box::new(io::empty()));
        self.reader = match std::mem::replace(&mut self.reader, nothing) {
            Reader::File(mut file) => {
                let back = i64::try_from(length).unwrap_or(i64::MAX);
                file.seek(SeekFrom::Current(-back))?;
                Reader::File(file)
            }
            Reader::Pieces(pieces) => Reader::Pieces(Box::new(Cursor::new(bytes).chain(pieces))),
        };
        Ok(())
    }

    fn count(&mut self, read: io::Result<usize>) -> io::Result<usize> {
        let read = read.map_err(|error| io::Error::other(of(&self.place, &self.part, error)))?;
        if read == 0 && self.left > 0 {
            return Err(io::Error::other(self.place.changed(&self.part, "it has become shorter")));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Fills the whole buffer while there is something, so that an unpacker sees the same pieces every time.
impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..most).filter(|rest| !rest.is_empty()) {
            let read = match &mut self.reader {
                Reader::File(file) => file.read(rest),
                Reader::Pieces(pieces) => pieces.read(rest),
            };
            filled += self.count(read)?;
        }
        Ok(filled)
    }
}
