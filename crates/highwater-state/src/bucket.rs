//! A bucket of a table: what of its rows is in memory.

use std::sync::Arc;

use crate::memory::Memory;
use crate::spec::Layout;

/// The rows of one bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) memory: Memory,
}

impl Bucket {
    pub(crate) fn new(layout: &Arc<Layout>, bucket: i64) -> Self {
        Self { memory: Memory::new(Arc::clone(layout), bucket) }
    }

    /// Rows that are there.
    pub(crate) fn live(&self) -> u64 {
        self.memory.live()
    }

    /// Bytes of memory.
    pub(crate) fn held(&self) -> u64 {
        self.memory.held() as u64
    }

    /// Rows that were added or changed since the last save.
    pub(crate) fn updated(&self) -> u64 {
        self.memory.touched() as u64
    }
}
