//! Room in a reader's byte budget, held as long as what was read is on its way.

use std::fmt;
use std::sync::Arc;

/// Holds room in the byte budget of a reader. It rides on a batch and on every piece that is made of
/// it; when the last piece is dropped, the reader may go on. So a slow sink slows the source, and
/// not the memory.
///
/// Whoever keeps rows beyond the call that handed them over copies them and drops the batch.
#[derive(Clone)]
pub struct Permit {
    _held: Arc<dyn Send + Sync>,
}

impl Permit {
    /// A permit that lets `held` go with its last clone.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Arc::new(held) }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
