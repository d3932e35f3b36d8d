//! Files as their readers see them.
#![cfg(test)]

mod encodings;
mod files;
mod footer;
mod metrics;
mod rejected;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_core::Result;
use highwater_parquet::{FileOptions, FileReport, FileWriter};
use highwater_storage::Storage;

/// A field with a field id.
pub(crate) fn field(id: i32, name: &str, of: DataType, nullable: bool) -> Field {
    let id = HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())]);
    Field::new(name, of, nullable).with_metadata(id)
}

/// A schema of top-level fields.
pub(crate) fn schema<const N: usize>(fields: [Field; N]) -> SchemaRef {
    Arc::new(Schema::new(fields.to_vec()))
}

/// A number that looks drawn by lot.
pub(crate) fn lot(of: u64) -> u64 {
    let bits = of.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8
}

/// Writes batches as one file in memory.
pub(crate) fn written(
    schema: &SchemaRef,
    options: &FileOptions,
    batches: &[RecordBatch],
) -> Result<(FileReport, bytes::Bytes)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let storage = Storage::memory();
        let mut file = FileWriter::try_new(Arc::clone(schema), options, storage.upload("a"))?;
        for batch in batches {
            file.write(batch)?;
            file.ready().await?;
        }
        let report = file.finish().await?;
        Ok((report, storage.read("a").await?.unwrap()))
    })
}
