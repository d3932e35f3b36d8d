//! One Parquet file, encoded here and uploaded behind.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use highwater_core::Result;
use highwater_storage::Upload;
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::SchemaDescriptor;

use crate::group::Groups;
use crate::leaf::{Leaf, count_nans, foreign, leaves};
use crate::pieces::Pieces;
use crate::profile::SAMPLE_ROWS;
use crate::{FileError, FileOptions, FileReport};

/// One Parquet file that is being written. Visible and durable only once [`finish`](Self::finish) has
/// returned; dropped before, nothing of it is left.
///
/// [`write`](Self::write) encodes on the calling thread and never waits. Between batches
/// [`ready`](Self::ready) waits for the upload, which bounds the memory.
///
/// # Example
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Array, RecordBatch};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use highwater_parquet::{Bound, FileOptions, FileWriter};
/// use highwater_storage::Storage;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let id = HashMap::from([("PARQUET:field_id".to_owned(), "1".to_owned())]);
/// let field = Field::new("amount", DataType::Int64, false).with_metadata(id);
/// let schema = Arc::new(Schema::new(vec![field]));
///
/// let upload = Storage::memory().upload("data/0.parquet");
/// let mut file = FileWriter::try_new(Arc::clone(&schema), &FileOptions::default(), upload)?;
/// let column = Arc::new(Int64Array::from(vec![5, -3, 8]));
/// file.write(&RecordBatch::try_new(schema, vec![column]).unwrap())?;
/// file.ready().await?;
/// let report = file.finish().await?;
///
/// assert_eq!(report.rows, 3);
/// assert_eq!(report.columns[0].lower, Some(Bound::Long(-3)));
/// # Ok::<_, highwater_core::Error>(()) }).unwrap();
/// ```
pub struct FileWriter {
    schema: SchemaRef,
    descriptor: SchemaDescriptor,
    leaves: Vec<Leaf>,
    location: String,
    options: FileOptions,
    properties: WriterPropertiesBuilder,
    stage: Stage,
}

/// How far a file is.
enum Stage {
    /// The first rows are collected: they decide how columns are encoded.
    Sampling { pieces: Box<Pieces>, sample: Vec<RecordBatch> },
    /// Rows are encoded as they come.
    Encoding(Box<Groups>),
    /// An error has ended it.
    Failed,
}

impl FileWriter {
    /// Begins a file of `schema` in `upload`. Every leaf column has its field id as `PARQUET:field_id`
    /// in the metadata of its field, unless the options ask for none; ids of lists, maps and structs
    /// are written where they are given.
    ///
    /// # Errors
    /// `Invalid` when a type is none that tables have, a leaf column has no field id of its own, or an
    /// option is out of range.
    pub fn try_new(schema: SchemaRef, options: &FileOptions, upload: Upload) -> Result<Self> {
        let location = upload.location();
        let properties = options.properties()?;
        if let Some(field) = schema.fields().iter().find_map(|field| foreign(field)) {
            let (column, found) = (field.name().clone(), field.data_type().clone());
            return Err(FileError::Foreign { location, column, found }.into());
        }
        let converted = ArrowSchemaConverter::new()
            .with_coerce_types(true)
            .convert(&schema)
            .map_err(|source| FileError::Schema { location: location.clone(), source })?;
        Ok(Self {
            schema,
            leaves: leaves(&converted, &location, options.numbered)?,
            descriptor: converted,
            location,
            options: options.clone(),
            properties,
            stage: Stage::Sampling { pieces: Box::new(Pieces::new(upload)), sample: Vec::new() },
        })
    }

