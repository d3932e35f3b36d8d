//! Writes of large parts that leave the page cache alone.
//!
//! Who writes a table or a checkpoint seldom reads it again. Through the page cache each megabyte would cost pages that
//! are found, copied into and written back, and those pages would push out what others read.
//!
//! `Source:` open(2) of Linux, `O_DIRECT`: buffers, offsets and lengths are multiples of the block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// What every device and file system takes for a block, or a multiple of one.
const BLOCK: usize = 4096;
/// Bytes of one write.
const BUFFER: usize = 1 << 20;
/// Buffers that are kept for later writes.
const KEPT: usize = 4;

/// Buffers for direct writes, all below one root.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Buffer>>);

/// Room for [`BUFFER`] bytes, wherever the first block begins.
#[derive(Debug)]
struct Buffer(Vec<u8>);

impl Buffers {
    fn take(&self) -> Buffer {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Buffer(vec![0; BUFFER + BLOCK]))
    }

    fn give(&self, buffer: Buffer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    }
}

impl Buffer {
    fn aligned(&mut self) -> &mut [u8] {
        let from = self.0.as_ptr().align_offset(BLOCK);
        self.0.get_mut(from..from.saturating_add(BUFFER)).unwrap_or_default()
    }
}

/// Opens a file for such writes; none where there are none.
#[cfg(target_os = "linux")]
pub(crate) fn open(path: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok().map(File::from)
}

/// Opens a file for such writes; none where there are none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn open(_path: &Path) -> Option<File> {
    None
}

/// Writes pieces one after the other, from `offset` on, by `direct`; what is behind the last whole block by `plain`.
///
/// # Errors
/// `InvalidInput` where no block begins at `offset`, or a file system opens files so and then does not write to them:
/// `plain` can take all of it.
pub(crate) fn write<'a>(
    (direct, plain): (&File, &File),
    mut offset: u64,
    pieces: impl IntoIterator<Item = &'a Bytes>,
    buffers: &Buffers,
) -> io::Result<()> {
    let mut buffer = buffers.take();
    let aligned = buffer.aligned();
    if aligned.len() < BUFFER || !offset.is_multiple_of(BLOCK as u64) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (mut pieces, mut rest) = (pieces.into_iter(), &[][..]);
    loop {
        let filled = fill(aligned, &mut pieces, &mut rest);
        let (blocks, end) = filled.split_at(filled.len() - filled.len() % BLOCK);
        direct.write_all_at(blocks, offset)?;
        plain.write_all_at(end, offset + blocks.len() as u64)?;
        offset += filled.len() as u64;
        if filled.len() < BUFFER {
            break;
        }
    }
    buffers.give(buffer);
    Ok(())
}

/// Copies what comes next until the buffer is full. `rest` is what is left of a piece.
fn fill<'b, 'a>(
    buffer: &'b mut [u8],
    pieces: &mut impl Iterator<Item = &'a Bytes>,
    rest: &mut &'a [u8],
) -> &'b [u8] {
    let size = buffer.len();
    let mut room = &mut *buffer;
    while !room.is_empty() {
        if rest.is_empty() {
            let Some(piece) = pieces.next() else { break };
            *rest = piece;
        }
        let length = rest.len().min(room.len());
        let (now, later) = rest.split_at(length);
        let (to, behind) = room.split_at_mut(length);
        to.copy_from_slice(now);
        (*rest, room) = (later, behind);
    }
    let left = room.len();
    buffer.get(..size - left).unwrap_or_default()
}

#[cfg(test)]
mod tests;
