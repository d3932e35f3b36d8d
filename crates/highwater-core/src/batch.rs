//! Rows on their way through a pipeline.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::{Name, Partition, Permit};

/// Some rows of one epoch, 1 to 8,192 of them as a rule, with where they come from.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows.
    pub rows: RecordBatch,
    /// The source and partition they were read from, until they are exchanged by key.
    pub origin: Option<Arc<Origin>>,
    /// Room in the budget of the reader that they came from.
    pub permit: Option<Permit>,
}

/// The source and partition of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source.
    pub source: Name,
    /// The partition.
    pub partition: Partition,
}

impl Batch {
    /// Other rows made of these: of the same origin, and under the same permit.
    #[must_use]
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        Self { rows, origin: self.origin.clone(), permit: self.permit.clone() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<RecordBatch> for Batch {
    fn from(rows: RecordBatch) -> Self {
        Self { rows, origin: None, permit: None }
    }
}
