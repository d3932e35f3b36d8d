//! The rows of data files, in columns that are found by their field ids.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use highwater_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::decode::decode;
use crate::error::IcebergError;
use crate::format::FoundFile;
use crate::layout::TableFiles;
use crate::target::FIELD_ID;

/// What is read of files.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The columns, with their field ids.
    pub(crate) schema: SchemaRef,
    /// For each partition spec the ids of the columns that it has as they are: their values may stand
    /// in the metadata alone.
    pub(crate) identities: HashMap<i32, HashSet<i32>>,
}

/// The rows of files of one table. One file at a time is in memory. Ends at the first that cannot be read.
pub(crate) fn rows(
    files: &TableFiles,
    found: Vec<FoundFile>,
    wanted: Wanted,
) -> BoxStream<'static, Result<RecordBatch>> {
    let (files, wanted) = (files.clone(), Arc::new(wanted));
    let batches = futures::stream::iter(found).then(move |file| {
        let (files, wanted) = (files.clone(), Arc::clone(&wanted));
        async move {
            let bytes = files.read(&file.location).await?;
            let batches = file_rows(files.name(), file, bytes, &wanted)?;
            Ok::<_, Error>(futures::stream::iter(batches))
        }
    });
    batches.try_flatten().boxed()
}

/// The rows of the data file with these bytes.
fn file_rows(
    table: &str,
    file: FoundFile,
    bytes: Bytes,
    wanted: &Wanted,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let location = file.location;
    let opened = decode(&location, || ParquetRecordBatchReaderBuilder::try_new(bytes))?;
    let there = opened.schema().fields().clone();
    wanted.check(table, file.spec_id, &there)?;
    let schema = SchemaRef::clone(&wanted.schema);
    let is_wanted = |field: &FieldRef| schema.fields().iter().any(|want| is_same(want, field));
    let roots = there.iter().enumerate().filter(|(_, field)| is_wanted(field));
    let roots: Vec<_> = roots.map(|(root, _)| root).collect();
    let columns = ProjectionMask::roots(opened.parquet_schema(), roots);
    let mut reader = Some(decode(&location, || opened.with_projection(columns).build())?);
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

impl Wanted {
    /// Refuses a file whose partition has values that are wanted and that are not in it.
    fn check(&self, table: &str, spec_id: i32, there: &Fields) -> Result<(), IcebergError> {
        let Some(identities) = self.identities.get(&spec_id) else { return Ok(()) };
        let id = |want: &Field| want.metadata().get(FIELD_ID)?.parse::<i32>().ok();
        let is_identity = |want: &Field| id(want).is_some_and(|id| identities.contains(&id));
        let is_there = |want: &Field| there.iter().any(|field| is_same(want, field));
        if self.schema.fields().iter().all(|want| is_there(want) || !is_identity(want)) {
            return Ok(());
        }
        let feature = "has files without the columns that these are partitioned by".to_owned();
        Err(IcebergError::Feature { table: table.to_owned(), feature })
    }
}

/// Whether a column of a file is the one that is wanted: by its id, or by its name where it has none.
fn is_same(want: &Field, field: &Field) -> bool {
    match field.metadata().get(FIELD_ID) {
        Some(id) => want.metadata().get(FIELD_ID) == Some(id),
        None => want.name() == field.name(),
    }
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
        let same = |(field, _): &(&FieldRef, _)| is_same(want, field);
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
