//! Bounds of columns in the form of manifests.
//!
//! Source: <https://iceberg.apache.org/spec/#binary-single-value-serialization>

use highwater_parquet::Bound;
use iceberg::spec::{Datum, PrimitiveType};

/// `bound` as a value of a column of `kind`; none when it is no such value.
pub(crate) fn datum(bound: &Bound, kind: &PrimitiveType) -> Option<Datum> {
    let bytes = match (bound, kind) {
        (Bound::Boolean(value), PrimitiveType::Boolean) => vec![u8::from(*value)],
        (Bound::Int(value), PrimitiveType::Int | PrimitiveType::Date) => {
            value.to_le_bytes().to_vec()
        }
        (
            Bound::Long(value),
            PrimitiveType::Long | PrimitiveType::Timestamp | PrimitiveType::Timestamptz,
        ) => value.to_le_bytes().to_vec(),
        // Columns may have been widened since the file was written.
        (Bound::Int(value), PrimitiveType::Long) => i64::from(*value).to_le_bytes().to_vec(),
        (Bound::Float(value), PrimitiveType::Double) => f64::from(*value).to_le_bytes().to_vec(),
        (Bound::Float(value), PrimitiveType::Float) => value.to_le_bytes().to_vec(),
        (Bound::Double(value), PrimitiveType::Double) => value.to_le_bytes().to_vec(),
        (Bound::Decimal(value), PrimitiveType::Decimal { .. }) => value.to_be_bytes().to_vec(),
        (Bound::Text(value), PrimitiveType::String) => value.as_bytes().to_vec(),
        (Bound::Bytes(value), PrimitiveType::Binary) => value.clone(),
        // Bounds are cut to some bytes, and readers refuse a fixed value of another length.
        (Bound::Bytes(value), PrimitiveType::Fixed(length))
            if u64::try_from(value.len()) == Ok(*length) =>
        {
            value.clone()
        }
        _ => return None,
    };
    Datum::try_from_bytes(&bytes, kind.clone()).ok()
}

#[cfg(test)]
mod tests;
