//! The keys of rows in files, those of the table and those that are staged.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use highwater_core::Result;

use crate::actions::Metadata;
use crate::error::DeltaError;
use crate::files::DataFile;
use crate::index::Scanned;
use crate::kernel::{Batches, DeletedRows, Files};
use crate::key::{KeyColumns, KeyHasher, KeyId, as_compared};
use crate::log::Log;

/// Reads keys of one table.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    pub(super) log: &'a Log,
    pub(super) files: &'a Files,
    pub(super) key: &'a KeyColumns,
    pub(super) metadata: &'a Metadata,
}

/// A file whose keys are read.
pub(super) struct Rows<'a> {
    scan: &'a Scan<'a>,
    file: &'a DataFile,
    batches: Batches,
}

/// Keys of some rows.
pub(super) struct Keyed {
    /// The key columns.
    pub(super) columns: Vec<ArrayRef>,
    pub(super) ids: Vec<KeyId>,
}

impl<'a> Scan<'a> {
    /// Begins to read the keys of all rows of a file, deleted ones too.
    ///
    /// # Errors
    /// A file that lies outside of the table.
    pub(super) fn open(&'a self, file: &'a DataFile) -> Result<Rows<'a>> {
        if file.lies_outside() {
            let feature = format!("has a file outside of it ({})", file.path);
            return Err(DeltaError::Feature { table: self.log.name().to_owned(), feature }.into());
        }
        let partition = &self.metadata.partition_columns;
        let columns = self.key.names().map(ToOwned::to_owned);
        let columns = columns.filter(|name| !partition.contains(name)).collect();
        let batches = self.files.rows(file, self.metadata, columns);
        Ok(Rows { scan: self, file, batches })
    }

    /// Reads a file of the table, with its deletion vector.
    ///
    /// # Errors
    /// As of [`open`](Self::open), and when it cannot be read.
    pub(super) async fn standing(&self, file: &DataFile, hasher: &KeyHasher) -> Result<Scanned> {
        let mut rows = self.open(file)?;
        let mut scanned = Scanned { keys: Vec::new(), deleted: DeletedRows::default() };
        while let Some(Keyed { ids, .. }) = rows.next(hasher).await? {
            scanned.keys.extend(ids.into_iter().map(Some));
        }
        if let Some(vector) = &file.deletion_vector {
            let deleted = self.files.deleted(vector).await?;
            scanned.deleted.add(&deleted);
            for row in deleted {
                let key = usize::try_from(row).ok().and_then(|row| scanned.keys.get_mut(row));
                if let Some(key) = key {
                    *key = None;
                }
            }
        }
        Ok(scanned)
    }
}

impl Rows<'_> {
    /// The next keys; none at the end of the file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn next(&mut self, hasher: &KeyHasher) -> Result<Option<Keyed>> {
        let Some(rows) = self.batches.next().await? else { return Ok(None) };
        let keyed = self.keyed(&rows, hasher);
        Ok(Some(keyed.map_err(|cause| self.scan.log.unreadable(&self.file.path, cause.into()))?))
    }

    fn keyed(&self, rows: &RecordBatch, hasher: &KeyHasher) -> Result<Keyed, ArrowError> {
        let columns = self.scan.key.names().map(|name| self.column(name, rows));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let keys = self.scan.key.bytes(&columns)?;
        let ids = keys.iter().map(|key| hasher.id(key.data())).collect();
        Ok(Keyed { columns, ids })
    }

    /// A key column of rows: from the file, or what the log says of the whole of it.
    fn column(&self, name: &str, rows: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        let kind = self.scan.key.kind(name).ok_or_else(|| unknown(name))?;
        if let Some(column) = rows.column_by_name(name) {
            return as_compared(column, kind);
        }
        let value = self.file.partition_values.get(name).ok_or_else(|| unknown(name))?;
        // Empty text is how some write null.
        let value = value.as_deref().filter(|value| !value.is_empty());
        let value: ArrayRef = Arc::new(StringArray::from(vec![value]));
        let value = as_compared(&value, kind)?;
        take(value.as_ref(), &UInt32Array::from(vec![0; rows.num_rows()]), None)
    }
}

fn unknown(column: &str) -> ArrowError {
    ArrowError::SchemaError(format!("neither the file nor the log has column {column}"))
}
