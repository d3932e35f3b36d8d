//! A table by its place.

use arrow::datatypes::SchemaRef;
use highwater_core::Result;
use highwater_storage::Storage;

use crate::error::DeltaError;
use crate::log::Log;
use crate::maintenance::{Maintained, Maintenance};
use crate::sink::{DeltaSink, Output};
use crate::snapshot::DeltaSnapshot;
use crate::source::DeltaSource;

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
        DeltaSink::new(self.log.clone(), Output::Append)
    }

    /// A sink that, with each epoch that has rows, replaces the whole table by them.
    ///
    /// # Example
    /// ```
    /// use highwater_delta::DeltaTable;
    ///
    /// let sink = DeltaTable::at("data/lake/counts")?.complete();
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn complete(&self) -> DeltaSink {
        DeltaSink::new(self.log.clone(), Output::Complete)
    }

    /// A sink whose rows take the place of those with equal values in the columns of `key`, or are
    /// added. Null is a value like any other.
    ///
    /// # Example
    /// ```
    /// use highwater_delta::DeltaTable;
    ///
    /// let sink = DeltaTable::at("data/lake/counts")?.update(["window", "event_type"]);
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn update<C: Into<String>>(&self, key: impl IntoIterator<Item = C>) -> DeltaSink {
        let key = key.into_iter().map(Into::into).collect();
        DeltaSink::new(self.log.clone(), Output::Update(key))
    }

    /// Does what is due for the table, as its sink does beside its commits if it is asked to. Pipelines may
    /// go on writing meanwhile.
    ///
    /// # Errors
    /// `Invalid` when there is no table, or one with a property that cannot be used; whatever the storage and
    /// a replay of the log report. What was done before an error stays done.
    pub async fn maintain(&self, policy: Maintenance) -> Result<Maintained> {
        let Some(state) = self.log.newest().await? else {
            return Err(DeltaError::Absent { table: self.log.name().to_owned() }.into());
        };
        let (done, _) = policy.run(&self.log, &state, true).await?;
        Ok(done)
    }

    /// A source that reads it at a version, for a stream to be joined with: these columns of it, by
    /// name.
    pub fn source(&self, columns: SchemaRef) -> DeltaSource {
        DeltaSource::new(self.log.clone(), columns)
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
