//! Where and how files are staged: what a plan carries, so that workers load nothing.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

/// The key of a field id in the metadata of an Arrow field.
pub(crate) const FIELD_ID: &str = "PARQUET:field_id";

/// The id of a column, and those of its parts, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldId {
    pub(crate) id: i32,
    /// The type of the table, where it is wider than that of the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) widened: Option<Widened>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Self>,
}

/// A type that holds every value of the rows' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Widened {
    Long,
    Double,
    /// A decimal of this precision, and the scale of the rows.
    Decimal(u8),
}

impl Widened {
    fn of(self, kind: &DataType) -> DataType {
        match (self, kind) {
            (Self::Long, _) => DataType::Int64,
            (Self::Double, _) => DataType::Float64,
            (Self::Decimal(precision), DataType::Decimal128(_, scale)) => {
                DataType::Decimal128(precision, *scale)
            }
            (Self::Decimal(_), other) => other.clone(),
        }
    }
}

impl FieldId {
    /// The ids of the columns that are written, those of structs left out.
    pub(crate) fn leaves(fields: &[Self]) -> Vec<i32> {
        let of = |field: &Self| match field.children.is_empty() {
            true => vec![field.id],
            false => Self::leaves(&field.children),
        };
        fields.iter().flat_map(of).collect()
    }
}

/// What the writers of an epoch have to know of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableTarget {
    /// The directory of data files, within the warehouse.
    pub(crate) data: String,
    pub(crate) schema_id: i32,
    pub(crate) spec_id: i32,
    /// What makes the partition of a row; nothing in a table without partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) partition: Vec<PartitionTarget>,
    /// How files are sorted; not at all, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort: Option<SortTarget>,
    pub(crate) fields: Vec<FieldId>,
    pub(crate) codec: Codec,
    #[serde(default)]
    pub(crate) profile: Profile,
    /// Files are closed at about this length.
    pub(crate) file_bytes: u64,
    pub(crate) row_group_bytes: Option<u64>,
}

/// A field of the partition spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionTarget {
    pub(crate) name: String,
    /// The id of the column it is made from.
    pub(crate) source: i32,
    /// As table metadata writes it, such as `bucket[16]`.
    pub(crate) transform: String,
}

/// A sort order of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SortTarget {
    /// Its id.
    pub(crate) order: i32,
    pub(crate) fields: Vec<SortedBy>,
}

/// A field of a sort order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SortedBy {
    /// The id of the column it is made from.
    pub(crate) source: i32,
    /// As table metadata writes it.
    pub(crate) transform: String,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// How pages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Codec {
    Uncompressed,
    Snappy,
    Zstd(i32),
}

/// Which encodings pages have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    #[default]
    Compact,
    Compatible,
}

/// Where the column with the field id `source` is among `fields`: an index for each struct on the way.
pub(crate) fn path_to(fields: &[FieldId], source: i32) -> Option<Vec<usize>> {
    fields.iter().enumerate().find_map(|(at, field)| {
        if field.id == source {
            return Some(vec![at]);
        }
        Some([vec![at], path_to(&field.children, source)?].concat())
    })
}

/// `schema` with the ids and types of a table; none when they are ids of other columns.
pub(crate) fn with_ids(schema: &Schema, ids: &[FieldId]) -> Option<SchemaRef> {
    Some(Arc::new(Schema::new(fields_with_ids(schema.fields(), ids)?)))
}

/// `rows` in the types of `schema`, which are as wide or wider.
pub(crate) fn widen(rows: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let same = |(column, field): (&ArrayRef, &FieldRef)| {
        column.data_type().equals_datatype(field.data_type())
    };
    let (fields, columns) = (schema.fields(), rows.columns());
    if columns.len() != fields.len() || columns.iter().zip(fields).all(same) {
        return Ok(rows);
    }
    let wide = |(column, field): (&ArrayRef, &FieldRef)| match same((column, field)) {
        true => Ok(Arc::clone(column)),
        false => cast(column, field.data_type()),
    };
    let columns = columns.iter().zip(fields).map(wide).collect::<Result<_, _>>()?;
    RecordBatch::try_new(SchemaRef::clone(schema), columns)
}

fn fields_with_ids(fields: &Fields, ids: &[FieldId]) -> Option<Fields> {
    if fields.len() != ids.len() {
        return None;
    }
    let with_id = |(field, id): (&FieldRef, &FieldId)| {
        let kind = match field.data_type() {
            DataType::Struct(below) => DataType::Struct(fields_with_ids(below, &id.children)?),
            kind => id.widened.map_or_else(|| kind.clone(), |wide| wide.of(kind)),
        };
        let metadata = HashMap::from([(FIELD_ID.to_owned(), id.id.to_string())]);
        Some(Field::new(field.name(), kind, field.is_nullable()).with_metadata(metadata))
    };
    fields.iter().zip(ids).map(with_id).collect()
}
