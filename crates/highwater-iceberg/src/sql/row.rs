//! The row of one table: which metadata file is the current one, and the swap of that.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::Result;
use highwater_storage::Storage;
use rusqlite::OptionalExtension;
use tracing::warn;
use uuid::Uuid;

use super::database::{Database, Session, Unchanged};
use super::layout::{Layout, namespace_location};
use crate::error::IcebergError;
use crate::layout::{METADATA, TableFiles};
use crate::pointer::{Swapped, Version};

const SUFFIX: &str = ".metadata.json";
/// How often a row is read again that has moved on while its metadata was being read.
const READS: usize = 100;

/// The row of a table in the database of a catalog.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    database: Database,
    key: Arc<Key>,
    /// Its files, if they are where a new table has them.
    files: TableFiles,
}

#[derive(Debug)]
struct Key {
    catalog: Arc<str>,
    namespace: String,
    table: String,
}

impl Row {
    /// The row of the table `name`, `namespace.table` with allowed characters only.
    pub(super) fn new(
        database: Database,
        catalog: Arc<str>,
        name: &str,
        warehouse: &Storage,
    ) -> Self {
        let (namespace, table) = name.rsplit_once('.').unwrap_or(("", name));
        let files = TableFiles::new(name, warehouse, &format!("{namespace}/{table}"));
        let (namespace, table) = (namespace.to_owned(), table.to_owned());
        Self { database, key: Arc::new(Key { catalog, namespace, table }), files }
    }

    pub(crate) fn files(&self) -> &TableFiles {
        &self.files
    }

    pub(crate) fn place(&self) -> String {
        self.database.to_string()
    }

    /// The current version. Metadata files never change, so one that was seen is not read again.
    pub(crate) async fn current(&self, seen: Option<&Version>) -> Result<Option<Version>> {
        let mut last = None;
        for _ in 0..READS {
            let Some(location) = self.location().await? else { return Ok(None) };
            if let Some(seen) = seen.filter(|seen| seen.location == location) {
                return Ok(Some(seen.clone()));
            }
            if let Some(bytes) = self.files.find(&location).await? {
                let number = number_in(&location).unwrap_or(0);
                return Ok(Some(Version { number, location, bytes }));
            }
            // Others may have gone on, and deleted what has left their log.
            if last.as_ref() == Some(&location) {
                break;
            }
            last = Some(location);
        }
        let (table, location) = (self.files.name().to_owned(), last.unwrap_or_default());
        Err(IcebergError::FileMissing { table, location }.into())
    }

    async fn location(&self) -> Result<Option<String>> {
        let (key, name) = (Arc::clone(&self.key), self.files.name().to_owned());
        let found = self.database.read(move |session| key.read(session, &name)).await?;
        Ok(found.flatten())
    }

    /// Where a new table goes: `<warehouse>/<namespace>/<table>`, or below the location that its
    /// namespace has as a property.
    pub(crate) async fn home(&self) -> Result<TableFiles> {
        let key = Arc::clone(&self.key);
        let read = move |session: &Session| {
            let found = namespace_location(&session.connection, &key.catalog, &key.namespace);
            found.map_err(|cause| session.failed(cause))
        };
        let files = match self.database.read(read).await?.flatten() {
            Some(above) => {
                let location = format!("{}/{}", above.trim_end_matches('/'), self.key.table);
                self.files.at(&location)?
            }
            None => self.files.clone(),
        };
        let directory = files.warehouse().at(&files.within(METADATA));
        let objects = directory.list("").await?;
        let versioned = |path: &str| path.starts_with('v') && path.ends_with(SUFFIX);
        match objects.into_iter().find(|object| versioned(&object.path)) {
            Some(object) => {
                let location = directory.location(&object.path);
                Err(IcebergError::OtherCatalog { location }.into())
            }
            None => Ok(files),
        }
    }

    /// Makes the table, unless somebody else has just made it.
    pub(crate) async fn create(&self, home: &TableFiles, bytes: Bytes) -> Result<Option<Version>> {
        let file = file_name(0);
        home.write(&file, bytes.clone()).await?;
        let location = home.metadata_location(&file);
        let (key, named) = (Arc::clone(&self.key), location.clone());
        match self.database.make(move |session| key.insert(session, &named)).await {
            Ok(Some(())) => Ok(Some(Version { number: 0, location, bytes })),
            Ok(None) => {
                home.discard(&file).await;
                self.current(None).await
            }
            Err(Unchanged::NotApplied(error)) => {
                home.discard(&file).await;
                Err(error)
            }
            Err(Unchanged::Unknown(error)) => Err(error),
        }
    }

