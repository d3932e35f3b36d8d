//! Unpacks batches into one buffer that is used again and again.
//!
//! Source: <https://kafka.apache.org/documentation/#recordbatch>; the LZ4 frame format 1.6.3;
//! the framing of snappy-java's `SnappyOutputStream`.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::Decompressor as Zstd;

use crate::error::BatchError;

/// A buffer larger than this is not kept.
const KEPT: usize = 8 << 20;

/// The buffer that batches are unpacked into, one behind the other.
pub(crate) struct Unpacked {
    /// Never shrinks while in use: its length is what was ever needed, `filled` what holds data.
    buffer: Vec<u8>,
    filled: usize,
    largest: usize,
    snappy: snap::raw::Decoder,
    zstd: Option<Zstd<'static>>,
}

impl fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacked").field("filled", &self.filled).finish_non_exhaustive()
    }
}

/// Buffers that wait for the next payload. Decoders of many partitions take turns on a thread: one buffer
/// that stays in a cache serves them all.
#[derive(Debug, Default)]
pub(crate) struct Spares(Mutex<Vec<Unpacked>>);

impl Spares {
    pub(crate) fn take(&self) -> Option<Unpacked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn keep(&self, unpacked: Unpacked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(unpacked);
    }
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// The output would pass its limit.
#[derive(Debug, thiserror::Error)]
#[error("more than the limit")]
struct Full;

#[derive(Debug, thiserror::Error)]
#[error("the {0} is malformed")]
struct Malformed(&'static str);

impl Unpacked {
    /// An empty buffer for batches of at most `largest` bytes each.
    pub(crate) fn new(largest: usize) -> Self {
        Self {
            buffer: Vec::new(),
            filled: 0,
            largest,
            snappy: snap::raw::Decoder::new(),
            zstd: None,
        }
    }

    /// What was unpacked since the last [`clear`](Self::clear).
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Forgets what was unpacked.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
    }

    /// Unpacks `packed` behind what is there, and says where it lies.
    pub(crate) fn append(&mut self, codec: i16, packed: &[u8]) -> Result<Range<usize>, BatchError> {
        let limit = self.largest;
        let start = self.filled;
        let mut target = Target { buffer: &mut self.buffer, at: start, end: start + limit };
        let (name, done) = match codec {
            1 => ("gzip", gzip(packed, &mut target)),
            2 => ("snappy", snappy(&mut self.snappy, packed, &mut target)),
            3 => ("lz4", lz4(packed, &mut target)),
            4 => ("zstd", zstd(&mut self.zstd, packed, &mut target)),
            _ => return Err(BatchError::Codec { codec }),
        };
        match done {
            Ok(()) => {
                self.filled = target.at;
                Ok(start..self.filled)
            }
            Err(error) if error.is::<Full>() => {
                Err(BatchError::TooLarge { packed: packed.len(), limit })
            }
            Err(source) => Err(BatchError::Unpack { codec: name, source }),
        }
    }
}

/// The free part of the buffer, up to a limit.
struct Target<'a> {
    buffer: &'a mut Vec<u8>,
    at: usize,
    end: usize,
}

impl Target<'_> {
    /// At least `bytes` free bytes, or as many as the limit allows.
    fn room(&mut self, bytes: usize) -> Result<&mut [u8], Full> {
        let end = self.at.saturating_add(bytes).min(self.end);
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        let limit = self.end.min(self.buffer.len());
        self.buffer.get_mut(self.at..limit).ok_or(Full)
    }

    /// Exactly `bytes` free bytes.
    fn exactly(&mut self, bytes: usize) -> Result<&mut [u8], Full> {
        self.room(bytes)?.get_mut(..bytes).ok_or(Full)
    }
}

