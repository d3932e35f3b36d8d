//! Sort orders of tables.

use std::collections::HashSet;

use iceberg::spec::{
    NullOrder, Schema, SortDirection, SortField as TableField, SortOrder, Transform,
};

use super::transform::is_usable;
use crate::error::{Cause, IcebergError};
use crate::sort::SortField;
use crate::target::{SortTarget, SortedBy};

/// The order of a new table of the schema `schema` whose files are sorted by `fields`.
///
/// # Errors
/// [`IcebergError::SortField`] for the first field that rows cannot be sorted by.
pub(crate) fn sort_order(
    table: &str,
    schema: &Schema,
    fields: &[SortField],
) -> Result<SortOrder, IcebergError> {
    let mut columns = HashSet::new();
    let mut builder = SortOrder::builder();
    for field in fields {
        let failed = |problem: String| IcebergError::SortField {
            table: table.to_owned(),
            field: field.to_string(),
            source: Cause::from(problem),
        };
        let Some(column) = schema.field_by_name(&field.column) else {
            return Err(failed(format!("there is no column {}", field.column)));
        };
        if !column.field_type.is_primitive() {
            return Err(failed(format!("{} is {}", field.column, column.field_type)));
        }
        if !columns.insert(column.id) {
            return Err(failed("the column stands before already".to_owned()));
        }
        builder.with_sort_field(TableField {
            source_id: column.id,
            transform: Transform::Identity,
            direction: match field.descending {
                true => SortDirection::Descending,
                false => SortDirection::Ascending,
            },
            null_order: if field.nulls_first { NullOrder::First } else { NullOrder::Last },
        });
    }
    builder
        .build(schema)
        .map_err(|cause| IcebergError::Metadata { table: table.to_owned(), source: cause.into() })
}

/// The order as writers have to know it; none when rows need not be sorted, or cannot be: an order is
/// a wish, and files that do not claim it are as good.
pub(crate) fn sort_target(order: &SortOrder) -> Option<SortTarget> {
    if order.is_unsorted() || order.fields.iter().any(|field| !is_usable(field.transform)) {
        return None;
    }
    let by = |field: &TableField| SortedBy {
        source: field.source_id,
        transform: field.transform.to_string(),
        descending: field.direction == SortDirection::Descending,
        nulls_first: field.null_order == NullOrder::First,
    };
    let fields = order.fields.iter().map(by).collect();
    Some(SortTarget { order: i32::try_from(order.order_id).ok()?, fields })
}
