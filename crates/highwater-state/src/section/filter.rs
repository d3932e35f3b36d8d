//! Which hashes a section may have: a Bloom filter in blocks of one half of a cache line.
//!
//! `Source:` the split block Bloom filters of the Parquet format, with its salts.

/// Bits that a hash gets.
const BITS_PER_HASH: usize = 12;
const BLOCK_BITS: usize = 256;
const SALTS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A set of hashes that never misses one of its own, and seldom takes another for one.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    blocks: Vec<Block>,
}

/// Aligned, for a block that lies in two lines of the cache is waited for twice.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Block([u32; 8]);

impl Filter {
    /// An empty one with room for so many.
    pub(crate) fn with_room(hashes: usize) -> Self {
        let blocks = hashes.saturating_mul(BITS_PER_HASH).div_ceil(BLOCK_BITS);
        Self { blocks: vec![Block([0; 8]); blocks] }
    }

    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        let at = self.at(hash);
        if let Some(Block(block)) = self.blocks.get_mut(at) {
            // As short as it is, waits for the memory of several hashes overlap.
            for (word, salt) in block.iter_mut().zip(SALTS) {
                *word |= mask(hash, salt);
            }
        }
    }

    /// Whether a hash may be there.
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        self.blocks.get(self.at(hash)).is_some_and(|Block(block)| {
            let masks = SALTS.into_iter().map(|salt| mask(hash, salt));
            block.iter().zip(masks).fold(true, |all, (word, mask)| all & (word & mask != 0))
        })
    }

    /// The block of a hash.
    #[inline]
    fn at(&self, hash: u64) -> usize {
        // All hashes of a bucket may agree in their lowest bits: mixed, no half of them is worth less.
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (upper_half(mixed) as usize * self.blocks.len()) >> u32::BITS
    }

    pub(crate) fn held(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        let words = self.blocks.iter().flat_map(|Block(words)| words);
        words.for_each(|word| into.extend_from_slice(&word.to_le_bytes()));
    }

    /// The filter out of what `write` wrote; none when the length is not that of one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (blocks, rest) = bytes.as_chunks::<{ BLOCK_BITS / 8 }>();
        let word = |block: &[u8; 32]| {
            let (words, _) = block.as_chunks::<4>();
            let mut to = [0; 8];
            to.iter_mut().zip(words).for_each(|(to, word)| *to = u32::from_le_bytes(*word));
            Block(to)
        };
        rest.is_empty().then(|| Self { blocks: blocks.iter().map(word).collect() })
    }
}

/// The bit of a hash in the word of its block that has this salt.
#[inline]
fn mask(hash: u64, salt: u32) -> u32 {
    1 << (upper_half(hash).wrapping_mul(salt) >> 27)
}

#[inline]
fn upper_half(of: u64) -> u32 {
    u32::try_from(of >> u32::BITS).unwrap_or_default()
}
