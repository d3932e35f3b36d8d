//! Schemas of Arrow as schemas of tables, and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema, TimeUnit};
use iceberg::arrow::type_to_arrow_type;
use iceberg::spec::{NestedField, NestedFieldRef, PrimitiveType, Schema, StructType, Type};

use crate::error::IcebergError;
use crate::target::FIELD_ID;

/// The schema of a table for rows of `input`. Its field ids are for the moment only: whoever makes
/// the table assigns fresh ones.
///
/// # Errors
/// A column that has no Iceberg type, or that stands twice.
pub(crate) fn table_schema(table: &str, input: &ArrowSchema) -> Result<Schema, IcebergError> {
    let mut last = 0;
    let fields = struct_fields(table, "", input.fields(), &mut last)?;
    Schema::builder()
        .with_fields(fields)
        .build()
        .map_err(|cause| IcebergError::Metadata { table: table.to_owned(), source: cause.into() })
}

fn struct_fields(
    table: &str,
    above: &str,
    fields: &Fields,
    last: &mut i32,
) -> Result<Vec<NestedFieldRef>, IcebergError> {
    let mut names = HashSet::new();
    let twice = fields.iter().find(|field| !names.insert(field.name().as_str()));
    if fields.is_empty() || twice.is_some() {
        let column = twice.map_or(above.to_owned(), |field| format!("{above}{}", field.name()));
        return Err(IcebergError::ColumnNames { table: table.to_owned(), column });
    }
    let of = |field: &Arc<Field>| {
        *last += 1;
        let id = *last;
        let kind = match (field.data_type(), primitive(field.data_type())) {
            (_, Some(kind)) => Type::Primitive(kind),
            (DataType::Struct(below), None) => {
                let path = format!("{above}{}.", field.name());
                Type::Struct(StructType::new(struct_fields(table, &path, below, last)?))
            }
            (other, None) => {
                return Err(IcebergError::ColumnType {
                    table: table.to_owned(),
                    column: format!("{above}{}", field.name()),
                    found: other.to_string(),
                });
            }
        };
        Ok(Arc::new(NestedField::new(id, field.name(), kind, !field.is_nullable())))
    };
    fields.iter().map(of).collect()
}

/// The Iceberg type of an Arrow type without parts.
fn primitive(kind: &DataType) -> Option<PrimitiveType> {
    Some(match kind {
        DataType::Boolean => PrimitiveType::Boolean,
        DataType::Int32 => PrimitiveType::Int,
        DataType::Int64 => PrimitiveType::Long,
        DataType::Float32 => PrimitiveType::Float,
        DataType::Float64 => PrimitiveType::Double,
        DataType::Decimal128(precision, scale) => {
            let scale = u32::try_from(*scale).ok().filter(|scale| *scale <= u32::from(*precision));
            PrimitiveType::Decimal { precision: u32::from(*precision), scale: scale? }
        }
        DataType::Date32 => PrimitiveType::Date,
        DataType::Timestamp(TimeUnit::Microsecond, None) => PrimitiveType::Timestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone))
            if matches!(&**zone, "+00:00" | "UTC") =>
        {
            PrimitiveType::Timestamptz
        }
        DataType::Utf8 => PrimitiveType::String,
        DataType::Binary => PrimitiveType::Binary,
        DataType::FixedSizeBinary(length) => PrimitiveType::Fixed(u64::try_from(*length).ok()?),
        _ => return None,
    })
}

/// The Arrow schema in which the rows of a table are read, with the field ids as metadata.
pub(crate) fn read_schema(schema: &Schema) -> iceberg::Result<ArrowSchema> {
    Ok(ArrowSchema::new(read_fields(schema.as_struct())?))
}

fn read_fields(fields: &StructType) -> iceberg::Result<Fields> {
    let read = |field: &NestedFieldRef| {
        let kind = match &*field.field_type {
            Type::Struct(below) => DataType::Struct(read_fields(below)?),
            Type::Primitive(PrimitiveType::Binary) => DataType::Binary,
            other => type_to_arrow_type(other)?,
        };
        let id = HashMap::from([(FIELD_ID.to_owned(), field.id.to_string())]);
        Ok(Field::new(&field.name, kind, !field.required).with_metadata(id))
    };
    fields.fields().iter().map(read).collect()
}
