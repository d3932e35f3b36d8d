//! A table by its place.

use highwater_core::Result;
use highwater_storage::Storage;

use crate::log::Log;
use crate::sink::DeltaSink;
use crate::snapshot::DeltaSnapshot;

/// A table in a directory, whether it is there yet or not.
///
/// # Example
/// ```
/// use highwater_delta::DeltaTable;
///
/// let table = DeltaTable::at("data/lake/orders")?;
/// let sink = table.append().partition_by(["country"]);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeltaTable {
    log: Log,
}

impl DeltaTable {
    /// The table at `url`: a path, or a `file://` URL. Contacts nothing.
    ///
    /// # Errors
    /// `Invalid` for any other scheme.
    pub fn at(url: &str) -> Result<Self> {
        Ok(Self::new(Storage::open(url)?))
    }

    /// The table that is all of `storage`.
    pub fn new(storage: Storage) -> Self {
        Self { log: Log::new(storage) }
    }

    /// A sink that appends to it.
    pub fn append(&self) -> DeltaSink {
        DeltaSink::new(self.log.clone())
    }

    /// The table as it is now.
    ///
    /// # Errors
    /// `Invalid` when there is none; `Unsupported` when it has features that cannot be read;
    /// `Corrupt` when its log cannot be.
    pub async fn read(&self) -> Result<DeltaSnapshot> {
        DeltaSnapshot::open(self.log.clone()).await
    }
}
