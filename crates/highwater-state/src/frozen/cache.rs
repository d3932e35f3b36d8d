//! Blocks that were read lately.

use std::sync::Arc;

use super::Frozen;
use crate::StateError;
use crate::section::Block;

/// The most bytes of blocks that are kept.
const MOST_BYTES: usize = 16 << 20;

/// Decoded blocks, the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    blocks: Vec<((u64, usize), Arc<Block>)>,
    bytes: usize,
    most: usize,
}

impl Cache {
    /// An empty one for a table that may take so many bytes of memory.
    pub(crate) fn new(room: u64) -> Self {
        let most = usize::try_from(room / 8).unwrap_or(usize::MAX).min(MOST_BYTES);
        Self { blocks: Vec::new(), bytes: 0, most }
    }

    /// A block of a segment.
    pub(crate) fn block(
        &mut self,
        segment: &Frozen,
        number: usize,
    ) -> Result<Arc<Block>, StateError> {
        let name = (segment.number, number);
        if let Some(at) = self.blocks.iter().position(|(other, _)| *other == name) {
            let kept = self.blocks.remove(at);
            let block = Arc::clone(&kept.1);
            self.blocks.push(kept);
            return Ok(block);
        }
        let block = Arc::new(segment.section.block(number)?);
        self.bytes += block.held();
        self.blocks.push((name, Arc::clone(&block)));
        while self.bytes > self.most && !self.blocks.is_empty() {
            let (_, oldest) = self.blocks.remove(0);
            self.bytes -= oldest.held();
        }
        Ok(block)
    }

    pub(crate) fn held(&self) -> u64 {
        self.bytes as u64
    }
}
