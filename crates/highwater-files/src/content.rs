//! The bytes of one planned file, unpacked, and checked to be those that were planned.

use std::fs::File;
use std::io::{self, Read, Seek as _};

use flate2::read::MultiGzDecoder;
use tokio::runtime::Handle;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::detail::{HEAD, Part};
use crate::error::FilesError;
use crate::packing::Packing;
use crate::place::{Opened, Place};

/// So many bytes are asked of an unpacker at once: always the same, so that a damaged file gives the same
/// bytes every time.
const PIECE: usize = 32 << 10;

/// A file on its way. To be used where it may block.
pub(crate) struct Content {
    place: Place,
    part: Part,
    input: Input,
    /// The same file once more, to see that it was left alone while it was read.
    file: Option<File>,
    unpacked: u64,
}

enum Input {
    Nothing,
    Plain(Raw),
    Packed(Box<dyn Read>),
}

impl Content {
    /// Opens a planned file, and checks that it is the one that was planned.
    pub(crate) fn open(place: &Place, part: &Part, runtime: &Handle) -> Result<Self, FilesError> {
        let failed = |error: io::Error| of(place, part, error);
        let mut opened = place.open(part, runtime)?;
        let length = HEAD.min(usize::try_from(part.version().bytes).unwrap_or(HEAD));
        let mut head = vec![0; length];
        opened.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => place.changed(part, "it has become shorter"),
            _ => failed(error),
        })?;
        if Part::digest(&head) != part.head() {
            return Err(place.changed(part, "its first bytes differ"));
        }
        let (file, reader): (_, Reader) = match opened {
            Opened::File(mut file) => {
                file.rewind().map_err(failed)?;
                (Some(file.try_clone().map_err(failed)?), Reader::File(file))
            }
            remote @ Opened::Remote(_) => {
                (None, Reader::Pieces(Box::new(io::Cursor::new(head).chain(remote))))
            }
        };
        let (place, part) = (place.clone(), part.clone());
        let raw =
            Raw { reader, left: part.version().bytes, place: place.clone(), part: part.clone() };
        let input = match Packing::of(part.path()) {
            _ if raw.left == 0 => Input::Nothing,
            Packing::Plain => Input::Plain(raw),
            Packing::Gzip => Input::Packed(Box::new(MultiGzDecoder::new(raw))),
            Packing::Zstd => {
                let decoder = ZstdDecoder::new(raw).map_err(|error| of(&place, &part, error))?;
                Input::Packed(Box::new(decoder))
            }
        };
        Ok(Self { place, part, input, file, unpacked: 0 })
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
            Input::Plain(raw) => raw.append(out, room),
            Input::Packed(reader) => {
                out.resize(before + PIECE, 0);
                let read = reader.read(out.get_mut(before..).unwrap_or_default());
                out.truncate(before + *read.as_ref().unwrap_or(&0));
                read
            }
        };
        let error = match filled {
            Ok(filled) => {
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