fn gzip(packed: &[u8], target: &mut Target<'_>) -> Result<(), Boxed> {
    let mut reader = flate2::bufread::MultiGzDecoder::new(packed);
    loop {
        let room = target.room(64 << 10)?;
        if room.is_empty() {
            return if reader.read(&mut [0])? == 0 { Ok(()) } else { Err(Full.into()) };
        }
        match reader.read(room) {
            Ok(0) => return Ok(()),
            Ok(read) => target.at += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

const XERIAL: &[u8] = b"\x82SNAPPY\0";

fn snappy(
    decoder: &mut snap::raw::Decoder,
    packed: &[u8],
    target: &mut Target<'_>,
) -> Result<(), Boxed> {
    let Some(framed) = packed.strip_prefix(XERIAL) else {
        return snappy_block(decoder, packed, target);
    };
    let mut rest = framed.get(8..).ok_or(Malformed("frame"))?; // version, least version
    while !rest.is_empty() {
        let (size, behind) = rest.split_first_chunk().ok_or(Malformed("frame"))?;
        let size = usize::try_from(i32::from_be_bytes(*size))?;
        let (block, behind) = behind.split_at_checked(size).ok_or(Malformed("frame"))?;
        snappy_block(decoder, block, target)?;
        rest = behind;
    }
    Ok(())
}

fn snappy_block(
    decoder: &mut snap::raw::Decoder,
    block: &[u8],
    target: &mut Target<'_>,
) -> Result<(), Boxed> {
    let room = target.exactly(snap::raw::decompress_len(block)?)?;
    target.at += decoder.decompress(block, room)?;
    Ok(())
}

/// The library's frame reader makes new buffers for every frame and copies once more, which costs
/// more than the unpacking; its block functions write where they are told to.
fn lz4(packed: &[u8], target: &mut Target<'_>) -> Result<(), Boxed> {
    let mut rest = packed;
    while !rest.is_empty() {
        rest = lz4_frame(rest, target)?;
    }
    Ok(())
}

fn lz4_frame<'a>(frame: &'a [u8], target: &mut Target<'_>) -> Result<&'a [u8], Boxed> {
    let malformed = || Malformed("frame");
    let rest = frame.strip_prefix(&[0x04, 0x22, 0x4d, 0x18]).ok_or_else(malformed)?;
    let (&[flags, sizes], rest) = rest.split_first_chunk().ok_or_else(malformed)?;
    if flags >> 6 != 1 || flags & 0x01 != 0 {
        return Err(Malformed("version").into());
    }
    let largest: usize = match sizes >> 4 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return Err(Malformed("block size").into()),
    };
    let header = if flags & 0x08 != 0 { 9 } else { 1 }; // content size, header checksum
    let mut rest = rest.get(header..).ok_or_else(malformed)?;
    // Blocks refer to those before them unless the frame says that they do not.
    let linked = flags & 0x20 == 0;
    let start = target.at;
    loop {
        let (size, behind) = rest.split_first_chunk().ok_or_else(malformed)?;
        let size = u32::from_le_bytes(*size);
        if size == 0 {
            let checksum = if flags & 0x04 != 0 { 4 } else { 0 };
            return Ok(behind.get(checksum..).ok_or_else(malformed)?);
        }
        let stored = size & 0x8000_0000 != 0;
        let size = usize::try_from(size & 0x7fff_ffff)?;
        let (block, behind) = behind.split_at_checked(size).ok_or_else(malformed)?;
        if stored {
            target.exactly(size)?.copy_from_slice(block);
            target.at += size;
        } else {
            lz4_block(block, largest, if linked { start } else { target.at }, target)?;
        }
        let checksum = if flags & 0x10 != 0 { 4 } else { 0 };
        rest = behind.get(checksum..).ok_or_else(malformed)?;
    }
}

/// Unpacks a block that may refer to what the frame gave before it, from `start` on.
fn lz4_block(
    block: &[u8],
    largest: usize,
    start: usize,
    target: &mut Target<'_>,
) -> Result<(), Boxed> {
    let free = target.room(largest)?.len().min(largest);
    let at = target.at;
    let (before, room) = target.buffer.split_at_mut_checked(at).ok_or(Full)?;
    let room = room.get_mut(..free).ok_or(Full)?;
    let window = before.get(start.max(at.saturating_sub(64 << 10))..).unwrap_or_default();
    let unpacked = if window.is_empty() {
        lz4_flex::block::decompress_into(block, room)
    } else {
        lz4_flex::block::decompress_into_with_dict(block, room, window)
    };
    match unpacked {
        Ok(written) => {
            target.at += written;
            Ok(())
        }
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if free < largest => {
            Err(Full.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// In one call per frame, so that no window is allocated; the buffer grows until the frame fits.
fn zstd(
    decoder: &mut Option<Zstd<'static>>,
    packed: &[u8],
    target: &mut Target<'_>,
) -> Result<(), Boxed> {
    let decoder = match decoder {
        Some(decoder) => decoder,
        None => decoder.insert(Zstd::new()?),
    };
    let mut wanted = packed.len().saturating_mul(8).max(64 << 10);
    loop {
        let most = target.end.saturating_sub(target.at);
        let room = target.room(wanted)?;
        let given = room.len();
        match decoder.decompress_to_buffer(packed, room) {
            Ok(written) => {
                target.at += written;
                return Ok(());
            }
            Err(error) if !error.to_string().contains("too small") => return Err(error.into()),
            Err(_) if given >= most => return Err(Full.into()),
            Err(_) => wanted = given.saturating_mul(2),
        }
    }
}
