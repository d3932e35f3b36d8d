//! Pipelines beside the ledger, for what only somebody else would do.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema};
use highwater_codec::{Column, Columns, Json, Type, sha256_concat_ws};
use highwater_datagen::{Generator, Transactions};
use highwater_iceberg::FileCatalog;
use highwater_pipeline::{MapResult, Options, Pipeline, Trigger};

use crate::binary::Ledger;

/// How another pipeline treats amounts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amounts {
    Kept,
    Negated,
}

/// Runs the pipeline `name` over `rows` transactions of seed 1 into tables like those of the ledger.
pub(crate) fn run(ledger: &Ledger, name: &str, rows: u64, amounts: Amounts) {
    let columns = Columns::new()
        .required("transaction_id", Type::Text)
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("amount", Type::Decimal(18, 2))
        .required("account_from", Type::Text)
        .required("account_to", Type::Text)
        .required("currency", Type::Text);
    let source = Generator::new(Transactions).rows(rows).decode(Json::try_new(columns).unwrap());
    let path = |path: &str| ledger.path(path).to_str().unwrap().to_owned();
    let catalog = FileCatalog::open(&path("data/warehouse")).unwrap();
    let pipeline = Pipeline::new(name);
    let transactions = pipeline.source("transactions", source);
    let rejected = catalog.table("demo.transactions_ledger_rejected").append();
    transactions.rejected().sink("rejected", rejected);
    let schema = Arc::new(Schema::new(vec![
        Field::new("transaction_id", DataType::Utf8, false),
        Field::new("transaction_hash", DataType::Utf8, false),
        Field::new("amount", DataType::Decimal128(18, 2), false),
    ]));
    let to_rows = Arc::clone(&schema);
    transactions
        .map_batches("rows", schema, move |rows, _| {
            let columns = columns_of(rows, amounts)?;
            Ok(RecordBatch::try_new(Arc::clone(&to_rows), columns)?)
        })
        .sink("ledger", catalog.table("demo.transactions_ledger").append());
    let options = Options::checkpoint(&path("data/checkpoint/ledger")).unwrap();
    let options = options.trigger(Trigger::available_now());
    pipeline.build().unwrap().run_blocking(options).unwrap();
}

fn columns_of(rows: &RecordBatch, amounts: Amounts) -> MapResult<Vec<ArrayRef>> {
    let hashed = ["transaction_id", "account_from", "account_to", "amount_text", "currency"];
    let hashed: Vec<&dyn Array> = hashed.iter().map(|name| rows[*name].as_ref()).collect();
    let hash = sha256_concat_ws("|", &hashed)?;
    let amount = rows["amount"].as_primitive::<Decimal128Type>();
    let amount: Decimal128Array = match amounts {
        Amounts::Kept => amount.clone(),
        Amounts::Negated => amount.unary::<_, Decimal128Type>(|cents| -cents),
    };
    let amount = amount.with_precision_and_scale(18, 2)?;
    Ok(vec![Arc::clone(&rows["transaction_id"]), Arc::new(hash), Arc::new(amount)])
}
