//! Files into payloads: whole lines together, and what cannot be a line by itself.

use highwater_core::{Error, Payload, RangeId};
use tokio::sync::mpsc::Sender;

use crate::content::Content;
use crate::error::FilesError;
use crate::frame::{self, HEADER, KEPT, Kind, LONGEST_LINE, Rejected};

/// How files are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// About so many bytes are in a payload.
    pub(crate) block: usize,
    /// So many bytes are asked of a file at least.
    pub(crate) least: usize,
    /// The longest line that is not passed over, without its end.
    pub(crate) longest: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { block: 1 << 20, least: 64 << 10, longest: LONGEST_LINE }
    }
}

impl Sizes {
    /// The room of a payload.
    fn room(self) -> usize {
        self.block.saturating_add(self.least)
    }
}

/// Why reading ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(FilesError),
    /// Nobody wants more.
    Left,
}

impl From<FilesError> for Stop {
    fn from(error: FilesError) -> Self {
        Self::Failed(error)
    }
}

/// The payload that is being filled.
pub(crate) struct Block<'a> {
    id: RangeId,
    sizes: Sizes,
    bytes: Vec<u8>,
    sender: &'a Sender<Result<(RangeId, Payload), Error>>,
}

impl<'a> Block<'a> {
    pub(crate) fn new(
        id: RangeId,
        sizes: Sizes,
        sender: &'a Sender<Result<(RangeId, Payload), Error>>,
    ) -> Self {
        Self { id, sizes, bytes: Vec::with_capacity(sizes.room()), sender }
    }

    /// Sends what is there, waiting for room.
    pub(crate) fn send(&mut self) -> Result<(), Stop> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.bytes, Vec::with_capacity(self.sizes.room()));
        let payload = Payload::from(bytes::Bytes::from(full));
        self.sender.blocking_send(Ok((self.id, payload))).map_err(|_gone| Stop::Left)
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= self.sizes.block
    }

    /// How many bytes the next read may bring.
    fn room(&self) -> usize {
        self.sizes.block.saturating_sub(self.bytes.len()).max(self.sizes.least)
    }
}

/// One file, cut into pieces.
struct Lines<'a, 'b> {
    block: &'a mut Block<'b>,
    file: u32,
    /// Where the piece of lines that is being filled begins: in the file, and in the block.
    at: u64,
    start: usize,
    /// Up to here the block has no end of a line that was not cut at.
    searched: usize,
}

/// Reads the whole of `content`, the file of this number in its range.
pub(crate) fn read(block: &mut Block<'_>, file: u32, mut content: Content) -> Result<(), Stop> {
    let mut at = content.begin();
    let passed = content.enter()?;
    if passed > 0 {
        let start = frame::begin(&mut block.bytes, Kind::Passed, file, at);
        block.bytes.extend_from_slice(&passed.to_le_bytes());
        frame::end(&mut block.bytes, start);
        at += passed;
    }
    let start = frame::begin(&mut block.bytes, Kind::Lines, file, at);
    let mut lines = Lines { block: &mut *block, file, at, start, searched: start + HEADER };
    lines.pass(&mut content)?;
    content.check()?;
    let at = lines.at;
    let end = frame::begin(&mut block.bytes, Kind::End, file, at);
    frame::end(&mut block.bytes, end);
    if block.is_full() { block.send() } else { Ok(()) }
}

