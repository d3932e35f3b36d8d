//! Staged files as the entries of manifests.

use std::collections::HashSet;

use highwater_core::Staged;
use highwater_parquet::{Bound, FileReport};
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, PrimitiveType};
use serde::{Deserialize, Serialize};

use super::TableState;
use super::bounds::datum;
use super::partition::tuple;
use crate::error::{Cause, IcebergError};

/// What a commit has to know of a staged file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StagedDetail {
    /// The partition spec it was written under.
    pub(crate) spec_id: i32,
    /// The values of its partition, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) partition: Vec<Option<Bound>>,
    /// The sort order it is sorted by, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_order: Option<i32>,
    /// What is in it.
    pub(crate) report: FileReport,
}

/// The manifest entry of `staged`. Columns that the table has no longer are left out of the metrics.
///
/// # Errors
/// [`IcebergError::SpecRemoved`] when the table does not know the partition spec any more, and
/// [`IcebergError::StagedBefore`] when the file lacks a column that is `needed`: nobody would see that
/// its values are gone.
pub(crate) fn data_file(
    sink: &str,
    staged: &Staged,
    state: &TableState,
    needed: &[i32],
) -> Result<(i32, DataFile), IcebergError> {
    let foreign = |cause: Cause| IcebergError::Foreign {
        what: "description of a staged file",
        sink: sink.to_owned(),
        source: cause,
    };
    let StagedDetail { spec_id, partition, sort_order, report } =
        serde_json::from_str(&staged.detail).map_err(|cause| foreign(cause.into()))?;
    let written: HashSet<i32> = report.columns.iter().map(|column| column.field_id).collect();
    if let Some(id) = needed.iter().find(|id| !written.contains(id)) {
        let (table, location) = (state.table().to_owned(), staged.path.clone());
        return Err(IcebergError::StagedBefore { table, id: *id, location });
    }
    let (spec, schema) = state.spec_by_id(spec_id)?;
    let partition = tuple(&partition, spec, schema).map_err(foreign)?;
    let mut file = DataFileBuilder::default();
    file.content(DataContentType::Data)
        .file_path(staged.path.clone())
        .file_format(DataFileFormat::Parquet)
        .partition_spec_id(spec_id)
        .partition(partition)
        .record_count(staged.rows)
        .file_size_in_bytes(staged.bytes)
        .split_offsets(Some(report.split_offsets));
    if let Some(order) = sort_order.filter(|order| state.has_order(*order)) {
        file.sort_order_id(order);
    }
    let columns = || {
        report.columns.iter().filter_map(|column| {
            let kind = schema.field_by_id(column.field_id)?.field_type.as_primitive_type()?;
            Some((column, kind))
        })
    };
    let bounds = |upper: bool| {
        columns().filter_map(move |(column, kind): (_, &PrimitiveType)| {
            let bound = if upper { &column.upper } else { &column.lower };
            Some((column.field_id, datum(bound.as_ref()?, kind)?))
        })
    };
    file.column_sizes(columns().map(|(c, _)| (c.field_id, c.compressed_bytes)).collect())
        .value_counts(columns().map(|(c, _)| (c.field_id, c.values)).collect())
        .null_value_counts(columns().map(|(c, _)| (c.field_id, c.nulls)).collect())
        .nan_value_counts(columns().filter_map(|(c, _)| Some((c.field_id, c.nans?))).collect())
        .lower_bounds(bounds(false).collect())
        .upper_bounds(bounds(true).collect());
    Ok((spec_id, file.build().map_err(|cause| foreign(cause.into()))?))
}