    /// Encodes rows. Their types are those of the schema; names and metadata do not matter.
    ///
    /// # Errors
    /// `Invalid` when the rows do not fit the schema: the file can go on without them. After
    /// `Internal` it cannot.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.check(rows)?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        count_nans(&mut self.leaves, rows);
        match &mut self.stage {
            Stage::Encoding(encoder) => {
                let encoded = encoder.write(rows);
                encoded.map_err(|source| self.failed(source))?;
            }
            Stage::Sampling { sample, .. } => {
                sample.push(rows.clone());
                if sample.iter().map(RecordBatch::num_rows).sum::<usize>() >= SAMPLE_ROWS {
                    self.encoder()?;
                }
            }
            Stage::Failed => {
                return Err(FileError::Failed { location: self.location.clone() }.into());
            }
        }
        Ok(())
    }

    /// The bytes written so far and an estimate of those that are still being encoded, to decide when
    /// a file is large enough.
    pub fn bytes(&self) -> u64 {
        let bytes = match &self.stage {
            Stage::Sampling { sample, .. } => {
                sample.iter().map(RecordBatch::get_array_memory_size).sum()
            }
            Stage::Encoding(encoder) => encoder.bytes(),
            Stage::Failed => 0,
        };
        bytes as u64
    }

    /// An estimate of the memory that the file takes: rows that decide or are being encoded, and
    /// encoded bytes that are not on their way yet. What is being uploaded comes on top of it.
    pub fn memory(&self) -> usize {
        match &self.stage {
            Stage::Sampling { sample, pieces } => {
                let rows: usize = sample.iter().map(RecordBatch::get_array_memory_size).sum();
                rows.saturating_add(pieces.memory())
            }
            Stage::Encoding(encoder) => encoder.memory(),
            Stage::Failed => 0,
        }
    }

    /// Waits until little enough is on its way.
    ///
    /// # Errors
    /// As of [`Storage`](highwater_storage::Storage), for the whole file.
    pub async fn ready(&mut self) -> Result<()> {
        match &mut self.stage {
            Stage::Sampling { pieces, .. } => pieces.ready().await,
            Stage::Encoding(encoder) => encoder.pieces().ready().await,
            Stage::Failed => Ok(()),
        }
    }

    /// Writes the footer and waits until the file is durable. A file without rows is a valid one.
    ///
    /// # Errors
    /// As of [`Storage`](highwater_storage::Storage); `Internal` when encoding fails.
    pub async fn finish(mut self) -> Result<FileReport> {
        let encoder = self.encoder()?;
        let finished = encoder.finish();
        let metadata = match finished {
            Ok(metadata) => metadata,
            Err(source) => return Err(self.failed(source).into()),
        };
        let bytes = self.encoder()?.pieces().finish().await?;
        Ok(FileReport::new(&metadata, &self.leaves, bytes))
    }

    /// The encoder, made from the sample if there is none yet.
    fn encoder(&mut self) -> Result<&mut Groups, FileError> {
        if let Stage::Sampling { .. } = &self.stage {
            let Stage::Sampling { pieces, sample } =
                std::mem::replace(&mut self.stage, Stage::Failed)
            else {
                return Err(FileError::Failed { location: self.location.clone() });
            };
            let encoder = self.start(*pieces, &sample).map_err(|source| self.failed(source))?;
            self.stage = Stage::Encoding(Box::new(encoder));
        }
        match &mut self.stage {
            Stage::Encoding(encoder) => Ok(encoder),
            _ => Err(FileError::Failed { location: self.location.clone() }),
        }
    }

    fn start(&self, pieces: Pieces, sample: &[RecordBatch]) -> Result<Groups, ParquetError> {
        let schema = Arc::clone(&self.schema);
        let properties = self.properties.clone();
        let mut encoder =
            Groups::try_new(pieces, schema, &self.descriptor, &self.options, properties, sample)?;
        sample.iter().try_for_each(|rows| encoder.write(rows))?;
        Ok(encoder)
    }

    fn failed(&mut self, source: ParquetError) -> FileError {
        self.stage = Stage::Failed;
        FileError::Encode { location: self.location.clone(), source }
    }

    fn check(&self, rows: &RecordBatch) -> Result<(), FileError> {
        let (expected, found) = (self.schema.fields().len(), rows.num_columns());
        if expected != found {
            return Err(FileError::Width { location: self.location.clone(), expected, found });
        }
        for (field, column) in self.schema.fields().iter().zip(rows.columns()) {
            let location = || self.location.clone();
            if !field.data_type().equals_datatype(column.data_type()) {
                return Err(FileError::Type {
                    location: location(),
                    column: field.name().clone(),
                    expected: field.data_type().clone(),
                    found: column.data_type().clone(),
                });
            }
            let nulls = column.logical_null_count();
            if !field.is_nullable() && nulls > 0 {
                let column = field.name().clone();
                return Err(FileError::Nulls { location: location(), column, nulls });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWriter")
            .field("location", &self.location)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