    /// The compare-and-swap: puts new metadata in the place of `base`, if the row still names that.
    pub(crate) async fn swap(&self, base: &Version, files: &TableFiles, bytes: Bytes) -> Swapped {
        let number = number_in(&base.location).map_or(0, |number| number.saturating_add(1));
        let file = file_name(number);
        if let Err(error) = files.write(&file, bytes.clone()).await {
            return Swapped::Failed(error);
        }
        let location = files.metadata_location(&file);
        let (key, from, to) = (Arc::clone(&self.key), base.location.clone(), location.clone());
        match self.database.write(move |session| key.update(session, &from, &to)).await {
            Ok(Some(())) => Swapped::Done(Version { number, location, bytes }),
            Ok(None) => {
                files.discard(&file).await;
                Swapped::Outrun
            }
            Err(Unchanged::NotApplied(error)) => {
                files.discard(&file).await;
                Swapped::Failed(error)
            }
            Err(Unchanged::Unknown(error)) => Swapped::Unknown(error),
        }
    }

    /// Deletes metadata that has left the log.
    pub(crate) async fn clear(&self, expired: &[String]) {
        for location in expired {
            let deleted = match self.files.path(location) {
                Ok(path) => self.files.warehouse().delete(&path).await,
                Err(outside) => Err(outside.into()),
            };
            if let Err(error) = deleted {
                warn!(table = %self.files.name(), location, %error, "old metadata stays");
            }
        }
    }
}

impl Key {
    fn read(&self, session: &Session, name: &str) -> Result<Option<String>> {
        let kind = match Layout::find(&session.connection, &session.path)? {
            None => return Ok(None),
            Some(Layout::V0) => "NULL",
            Some(Layout::V1) => "iceberg_type",
        };
        let query = format!(
            "SELECT metadata_location, {kind} FROM iceberg_tables \
             WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3"
        );
        let key = [&*self.catalog, self.namespace.as_str(), self.table.as_str()];
        let row = session.connection.query_row(&query, key, |row| Ok((row.get(0)?, row.get(1)?)));
        let row: Option<(Option<String>, Option<String>)> =
            row.optional().map_err(|cause| session.failed(cause))?;
        let feature = |feature: &str| {
            let (table, feature) = (name.to_owned(), feature.to_owned());
            Err(IcebergError::Feature { table, feature }.into())
        };
        match row {
            None => Ok(None),
            Some((_, Some(kind))) if kind != "TABLE" => feature("is a view"),
            Some((None, _)) => feature("has no metadata in its catalog"),
            Some((Some(location), _)) if location.ends_with(".gz.metadata.json") => {
                feature("compresses its metadata, which highwater does not")
            }
            Some((Some(location), _)) => Ok(Some(location)),
        }
    }

    /// Adds the row, and the namespace if it is new; nothing when the row is there.
    fn insert(&self, session: &Session, location: &str) -> Result<Option<()>> {
        let Session { connection, path, .. } = session;
        let (columns, kind) = match Layout::make(connection, path)? {
            Layout::V0 => ("", ""),
            Layout::V1 => (", iceberg_type", ", 'TABLE'"),
        };
        let namespace = "INSERT INTO iceberg_namespace_properties \
             (catalog_name, namespace, property_key, property_value) \
             SELECT ?1, ?2, 'exists', 'true' WHERE NOT EXISTS (SELECT 1 FROM \
             iceberg_namespace_properties WHERE catalog_name = ?1 AND namespace = ?2)";
        let table = format!(
            "INSERT INTO iceberg_tables \
             (catalog_name, table_namespace, table_name, metadata_location{columns}) \
             VALUES (?1, ?2, ?3, ?4{kind}) ON CONFLICT DO NOTHING"
        );
        let (catalog, space) = (&*self.catalog, self.namespace.as_str());
        let insert = || {
            connection.execute(namespace, [catalog, space])?;
            connection.execute(&table, [catalog, space, &self.table, location])
        };
        let made = insert().map_err(|cause| session.failed(cause))?;
        Ok((made == 1).then_some(()))
    }

    /// Names `to` in the place of `from`; nothing when the row names something else.
    fn update(&self, session: &Session, from: &str, to: &str) -> Result<Option<()>> {
        let update = "UPDATE iceberg_tables \
             SET metadata_location = ?5, previous_metadata_location = ?4 \
             WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3 \
             AND metadata_location = ?4";
        let values = [&*self.catalog, &self.namespace, &self.table, from, to];
        let changed = session.connection.execute(update, values);
        let changed = changed.map_err(|cause| session.failed(cause))?;
        Ok((changed == 1).then_some(()))
    }
}

/// A name that no metadata file has had.
fn file_name(number: u64) -> String {
    format!("{number:05}-{}{SUFFIX}", Uuid::new_v4())
}

/// The number at the beginning of the name of a metadata file.
fn number_in(location: &str) -> Option<u64> {
    let name = location.rsplit('/').next()?;
    name.split_once('-')?.0.parse().ok()
}
