//! Columns of rows against the columns of a table that is there.
//!
//! A sink that opens a table finds its columns by name. From then on it knows them by field id: a
//! column that another engine renames is still the same one, and a column that was dropped and made
//! anew is another.
//!
//! Source: <https://iceberg.apache.org/spec/#schema-evolution>

use arrow::datatypes::Schema as ArrowSchema;
use iceberg::spec::{NestedFieldRef, PrimitiveType, Schema, StructType, Type};

use super::schema::table_schema;
use crate::error::{ColumnDifference, IcebergError};
use crate::target::{FieldId, Widened};

/// The ids of the columns of `input` in a table, in the order of `input`: those that are `known`, or
/// else those of the same names.
///
/// # Errors
/// [`IcebergError::Columns`] with everything that does not fit.
pub(crate) fn field_ids(
    table: &str,
    input: &ArrowSchema,
    theirs: &Schema,
    known: Option<&[FieldId]>,
) -> Result<Vec<FieldId>, IcebergError> {
    let ours = table_schema(table, input)?;
    let mut differences = Vec::new();
    let ids = found_in(ours.as_struct(), theirs.as_struct(), known, "", &mut differences);
    if differences.is_empty() {
        Ok(ids)
    } else {
        Err(IcebergError::Columns { table: table.to_owned(), differences })
    }
}

fn found_in(
    ours: &StructType,
    theirs: &StructType,
    known: Option<&[FieldId]>,
    above: &str,
    differences: &mut Vec<ColumnDifference>,
) -> Vec<FieldId> {
    let mut found = Vec::with_capacity(ours.fields().len());
    for (at, field) in ours.fields().iter().enumerate() {
        let column = format!("{above}{}", field.name);
        let known = known.and_then(|known| known.get(at));
        let same = |there: &&NestedFieldRef| match known {
            Some(known) => there.id == known.id,
            None => there.name == field.name,
        };
        let ours = field.field_type.to_string();
        let Some(there) = theirs.fields().iter().find(same) else {
            differences.push(match known {
                Some(known) => ColumnDifference::Dropped { column, id: known.id, ours },
                None => ColumnDifference::Missing { column, ours },
            });
            continue;
        };
        if there.required && !field.required {
            let theirs = there.field_type.to_string();
            let column = column.clone();
            differences.push(ColumnDifference::Required { column, theirs, given: true });
        }
        let mut id = FieldId { id: there.id, widened: None, children: Vec::new() };
        match (&*field.field_type, &*there.field_type) {
            (Type::Struct(ours), Type::Struct(theirs)) => {
                let (above, known) = (format!("{column}."), known.map(|known| &*known.children));
                id.children = found_in(ours, theirs, known, &above, differences);
            }
            (ours, theirs) if ours == theirs => {}
            (Type::Primitive(narrow), Type::Primitive(wide)) if widened(narrow, wide).is_some() => {
                id.widened = widened(narrow, wide);
            }
            (_, theirs) => {
                differences.push(ColumnDifference::Type {
                    column,
                    ours,
                    theirs: theirs.to_string(),
                });
            }
        }
        found.push(id);
    }
    for there in theirs.fields().iter().filter(|field| field.required) {
        let given = |ours: &NestedFieldRef| ours.name == there.name;
        let matched = found.iter().any(|id| id.id == there.id);
        if !matched && (known.is_some() || !ours.fields().iter().any(given)) {
            let (column, theirs) = (format!("{above}{}", there.name), there.field_type.to_string());
            differences.push(ColumnDifference::Required { column, theirs, given: false });
        }
    }
    found
}

/// How a value of the type `narrow` becomes one of the type `wide`, where every value does.
fn widened(narrow: &PrimitiveType, wide: &PrimitiveType) -> Option<Widened> {
    match (narrow, wide) {
        (PrimitiveType::Int, PrimitiveType::Long) => Some(Widened::Long),
        (PrimitiveType::Float, PrimitiveType::Double) => Some(Widened::Double),
        (
            PrimitiveType::Decimal { precision: from, scale },
            PrimitiveType::Decimal { precision: to, scale: same },
        ) if from < to && scale == same => Some(Widened::Decimal(u8::try_from(*to).ok()?)),
        _ => None,
    }
}