impl Lines<'_, '_> {
    fn pass(&mut self, content: &mut Content) -> Result<(), Stop> {
        loop {
            let room = self.block.room();
            match content.fill(&mut self.block.bytes, room)? {
                Ok(0) => {
                    self.at += frame::end(&mut self.block.bytes, self.start);
                    return Ok(());
                }
                Ok(_) if !self.block.is_full() => {}
                Ok(_) => match self.last_end() {
                    Some(cut) => {
                        let rest = self.cut(cut);
                        self.block.send()?;
                        self.go_on(&rest);
                    }
                    // A carriage return may be its last byte, and does not count.
                    None if self.body().len() - self.mark() > self.block.sizes.longest + 1 => {
                        self.long_line(content)?
                    }
                    None => {}
                },
                Err(damage) => {
                    let cut = self.last_end().unwrap_or(self.start + HEADER);
                    let rest = self.cut(cut);
                    let bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX);
                    self.reject(bytes, &damaged(&damage), &rest);
                    return Ok(());
                }
            }
        }
    }

    fn body(&self) -> &[u8] {
        self.block.bytes.get(self.start + HEADER..).unwrap_or_default()
    }

    /// The bytes of a mark that begins the file: they belong to no line.
    fn mark(&self) -> usize {
        frame::mark(self.at, self.body())
    }

    /// Behind the last end of a line in the piece.
    fn last_end(&mut self) -> Option<usize> {
        let new = self.block.bytes.get(self.searched..).unwrap_or_default();
        let found = new.iter().rposition(|byte| *byte == b'\n');
        let found = found.map(|place| self.searched + place + 1);
        self.searched = self.block.bytes.len();
        found
    }

    /// Ends the piece at `cut`, and gives what lies behind.
    fn cut(&mut self, cut: usize) -> Vec<u8> {
        let rest = self.block.bytes.split_off(cut);
        self.at += frame::end(&mut self.block.bytes, self.start);
        rest
    }

    /// Begins another piece with these bytes.
    fn go_on(&mut self, rest: &[u8]) {
        self.start = frame::begin(&mut self.block.bytes, Kind::Lines, self.file, self.at);
        self.searched = self.start + HEADER;
        self.block.bytes.extend_from_slice(rest);
    }

    fn reject(&mut self, bytes: u64, reason: &str, raw: &[u8]) {
        let start = frame::begin(&mut self.block.bytes, Kind::Rejected, self.file, self.at);
        Rejected { bytes, reason, raw }.write(&mut self.block.bytes);
        frame::end(&mut self.block.bytes, start);
        self.at += bytes;
    }

    /// Passes the rest of a line that is too long, and keeps only its beginning.
    fn long_line(&mut self, content: &mut Content) -> Result<(), Stop> {
        let mark = self.mark();
        if mark > 0 {
            let rest = self.cut(self.start + HEADER + mark);
            self.go_on(&rest);
        }
        let mut line = Long::default();
        line.add(self.body());
        self.block.bytes.truncate(self.start);
        self.block.bytes.shrink_to(self.block.sizes.room());
        let least = self.block.sizes.least;
        let mut piece = Vec::with_capacity(least);
        loop {
            piece.clear();
            let filled = content.fill(&mut piece, least)?;
            let end = piece.iter().position(|byte| *byte == b'\n');
            line.add(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default());
            let rest = end.and_then(|end| piece.get(end + 1..));
            match filled {
                Err(damage) => self.reject(line.bytes, &damaged(&damage), &line.raw),
                Ok(filled) if filled > 0 && end.is_none() => continue,
                Ok(_) => {
                    let taken = line.bytes + u64::from(end.is_some());
                    let (bytes, raw) = line.without_return();
                    let reason = frame::too_long(bytes, self.block.sizes.longest);
                    self.reject(taken, &reason, raw);
                }
            }
            self.go_on(rest.unwrap_or_default());
            return Ok(());
        }
    }
}

/// A line of which only the beginning is kept.
#[derive(Debug, Default)]
struct Long {
    bytes: u64,
    raw: Vec<u8>,
    last: u8,
}

impl Long {
    fn add(&mut self, piece: &[u8]) {
        self.bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let room = KEPT.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.last = piece.last().copied().unwrap_or(self.last);
    }

    /// Its bytes, and what is kept of them, without a carriage return at its end.
    fn without_return(&self) -> (u64, &[u8]) {
        if self.last != b'\r' {
            return (self.bytes, &self.raw);
        }
        let whole = u64::try_from(self.raw.len()).ok() == Some(self.bytes);
        let raw = self.raw.strip_suffix(b"\r").filter(|_| whole);
        (self.bytes - 1, raw.unwrap_or(&self.raw))
    }
}

fn damaged(damage: &str) -> String {
    format!("the file is damaged or cut short here: {damage}")
}

#[cfg(test)]
mod tests;
