//! Copy-on-write: files of which rows go are written anew without them.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use highwater_core::Result;
use highwater_parquet::{FileOptions, FileWriter, data_file};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Touched, Upsert};
use crate::changes::Changes;
use crate::committer::now_ms;
use crate::error::{Cause, DeltaError};
use crate::files::{DataFile, url};
use crate::index::KeyIndex;
use crate::key::KeyId;
use crate::schema;
use crate::stats::stats;
use crate::writer::{directory, within};

/// What is left of a file.
struct Rest {
    file: DataFile,
    keys: Vec<KeyId>,
}

impl Upsert<'_> {
    /// Takes out the files of which rows go, and writes what is left of each into a new one.
    pub(super) async fn rewrite(&self, touched: Vec<Touched>, index: &KeyIndex) -> Result<Changes> {
        let mut changes = Changes::default();
        for touched in touched {
            if touched.deleted.len() < u64::from(touched.rows)
                && let Some(Rest { file, keys }) = self.rest(&touched, index).await?
            {
                changes.effects.moved.push((file.path.clone(), keys));
                changes.adds.push(file);
            }
            changes.effects.gone.push(touched.file.path.clone());
            changes.removes.push(touched.file);
        }
        Ok(changes)
    }

    /// Copies the rows that stay; none when there are none.
    async fn rest(&self, touched: &Touched, index: &KeyIndex) -> Result<Option<Rest>> {
        let table = schema::parse(self.log.name(), &self.metadata.schema_string)?;
        let partition = &self.metadata.partition_columns;
        let columns = table.fields.iter().map(|column| column.name.clone());
        let columns = columns.filter(|name| !partition.contains(name)).collect();
        let mut batches = self.files.rows(&touched.file, &self.metadata.schema_string, columns);
        let mut going = self.going(touched).await?.into_iter().peekable();
        let mut at = 0_u64;
        let mut remainder: Option<Remainder> = None;
        while let Some(rows) = next(&mut batches).await? {
            let stays = (at..).take(rows.num_rows());
            let stays: BooleanArray =
                stays.map(|row| Some(going.next_if_eq(&row).is_none())).collect();
            at = at.saturating_add(u64::try_from(rows.num_rows()).unwrap_or(u64::MAX));
            let failed = |cause: Cause| self.unreadable(&touched.file, cause);
            let rows = filter_record_batch(&rows, &stays).map_err(|cause| failed(cause.into()))?;
            if rows.num_rows() == 0 {
                continue;
            }
            let remainder = match &mut remainder {
                Some(remainder) => remainder,
                None => remainder.insert(self.begin(&touched.file, &rows)?),
            };
            remainder.writer.write(&rows)?;
            remainder.writer.ready().await?;
        }
        let Some(remainder) = remainder else { return Ok(None) };
        let file = remainder.finish(self, &touched.file).await?;
        let keys = self.scan().standing(&file, &index.hasher).await?.keys;
        Ok(Some(Rest { file, keys: keys.into_iter().flatten().collect() }))
    }

    /// The rows that go, growing: those that were deleted before, and those that are now.
    async fn going(&self, touched: &Touched) -> Result<Vec<u64>> {
        let mut going = touched.doomed.clone();
        if let Some(vector) = &touched.file.deletion_vector {
            going.extend(self.files.deleted(vector).await?);
            going.sort_unstable();
            going.dedup();
        }
        Ok(going)
    }

    fn unreadable(&self, file: &DataFile, source: Cause) -> DeltaError {
        let location = self.log.table().location(&file.path);
        DeltaError::Unreadable { location, source }
    }

    /// Begins the copy of a file, under a name that nobody else has.
    fn begin(&self, file: &DataFile, rows: &RecordBatch) -> Result<Remainder> {
        let columns = self.metadata.partition_columns.iter();
        let values = columns.map(|column| {
            (column.as_str(), file.partition_values.get(column).and_then(Option::as_deref))
        });
        // As staged files are named, so that orphans are known by it.
        let name = data_file(self.sink, self.epoch, Uuid::new_v4().simple(), 0, 0);
        let path = within(&directory(values), name);
        let plain = |field: &Arc<Field>| {
            Field::new(field.name(), field.data_type().clone(), field.is_nullable())
        };
        let fields: Vec<_> = rows.schema().fields().iter().map(plain).collect();
        let schema = Arc::new(Schema::new(fields));
        let options = FileOptions::default().with_numbered_columns();
        let upload = self.log.table().upload(&path);
        let writer = FileWriter::try_new(SchemaRef::clone(&schema), &options, upload)?;
        Ok(Remainder { path, schema, writer })
    }
}

/// What is left of a file, in the making.
struct Remainder {
    path: String,
    schema: SchemaRef,
    writer: FileWriter,
}

impl Remainder {
    /// Closes the copy of `file` and waits until it is durable.
    async fn finish(self, upsert: &Upsert<'_>, file: &DataFile) -> Result<DataFile> {
        let report = self.writer.finish().await?;
        let unwritable = |cause: serde_json::Error| DeltaError::Foreign {
            what: "statistics",
            of: self.path.clone(),
            source: cause.into(),
        };
        let stats = stats(&report, self.schema.fields(), upsert.indexed).map_err(unwritable)?;
        Ok(DataFile {
            path: url(&self.path),
            partition_values: file.partition_values.clone(),
            size: report.bytes,
            modification_time: now_ms(),
            stats: Some(stats),
            tags: None,
            deletion_vector: None,
        })
    }
}

async fn next(batches: &mut mpsc::Receiver<Result<RecordBatch>>) -> Result<Option<RecordBatch>> {
    batches.recv().await.transpose()
}
