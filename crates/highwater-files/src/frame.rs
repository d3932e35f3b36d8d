//! What a payload holds: pieces of files, each behind a header that says what it is.

use std::ops::Range;

/// Bytes of a header: kind, number of the file in the range, place in the file, length.
pub(crate) const HEADER: usize = 17;
/// The longest line, as the longest record of JSON.
pub(crate) const LONGEST_LINE: usize = 16 << 20;
/// So many bytes of a line that is rejected are kept.
pub(crate) const KEPT: usize = 64 << 10;

/// What the first line of a file may begin with, and does not count.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes the mark takes with which what stands at `at` of a file begins.
pub(crate) fn mark(at: u64, bytes: &[u8]) -> usize {
    let marked = at == 0 && bytes.starts_with(BYTE_ORDER_MARK);
    if marked { BYTE_ORDER_MARK.len() } else { 0 }
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole lines; the last one of a file may lack its end.
    Lines = 0,
    /// A line that is rejected before anybody decodes it.
    Rejected = 1,
    /// The end of a file, or of what of it the range reads.
    End = 2,
    /// The rest of a line that begins before what of a file the range reads: how many bytes it takes.
    Passed = 3,
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) file: u32,
    /// The byte in the unpacked file at which it begins.
    pub(crate) at: u64,
    /// Where it lies in the payload.
    pub(crate) body: Range<usize>,
}

impl Frame {
    /// The piece at `from` of a payload; none when there is no whole one.
    pub(crate) fn read(payload: &[u8], from: usize) -> Option<Self> {
        let header = payload.get(from..from.checked_add(HEADER)?)?;
        let (kind, rest) = header.split_first()?;
        let (file, rest) = rest.split_first_chunk::<4>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (length, _) = rest.split_first_chunk::<4>()?;
        let start = from + HEADER;
        let end = start.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let kind = match kind {
            0 => Kind::Lines,
            1 => Kind::Rejected,
            2 => Kind::End,
            3 => Kind::Passed,
            _ => return None,
        };
        let (file, at) = (u32::from_le_bytes(*file), u64::from_le_bytes(*at));
        (end <= payload.len()).then_some(Self { kind, file, at, body: start..end })
    }
}

/// Begins a piece whose length is not known yet. Gives where it begins.
pub(crate) fn begin(out: &mut Vec<u8>, kind: Kind, file: u32, at: u64) -> usize {
    let start = out.len();
    out.push(match kind {
        Kind::Lines => 0,
        Kind::Rejected => 1,
        Kind::End => 2,
        Kind::Passed => 3,
    });
    out.extend_from_slice(&file.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    start
}

/// Ends the piece that began at `start`. Gives the length of its body; an empty one of lines is taken
/// back.
pub(crate) fn end(out: &mut Vec<u8>, start: usize) -> u64 {
    let length = out.len().saturating_sub(start + HEADER);
    if length == 0 && out.get(start) == Some(&0) {
        out.truncate(start);
        return 0;
    }
    // No piece is longer than the longest line and a block.
    let field = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = out.get_mut(start + HEADER - 4..start + HEADER) {
        place.copy_from_slice(&field);
    }
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A line that is rejected: how many bytes of the file it takes, why, and its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejected<'a> {
    pub(crate) bytes: u64,
    pub(crate) reason: &'a str,
    pub(crate) raw: &'a [u8],
}

impl<'a> Rejected<'a> {
    /// Appends it as the body of a piece.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes.to_le_bytes());
        let length = u32::try_from(self.reason.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(self.reason.as_bytes());
        out.extend_from_slice(kept(self.raw));
    }

    /// Reads the body of a piece.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let (bytes, rest) = body.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (reason, raw) =
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let reason = std::str::from_utf8(reason).ok()?;
        Some(Self { bytes: u64::from_le_bytes(*bytes), reason, raw })
    }
}

/// What is kept of a line that is rejected.
pub(crate) fn kept(line: &[u8]) -> &[u8] {
    line.get(..KEPT).unwrap_or(line)
}

/// Why a line is rejected that is too long.
pub(crate) fn too_long(bytes: u64, longest: usize) -> String {
    format!("the line has {bytes} bytes, more than {longest}")
}

#[cfg(test)]
mod tests;
