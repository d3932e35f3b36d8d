//! Columns of rows against columns of a table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema, TimeUnit};
use iceberg::arrow::type_to_arrow_type;
use iceberg::spec::{NestedField, NestedFieldRef, PrimitiveType, Schema, StructType, Type};

use crate::error::IcebergError;
use crate::target::{FIELD_ID, FieldId};

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

/// The ids of the columns of `input` in a table, in the order of `input`.
///
/// # Errors
/// A column that the table does not have or has with another type, and a required column of the
/// table that the rows may leave empty.
pub(crate) fn field_ids(
    table: &str,
    input: &ArrowSchema,
    theirs: &Schema,
) -> Result<Vec<FieldId>, IcebergError> {
    let ours = table_schema(table, input)?;
    ids_of(table, "", ours.as_struct(), theirs.as_struct())
}

fn ids_of(
    table: &str,
    above: &str,
    ours: &StructType,
    theirs: &StructType,
) -> Result<Vec<FieldId>, IcebergError> {
    let by_name: HashMap<&str, &NestedFieldRef> =
        theirs.fields().iter().map(|field| (field.name.as_str(), field)).collect();
    let names: HashSet<&str> = ours.fields().iter().map(|field| field.name.as_str()).collect();
    let unfilled =
        theirs.fields().iter().find(|field| field.required && !names.contains(field.name.as_str()));
    if let Some(field) = unfilled {
        return Err(IcebergError::ColumnRequired {
            table: table.to_owned(),
            column: format!("{above}{}", field.name),
            ours: "absent".to_owned(),
            theirs: field.field_type.to_string(),
        });
    }
    let id_of = |field: &NestedFieldRef| {
        let column = format!("{above}{}", field.name);
        let Some(there) = by_name.get(field.name.as_str()) else {
            let ours = field.field_type.to_string();
            return Err(IcebergError::ColumnMissing { table: table.to_owned(), column, ours });
        };
        let children = match (&*field.field_type, &*there.field_type) {
            (Type::Struct(ours), Type::Struct(theirs)) => {
                ids_of(table, &format!("{column}."), ours, theirs)?
            }
            (ours, theirs) if ours == theirs => Vec::new(),
            (ours, theirs) => {
                let (ours, theirs) = (ours.to_string(), theirs.to_string());
                let table = table.to_owned();
                return Err(IcebergError::ColumnDiffers { table, column, ours, theirs });
            }
        };
        if there.required && !field.required {
            return Err(IcebergError::ColumnRequired {
                table: table.to_owned(),
                column,
                ours: format!("optional {}", field.field_type),
                theirs: there.field_type.to_string(),
            });
        }
        Ok(FieldId { id: there.id, children })
    };
    ours.fields().iter().map(id_of).collect()
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
