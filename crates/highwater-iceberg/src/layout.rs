//! Where the files of a table are.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::Result;
use highwater_storage::{Created, Storage};
use tracing::warn;

use crate::error::IcebergError;

pub(crate) const METADATA: &str = "metadata";

/// The files of one table in a warehouse.
#[derive(Clone, Debug)]
pub(crate) struct TableFiles {
    name: Arc<str>,
    warehouse: Storage,
    /// The directory of the table, within the warehouse.
    directory: Arc<str>,
    /// The same directory as the metadata of the table spells it.
    location: Arc<str>,
}

impl TableFiles {
    /// The files of the table `name` in a directory of the warehouse.
    pub(crate) fn new(name: &str, warehouse: &Storage, directory: &str) -> Self {
        let location = warehouse.location(directory).into();
        Self {
            name: name.into(),
            warehouse: warehouse.clone(),
            directory: directory.into(),
            location,
        }
    }

    /// The files of the same table at the location that its metadata names.
    ///
    /// # Errors
    /// A location outside of the warehouse.
    pub(crate) fn at(&self, location: &str) -> Result<Self, IcebergError> {
        let location = location.trim_end_matches('/');
        let directory = self.path(location)?.into();
        Ok(Self { directory, location: location.into(), ..self.clone() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn warehouse(&self) -> &Storage {
        &self.warehouse
    }

    /// The location of the table.
    pub(crate) fn location(&self) -> String {
        self.location.to_string()
    }

    /// The path within the warehouse of a file of the table.
    pub(crate) fn within(&self, file: &str) -> String {
        format!("{}/{file}", self.directory)
    }

    /// The location of a file in the metadata directory.
    pub(crate) fn metadata_location(&self, file: &str) -> String {
        format!("{}/{METADATA}/{file}", self.location)
    }

    /// The path within the warehouse of a file in the metadata directory.
    fn metadata_path(&self, file: &str) -> String {
        self.within(&format!("{METADATA}/{file}"))
    }

    /// The path within the warehouse of a file that the table names.
    ///
    /// # Errors
    /// A file outside of the warehouse.
    pub(crate) fn path(&self, location: &str) -> Result<String, IcebergError> {
        self.warehouse.path_of(location).ok_or_else(|| IcebergError::Outside {
            table: self.name.to_string(),
            location: location.to_owned(),
            warehouse: self.warehouse.location(""),
        })
    }

    /// The bytes of a file that the table names.
    pub(crate) async fn read(&self, location: &str) -> Result<Bytes> {
        let found = self.find(location).await?;
        Ok(found.ok_or_else(|| IcebergError::FileMissing {
            table: self.name.to_string(),
            location: location.to_owned(),
        })?)
    }

    /// The bytes of a file that the table names, if it is there.
    pub(crate) async fn find(&self, location: &str) -> Result<Option<Bytes>> {
        self.warehouse.read(&self.path(location)?).await
    }

    /// Writes a new file into the metadata directory, under a name that nobody else uses.
    pub(crate) async fn write(&self, file: &str, bytes: Bytes) -> Result<()> {
        match self.warehouse.create(&self.metadata_path(file), bytes).await? {
            Created::Created => Ok(()),
            Created::Exists => {
                Err(IcebergError::Occupied { location: self.metadata_location(file) }.into())
            }
        }
    }

    /// Deletes a file of the metadata directory that nobody names. It does no harm where it is.
    pub(crate) async fn discard(&self, file: &str) {
        if let Err(error) = self.warehouse.delete(&self.metadata_path(file)).await {
            warn!(table = %self.name, file, %error, "a file that nobody needs stays");
        }
    }
}
