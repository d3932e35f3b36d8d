//! Record batches that came damaged: once may be the way they came, twice is where they are kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use highwater_core::{ErrorKind, Partition};

use crate::error::KafkaError;

/// Where a source has met damage, by partition.
#[derive(Debug, Default)]
pub(crate) struct Damage(Mutex<BTreeMap<Partition, i64>>);

impl Damage {
    /// The error to end with: damage that is met at this place for the first time passes by itself,
    /// as the batch is fetched anew.
    pub(crate) fn met(&self, error: KafkaError) -> KafkaError {
        match error {
            KafkaError::Batch { topic, partition, offset, source, .. }
                if source.kind() == ErrorKind::Corrupt =>
            {
                let place = Partition::new(&topic, partition);
                let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let first = met.insert(place, offset) != Some(offset);
                KafkaError::Batch { topic, partition, offset, first, source }
            }
            error => error,
        }
    }
}
