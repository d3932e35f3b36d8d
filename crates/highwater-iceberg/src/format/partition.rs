//! Partition specs and the tuples of data files.

use highwater_parquet::Bound;
use iceberg::spec::{Literal, PartitionSpec, Schema, Struct, Transform, UnboundPartitionSpec};

use super::bounds::datum;
use super::transform::is_usable;
use crate::error::{Cause, IcebergError};
use crate::partition::PartitionField;
use crate::target::PartitionTarget;

/// The spec of a new table of the schema `schema` whose rows are partitioned by `fields`.
///
/// # Errors
/// [`IcebergError::PartitionField`] for the first field that the table cannot be partitioned by.
pub(crate) fn partition_spec(
    table: &str,
    schema: &Schema,
    fields: &[PartitionField],
) -> Result<UnboundPartitionSpec, IcebergError> {
    let mut builder = PartitionSpec::builder(schema.clone());
    for field in fields {
        let failed = |source: Cause| IcebergError::PartitionField {
            table: table.to_owned(),
            field: field.to_string(),
            source,
        };
        let (name, transform) = (field.name(), Transform::from(field.kind));
        let Some(column) = schema.field_by_name(&field.column) else {
            return Err(failed(format!("there is no column {}", field.column).into()));
        };
        let kind = &column.field_type;
        if transform.result_type(kind).is_err() {
            return Err(failed(
                format!("{} is {kind}, which it does not take", column.name).into(),
            ));
        }
        if !is_usable(transform) {
            return Err(failed("it needs a number from 1 to 2147483647".into()));
        }
        if !is_avro_name(&name) {
            return Err(failed(unwritable(&name).into()));
        }
        builder = builder
            .add_partition_field(&field.column, name, transform)
            .map_err(|cause| failed(cause.into()))?;
    }
    let built = builder.build().map_err(|cause| IcebergError::Metadata {
        table: table.to_owned(),
        source: cause.into(),
    })?;
    Ok(built.into_unbound())
}

/// What keeps rows of a table from being written by `spec`, as the end of a sentence.
pub(crate) fn obstacle(spec: &PartitionSpec) -> Option<String> {
    spec.fields().iter().find_map(|field| {
        if !is_usable(field.transform) {
            Some(format!("is partitioned by the transform {}", field.transform))
        } else if !is_avro_name(&field.name) {
            Some(format!("is partitioned by {}: {}", field.name, unwritable(&field.name)))
        } else {
            None
        }
    })
}

/// The fields of `spec` as writers have to know them.
pub(crate) fn partition_targets(spec: &PartitionSpec) -> Vec<PartitionTarget> {
    let target = |field: &iceberg::spec::PartitionField| PartitionTarget {
        name: field.name.clone(),
        source: field.source_id,
        transform: field.transform.to_string(),
    };
    spec.fields().iter().map(target).collect()
}

/// The partition tuple of a file written by `spec`.
pub(crate) fn tuple(
    values: &[Option<Bound>],
    spec: &PartitionSpec,
    schema: &Schema,
) -> Result<Struct, Cause> {
    let kinds = spec.partition_type(schema)?;
    if kinds.fields().len() != values.len() {
        return Err(
            format!("{} values for the partition spec {}", values.len(), spec.spec_id()).into()
        );
    }
    let literal = |(value, field): (&Option<Bound>, &iceberg::spec::NestedFieldRef)| {
        let Some(value) = value else { return Ok(None) };
        let found = field.field_type.as_primitive_type().and_then(|kind| datum(value, kind));
        match found {
            Some(datum) => Ok(Some(Literal::from(datum))),
            None => Err(format!("{value:?} is no value of the partition field {}", field.name)),
        }
    };
    let literals = values.iter().zip(kinds.fields()).map(literal);
    Ok(literals.collect::<Result<Vec<_>, String>>()?.into_iter().collect())
}

/// Whether a manifest can have a field of this name: the crate that writes them does not replace
/// what Avro does not take.
fn is_avro_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn unwritable(name: &str) -> String {
    format!("highwater cannot write the name {name:?} into a manifest")
}

#[cfg(test)]
mod tests;
