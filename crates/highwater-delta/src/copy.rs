//! Rows of files, copied into a new file of the same partition.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use highwater_core::Result;
use highwater_parquet::{FileOptions, FileWriter};

use crate::actions::Metadata;
use crate::committer::now_ms;
use crate::error::DeltaError;
use crate::files::{DataFile, url};
use crate::kernel::Files;
use crate::log::Log;
use crate::schema;
use crate::stats::stats;
use crate::writer::{directory, within};

/// Copies rows of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copier<'a> {
    pub(crate) log: &'a Log,
    pub(crate) files: &'a Files,
    pub(crate) metadata: &'a Metadata,
    /// Of how many leaf columns there are statistics.
    pub(crate) indexed: Option<usize>,
}

/// A file whose rows are copied: those that its deletion vector does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Original<'a> {
    pub(crate) file: &'a DataFile,
    /// Further rows that are left out, growing.
    pub(crate) doomed: &'a [u64],
}

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) file: DataFile,
    /// Where it is, below the table.
    pub(crate) path: String,
}

/// A copy in the making.
struct Draft {
    path: String,
    schema: SchemaRef,
    writer: FileWriter,
}

impl Copier<'_> {
    /// Copies the rows of `originals`, which are of one partition, in their order into one file, which
    /// nobody else may have the name of. None when there are no rows; then there is no file.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub(crate) async fn copy(
        &self,
        originals: &[Original<'_>],
        name: String,
    ) -> Result<Option<Copied>> {
        let Some(first) = originals.first() else { return Ok(None) };
        let columns = self.columns()?;
        let path = self.path(first.file, name);
        let mut copy = None;
        for original in originals {
            self.append(original, &columns, &path, &mut copy).await?;
        }
        match copy {
            None => Ok(None),
            Some(copy) => self.finish(copy, first.file).await.map(Some),
        }
    }

    /// The columns that files have.
    fn columns(&self) -> Result<Vec<String>> {
        let table = schema::parse(self.log.name(), &self.metadata.schema_string)?;
        let partition = &self.metadata.partition_columns;
        let names = table.fields.into_iter().map(|column| column.name);
        Ok(names.filter(|name| !partition.contains(name)).collect())
    }

    /// Where a file of that name is that has the partition of `like`.
    fn path(&self, like: &DataFile, name: String) -> String {
        let columns = self.metadata.partition_columns.iter();
        let values = columns.map(|column| {
            (column.as_str(), like.partition_values.get(column).and_then(Option::as_deref))
        });
        within(&directory(values), name)
    }

    /// Copies the rows that stay of one file. The copy begins with the first of them.
    async fn append(
        &self,
        original: &Original<'_>,
        columns: &[String],
        path: &str,
        to: &mut Option<Draft>,
    ) -> Result<()> {
        let file = original.file;
        let mut batches = self.files.rows(file, self.metadata, columns.to_vec());
        let mut going = self.going(original).await?.into_iter().peekable();
        let mut at = 0_u64;
        while let Some(rows) = batches.next().await? {
            let stays = (at..).take(rows.num_rows());
            let stays: BooleanArray =
                stays.map(|row| Some(going.next_if_eq(&row).is_none())).collect();
            at = at.saturating_add(u64::try_from(rows.num_rows()).unwrap_or(u64::MAX));
            let rows = filter_record_batch(&rows, &stays)
                .map_err(|cause| self.log.unreadable(&file.path, cause.into()))?;
            if rows.num_rows() == 0 {
                continue;
            }
            let copy = match to {
                Some(copy) => copy,
                None => to.insert(self.begin(path, &rows)?),
            };
            copy.writer.write(&rows)?;
            copy.writer.ready().await?;
        }
        Ok(())
    }

    /// The rows that are left out, growing.
    async fn going(&self, original: &Original<'_>) -> Result<Vec<u64>> {
        let mut going = original.doomed.to_vec();
        if let Some(vector) = &original.file.deletion_vector {
            going.extend(self.files.deleted(vector).await?);
            going.sort_unstable();
            going.dedup();
        }
        Ok(going)
    }

    fn begin(&self, path: &str, rows: &RecordBatch) -> Result<Draft> {
        let plain = |field: &Arc<Field>| {
            Field::new(field.name(), field.data_type().clone(), field.is_nullable())
        };
        let fields: Vec<_> = rows.schema().fields().iter().map(plain).collect();
        let schema = Arc::new(Schema::new(fields));
        let options = FileOptions::default().with_numbered_columns();
        let upload = self.log.table().upload(path);
        let writer = FileWriter::try_new(SchemaRef::clone(&schema), &options, upload)?;
        Ok(Draft { path: path.to_owned(), schema, writer })
    }

    /// Closes a file of the partition of `like` and waits until it is durable.
    async fn finish(&self, copy: Draft, like: &DataFile) -> Result<Copied> {
        let Draft { path, schema, writer } = copy;
        let report = writer.finish().await?;
        let unwritable = |cause: serde_json::Error| DeltaError::Foreign {
            what: "statistics",
            of: path.clone(),
            source: cause.into(),
        };
        let stats = stats(&report, schema.fields(), self.indexed).map_err(unwritable)?;
        let file = DataFile {
            path: url(&path),
            partition_values: like.partition_values.clone(),
            size: report.bytes,
            modification_time: now_ms(),
            stats: Some(stats),
            tags: None,
            deletion_vector: None,
        };
        Ok(Copied { file, path })
    }
}
