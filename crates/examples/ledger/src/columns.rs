//! What a transaction looks like: as it comes in, and as it stands in the ledger.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use highwater_cli::beside;
use highwater_codec::{Column, Columns, Semantics, Type, sha256_concat_ws};
use highwater_core::SourceColumns;
use highwater_pipeline::{MapContext, MapResult};

const UTC: &str = "+00:00";
/// What the hash of a transaction is made of, in this order.
const HASHED: [&str; 5] =
    ["transaction_id", "account_from", "account_to", "amount_text", "currency"];

/// The columns of a transaction as it comes in. Its amount is read twice: as the text to be hashed,
/// and as the number.
pub(crate) fn transactions() -> Columns {
    Columns::new()
        .required("transaction_id", Type::Text)
        .optional("account_from", Type::Text)
        .optional("account_to", Type::Text)
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("amount", Type::Decimal(18, 2))
        .optional("currency", Type::Text)
        .optional("transaction_type", Type::Text)
        .column(Column::required("event_timestamp", Type::Timestamp).key("timestamp"))
}

/// The columns of the ledger, with the place each row came from at the end if asked for. By the rules
/// of Spark any of them may be null.
pub(crate) fn ledger(semantics: Semantics, source_columns: bool) -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    let optional = semantics == Semantics::Spark;
    let schema = Schema::new(vec![
        Field::new("transaction_id", DataType::Utf8, optional),
        Field::new("account_from", DataType::Utf8, true),
        Field::new("account_to", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), optional),
        Field::new("currency", DataType::Utf8, true),
        Field::new("transaction_type", DataType::Utf8, true),
        Field::new("transaction_hash", DataType::Utf8, optional),
        Field::new("event_timestamp", time(), optional),
        Field::new("processing_time", time(), optional),
    ]);
    if source_columns { SourceColumns::behind(&schema) } else { Arc::new(schema) }
}

/// The table of records that could not become rows of `table`.
pub(crate) fn rejected(table: &str) -> String {
    beside(table, "rejected")
}

/// The table of transactions that came too late to be compared with those of `table`.
pub(crate) fn late(table: &str) -> String {
    beside(table, "late")
}

/// Rows of the ledger, which has the columns of `schema`, from transactions: a hash of each, and the
/// time at which its epoch was planned.
pub(crate) fn to_ledger(
    schema: &SchemaRef,
    rows: &RecordBatch,
    cx: &MapContext<'_>,
) -> MapResult<RecordBatch> {
    let hashed: Vec<&dyn Array> = HASHED
        .iter()
        .map(|name| column(rows, name).map(AsRef::as_ref))
        .collect::<Result<_, _>>()?;
    let hash: ArrayRef = Arc::new(sha256_concat_ws("|", &hashed)?);
    let now = TimestampMicrosecondArray::from_value(cx.now().0, rows.num_rows());
    let now: ArrayRef = Arc::new(now.with_timezone(UTC));
    let value = |field: &Arc<Field>| match field.name().as_str() {
        "transaction_hash" => Ok(Arc::clone(&hash)),
        "processing_time" => Ok(Arc::clone(&now)),
        name => column(rows, name).cloned(),
    };
    let columns = schema.fields().iter().map(value).collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    rows.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}
