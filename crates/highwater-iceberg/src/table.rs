//! A table as it is now, for tests and for whoever checks what a pipeline has written.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use highwater_core::{Error, Marker, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::decode::decode;
use crate::error::IcebergError;
use crate::format::{Manifests, TableState};
use crate::layout::TableFiles;
use crate::marker::recorded;
use crate::pointer::Pointer;
use crate::target::FIELD_ID;

/// The current snapshot of a table. Deletes are not supported.
///
/// # Example
/// ```no_run
/// use futures::TryStreamExt;
/// use highwater_iceberg::FileCatalog;
///
/// # async fn example() -> highwater_core::Result<()> {
/// let table = FileCatalog::open("data/warehouse")?.table("demo.orders").read().await?;
/// let mut batches = table.rows().await?;
/// while let Some(batch) = batches.try_next().await? {
///     assert_eq!(batch.schema(), table.schema());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct IcebergTable {
    pointer: Pointer,
    files: TableFiles,
    state: TableState,
    schema: SchemaRef,
}

impl IcebergTable {
    pub(crate) async fn open(pointer: Pointer) -> Result<Self> {
        let Some(version) = pointer.current(None).await? else {
            let (table, location) = (pointer.name().to_owned(), pointer.place());
            return Err(IcebergError::Absent { table, location }.into());
        };
        let state = TableState::parse(pointer.name(), &version.location, &version.bytes)?;
        let files = pointer.files(&state)?;
        let schema = Arc::new(state.read_schema()?);
        Ok(Self { pointer, files, state, schema })
    }

    pub(crate) fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    pub(crate) fn files(&self) -> &TableFiles {
        &self.files
    }

    /// The columns of [`rows`](Self::rows), in the order of the table, each with its field id under
    /// the key `PARQUET:field_id`.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// How many snapshots the table keeps.
    pub fn snapshots(&self) -> u64 {
        u64::try_from(self.state.snapshots()).unwrap_or(u64::MAX)
    }

    /// A property of the table, such as `write.parquet.compression-codec`.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.state.properties().get(key).map(String::as_str)
    }

    /// An entry in the summary of the current snapshot, such as `total-records`.
    pub fn summary(&self, key: &str) -> Option<&str> {
        self.state.summary()?.get(key).map(String::as_str)
    }

    /// What each sink that writes the table committed last, by pipeline and sink.
    ///
    /// # Errors
    /// `Corrupt` when a marker cannot be read.
    pub fn markers(&self) -> Result<Vec<Marker>> {
        let recorded = recorded(self.state.properties(), self.files.name())?;
        Ok(recorded.into_iter().map(|recorded| recorded.marker).collect())
    }

    /// The locations and row counts of the data files, in no order.
    ///
    /// # Errors
    /// `Unsupported` when the table has deletes or files that are not Parquet; `Corrupt` or
    /// `Refused` when a manifest cannot be read.
    pub async fn data_files(&self) -> Result<Vec<(String, u64)>> {
        let manifests = Manifests::load(&self.files, &self.state).await?;
        manifests.data_files(&self.files, &self.state).await
    }

    /// All rows, file by file. One file at a time is in memory.
    ///
    /// # Errors
    /// As [`data_files`](Self::data_files); the stream ends at the first file that cannot be read.
    pub async fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let found = self.data_files().await?;
        let (files, schema) = (self.files.clone(), self.schema());
        let batches = futures::stream::iter(found).then(move |(location, _)| {
            let (files, schema) = (files.clone(), SchemaRef::clone(&schema));
            async move {
                let bytes = files.read(&location).await?;
                let batches = file_rows(&location, bytes, schema)?;
                Ok::<_, Error>(futures::stream::iter(batches))
            }
        });
        Ok(batches.try_flatten().boxed())
    }
}

/// The rows of the data file with these bytes, in the columns of `schema`.
fn file_rows(
    location: &str,
    bytes: Bytes,
    schema: SchemaRef,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let open = || ParquetRecordBatchReaderBuilder::try_new(bytes)?.build();
    let mut reader = Some(decode(location, open)?);
    let location = location.to_owned();
    Ok(std::iter::from_fn(move || {
        let next = || {
            let batch = reader.as_mut().and_then(Iterator::next);
            batch.map(|batch| fit_batch(batch?, &schema)).transpose()
        };
        let batch = decode(&location, next).transpose()?;
        if batch.is_err() {
            reader = None;
        }
        Some(batch.map_err(Error::from))
    }))
}

/// The rows of a file in the columns of `schema`.
fn fit_batch(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let there = batch.schema_ref().fields();
    let columns = fit(&schema.fields, there, batch.columns(), batch.num_rows())?;
    RecordBatch::try_new(SchemaRef::clone(schema), columns)
}

/// The columns that `wanted` asks for out of those that are `there`, found by field id, or by name
/// where a file has no ids. A column that is not there is null.
fn fit(
    wanted: &Fields,
    there: &Fields,
    columns: &[ArrayRef],
    count: usize,
) -> Result<Vec<ArrayRef>, ArrowError> {
    let found = |want: &Field| {
        let same = |(field, _): &(&FieldRef, _)| match field.metadata().get(FIELD_ID) {
            Some(id) => want.metadata().get(FIELD_ID) == Some(id),
            None => want.name() == field.name(),
        };
        there.iter().zip(columns).find(same).map(|(_, column)| column)
    };
    let one = |want: &FieldRef| match (want.data_type(), found(want)) {
        (kind, None) => Ok(new_null_array(kind, count)),
        (DataType::Struct(below), Some(column)) if column.data_type().is_nested() => {
            let Some(parts) = column.as_struct_opt() else {
                return cast(column, want.data_type());
            };
            let fitted = fit(below, parts.fields(), parts.columns(), count)?;
            let nulls = parts.nulls().cloned();
            Ok(Arc::new(StructArray::try_new(below.clone(), fitted, nulls)?) as ArrayRef)
        }
        (kind, Some(column)) if column.data_type() == kind => Ok(ArrayRef::clone(column)),
        (kind, Some(column)) => cast(column, kind),
    };
    wanted.iter().map(one).collect()
}
