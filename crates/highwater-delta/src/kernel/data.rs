//! The rows of single files, as they lie there, and which of them are deleted.

use std::fmt;
use std::sync::Arc;

use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::actions::deletion_vector_writer::{
    KernelDeletionVector, StreamingDeletionVectorWriter,
};
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel::schema::StructType;
use delta_kernel::{Engine, Error as KernelError, FileMeta};
use highwater_core::Result;
use tokio::task::spawn_blocking;

use super::batches::Batches;
use super::{ROOT, cut_off, data_engine, failed};
use crate::actions::Metadata;
use crate::error::Cause;
use crate::files::{DataFile, DeletionVector};
use crate::log::Log;

/// Reads files of one table.
#[derive(Clone)]
pub(crate) struct Files {
    engine: Arc<dyn Engine>,
    table: String,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.table).finish()
    }
}

impl Files {
    pub(crate) fn new(log: &Log) -> Self {
        Self { engine: data_engine(log.table()), table: log.name().to_owned() }
    }

    /// All rows of a file in their order, deleted ones too: those of its `columns` that the table has by
    /// `metadata`. Columns that the file does not have are null.
    pub(crate) fn rows(
        &self,
        file: &DataFile,
        metadata: &Metadata,
        columns: Vec<String>,
    ) -> Batches {
        let (engine, file, metadata) = (Arc::clone(&self.engine), file.clone(), metadata.clone());
        Batches::read_by_kernel(self.table.clone(), move |wanted| {
            let schema: StructType = serde_json::from_str(&metadata.schema_string)?;
            let file = FileMeta {
                location: format!("{ROOT}{}", file.path).parse()?,
                last_modified: file.modification_time,
                size: file.size,
            };
            let schema = schema.project(&columns)?;
            for batch in engine.parquet_handler().read_parquet_files(&[file], schema, None)? {
                if !wanted(batch.and_then(|batch| batch.try_into_record_batch())?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The numbers of the rows that a deletion vector has, growing.
    ///
    /// # Errors
    /// As of [`newest`](super::newest).
    pub(crate) async fn deleted(&self, vector: &DeletionVector) -> Result<Vec<u64>> {
        let (engine, vector) = (Arc::clone(&self.engine), vector.clone());
        let read = move || -> Result<Vec<u64>, KernelError> {
            let DeletionVector { storage_type, path_or_inline_dv, offset, .. } = vector;
            let (size, cardinality) = (vector.size_in_bytes, vector.cardinality);
            let kind = storage_type.parse()?;
            DeletionVectorDescriptor::try_new(kind, path_or_inline_dv, offset, size, cardinality)?
                .row_indexes(engine.storage_handler(), &ROOT.parse()?)
        };
        match spawn_blocking(read).await {
            Ok(rows) => rows.map_err(|cause| failed(self.table.clone(), cause)),
            Err(cause) => Err(cut_off(self.table.clone(), cause)),
        }
    }
}

/// Rows of a file that are deleted, as a compressed bitmap.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeletedRows(KernelDeletionVector);

/// Where a deletion vector is within its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) offset: i32,
    pub(crate) size_in_bytes: i32,
    pub(crate) cardinality: i64,
}

impl DeletedRows {
    pub(crate) fn add(&mut self, rows: &[u64]) {
        self.0.add_deleted_row_indexes(rows);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.cardinality()
    }
}

/// The bytes of a file of deletion vectors, and where each of them is.
///
/// # Errors
/// More than 2 GiB.
pub(crate) fn encode<'a>(
    vectors: impl IntoIterator<Item = &'a DeletedRows>,
) -> Result<(Vec<u8>, Vec<Encoded>), Cause> {
    let (mut bytes, mut all) = (Vec::new(), Vec::new());
    let mut writer = StreamingDeletionVectorWriter::new(&mut bytes);
    for vector in vectors {
        let written = writer.write_deletion_vector(vector.0.clone())?;
        all.push(Encoded {
            offset: written.offset,
            size_in_bytes: written.size_in_bytes,
            cardinality: written.cardinality,
        });
    }
    writer.finalize()?;
    Ok((bytes, all))
}
