//! What stands behind the rows of a section, and is read first.

use super::filter::Filter;
use super::{MOST_ROWS, checksum};

const MAGIC: [u8; 8] = *b"HWstate\n";

/// Bytes of the tail: length and checksum of the index, version, magic, checksum of these.
pub(crate) const TAIL: u64 = 8 + 8 + 4 + 8 + 8;

/// Where the rows of a section are, and which.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The columns of the table, in words.
    pub(crate) columns: String,
    pub(crate) rows: u64,
    /// How many of the rows say that a row was removed.
    pub(crate) removed: u64,
    /// A number that no row has, nor any above it.
    pub(crate) next_number: u64,
    /// The levels at which any row is yet to be saved.
    pub(crate) owed: u8,
    /// Where the schema ends, and its checksum.
    pub(crate) schema: (u64, u64),
    pub(crate) blocks: Vec<BlockEntry>,
    pub(crate) filter: Filter,
}

/// Where a block is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEntry {
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) rows: u32,
    /// Where its first row stands among all hashes.
    pub(crate) place: u64,
    pub(crate) check: u64,
}

/// The tail of a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) index: u64,
    pub(crate) check: u64,
    pub(crate) version: u32,
}

impl Tail {
    pub(crate) fn write(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.index.to_le_bytes());
        bytes.extend_from_slice(&self.check.to_le_bytes());
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes
    }

    /// The tail, or what is wrong with it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "it is too short for a section of state";
        let (body, check) = bytes.split_last_chunk::<8>().ok_or(SHORT)?;
        let mut rest = body;
        let from = &mut rest;
        let index = word(from).ok_or(SHORT)?;
        let tail = Self {
            index,
            check: word(from).ok_or(SHORT)?,
            version: u32::from_le_bytes(chunk(from).ok_or(SHORT)?),
        };
        if u64::from_le_bytes(*check) != checksum(body) {
            return Err("the checksum of its tail does not fit");
        }
        if rest != MAGIC {
            return Err("it does not end as a section of state does");
        }
        Ok(tail)
    }
}

impl Index {
    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        let words = [self.rows, self.removed, self.next_number, u64::from(self.owed)];
        let lengths = [self.columns.len() as u64, self.blocks.len() as u64];
        let all = words.into_iter().chain([self.schema.0, self.schema.1]).chain(lengths);
        all.for_each(|word| into.extend_from_slice(&word.to_le_bytes()));
        into.extend_from_slice(self.columns.as_bytes());
        for block in &self.blocks {
            for word in [block.at, block.len, u64::from(block.rows), block.place, block.check] {
                into.extend_from_slice(&word.to_le_bytes());
            }
        }
        self.filter.write(into);
    }

    /// The index out of bytes whose checksum fits; none when they are not one. `end` is where the
    /// blocks must end.
    pub(crate) fn read(mut bytes: &[u8], end: u64) -> Option<Self> {
        let from = &mut bytes;
        let (rows, removed, next_number) = (word(from)?, word(from)?, word(from)?);
        let owed = u8::try_from(word(from)?).ok()?;
        let schema = (word(from)?, word(from)?);
        let (columns, blocks) = (usize::try_from(word(from)?).ok()?, word(from)?);
        let columns = String::from_utf8(front(from, columns)?.to_vec()).ok()?;
        let (mut at, mut counted) = (schema.0, 0_u64);
        // Each is read off the bytes that are there, so a wrong count ends with them.
        let mut entries = Vec::new();
        for _ in 0..blocks {
            let block = BlockEntry {
                at: word(from)?,
                len: word(from)?,
                rows: u32::try_from(word(from)?).ok()?,
                place: word(from)?,
                check: word(from)?,
            };
            if block.at != at || block.rows as usize > MOST_ROWS {
                return None;
            }
            at = at.checked_add(block.len)?;
            counted += u64::from(block.rows);
            entries.push(block);
        }
        let filter = Filter::read(from)?;
        let sound = at == end && counted == rows && removed <= rows;
        let index =
            Self { columns, rows, removed, next_number, owed, schema, blocks: entries, filter };
        sound.then_some(index)
    }

    /// The block that a hash would be in first: it may go on in the next.
    pub(crate) fn block_of(&self, place: u64) -> usize {
        self.blocks.partition_point(|block| block.place < place).saturating_sub(1)
    }

    pub(crate) fn held(&self) -> usize {
        self.filter.held() + self.blocks.capacity() * size_of::<BlockEntry>()
    }
}

fn front<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (front, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(front)
}

fn chunk<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*chunk)
}

fn word(from: &mut &[u8]) -> Option<u64> {
    chunk(from).map(u64::from_le_bytes)
}
