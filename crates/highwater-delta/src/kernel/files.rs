//! The files of a version, by a replay of its log.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type};
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel::schema::{DataType, MapType, SchemaRef, StructField, StructType};
use delta_kernel::{Engine, Error as KernelError};
use highwater_core::Result;
use tokio::task::spawn_blocking;

use super::{cut_off, engine, failed, snapshot};
use crate::files::{ActiveFiles, DataFile, DeletionVector};
use crate::log::Log;

/// The files of `version`.
///
/// # Errors
/// As of [`newest`](super::newest).
pub(crate) async fn files(log: &Log, version: u64) -> Result<ActiveFiles> {
    let (table, name) = (log.table().clone(), log.name().to_owned());
    match spawn_blocking(move || active(&*engine(&table), version)).await {
        Ok(files) => files.map_err(|cause| failed(name, cause)),
        Err(cause) => Err(cut_off(name, cause)),
    }
}

fn active(engine: &dyn Engine, version: u64) -> Result<ActiveFiles, KernelError> {
    let snapshot = snapshot(engine, Some(version))?;
    let mut seen = HashSet::new();
    let mut active = Vec::new();
    // The newest commits come first: what is said of a file first is what counts.
    for batch in snapshot.log_segment().read_actions(engine, actions()?)? {
        let rows = batch?.actions.try_into_record_batch()?;
        let (adds, removes) = (nested(&rows, "add"), nested(&rows, "remove"));
        for row in 0..rows.num_rows() {
            if let Some(removed) = removes.and_then(|removes| file(removes, row)) {
                seen.insert(identity(&removed));
            }
            let Some(added) = adds.and_then(|adds| file(adds, row)) else { continue };
            if seen.insert(identity(&added)) {
                active.push(added);
            }
        }
    }
    Ok(active.into_iter().collect())
}

/// The columns of `add` and `remove` actions that are read.
pub(super) fn actions() -> Result<SchemaRef, KernelError> {
    let texts = || MapType::new(DataType::STRING, DataType::STRING, true);
    let vector = StructType::try_new([
        StructField::nullable("storageType", DataType::STRING),
        StructField::nullable("pathOrInlineDv", DataType::STRING),
        StructField::nullable("offset", DataType::INTEGER),
        StructField::nullable("sizeInBytes", DataType::INTEGER),
        StructField::nullable("cardinality", DataType::LONG),
    ])?;
    let add = StructType::try_new([
        StructField::nullable("path", DataType::STRING),
        StructField::nullable("partitionValues", texts()),
        StructField::nullable("size", DataType::LONG),
        StructField::nullable("modificationTime", DataType::LONG),
        StructField::nullable("stats", DataType::STRING),
        StructField::nullable("tags", texts()),
        StructField::nullable("deletionVector", vector.clone()),
    ])?;
    let remove = StructType::try_new([
        StructField::nullable("path", DataType::STRING),
        StructField::nullable("deletionVector", vector),
    ])?;
    let actions = [StructField::nullable("add", add), StructField::nullable("remove", remove)];
    Ok(Arc::new(StructType::try_new(actions)?))
}

/// What tells a file, with its deletion vector, from others.
fn identity(file: &DataFile) -> (String, Option<(String, String, Option<i32>)>) {
    let vector = file.deletion_vector.as_ref();
    let vector =
        vector.map(|it| (it.storage_type.clone(), it.path_or_inline_dv.clone(), it.offset));
    (file.path.clone(), vector)
}

pub(super) fn nested<'a>(rows: &'a RecordBatch, name: &str) -> Option<&'a StructArray> {
    rows.column_by_name(name)?.as_struct_opt()
}

/// The file in a row of actions; none where there is another action.
pub(super) fn file(actions: &StructArray, row: usize) -> Option<DataFile> {
    if actions.is_null(row) {
        return None;
    }
    let long = |name| number::<Int64Type>(actions, name, row);
    Some(DataFile {
        path: text(actions, "path", row)?,
        partition_values: texts(actions, "partitionValues", row).unwrap_or_default(),
        size: long("size").and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        modification_time: long("modificationTime").unwrap_or_default(),
        stats: text(actions, "stats", row),
        tags: texts(actions, "tags", row),
        deletion_vector: vector(actions, row),
    })
}

fn vector(actions: &StructArray, row: usize) -> Option<DeletionVector> {
    let vectors = actions.column_by_name("deletionVector")?.as_struct_opt()?;
    if vectors.is_null(row) {
        return None;
    }
    Some(DeletionVector {
        storage_type: text(vectors, "storageType", row)?,
        path_or_inline_dv: text(vectors, "pathOrInlineDv", row)?,
        offset: number::<Int32Type>(vectors, "offset", row),
        size_in_bytes: number::<Int32Type>(vectors, "sizeInBytes", row)?,
        cardinality: number::<Int64Type>(vectors, "cardinality", row)?,
    })
}

fn text(of: &StructArray, name: &str, row: usize) -> Option<String> {
    let column = of.column_by_name(name)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row).to_owned())
}

fn number<T: ArrowPrimitiveType>(of: &StructArray, name: &str, row: usize) -> Option<T::Native> {
    let column = of.column_by_name(name)?.as_primitive_opt::<T>()?;
    column.is_valid(row).then(|| column.value(row))
}

fn texts(of: &StructArray, name: &str, row: usize) -> Option<BTreeMap<String, Option<String>>> {
    let column = of.column_by_name(name)?.as_map_opt()?;
    if column.is_null(row) {
        return None;
    }
    let entries = column.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let (keys, values) = (keys.as_string_opt::<i32>()?, values.as_string_opt::<i32>()?);
    let entry = |at| {
        let value = values.is_valid(at).then(|| values.value(at).to_owned());
        (keys.value(at).to_owned(), value)
    };
    Some((0..keys.len()).map(entry).collect())
}
