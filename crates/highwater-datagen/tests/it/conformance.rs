//! The generator does what every source must do.

use arrow::array::RecordBatch;
use highwater_codec::{Columns, Json, Type};
use highwater_core::Limits;
use highwater_datagen::{Generator, Transactions};
use highwater_testkit::conformance;

#[tokio::test]
async fn a_generator_is_a_source() {
    let columns = Columns::new()
        .required("transaction_id", Type::Text)
        .required("amount", Type::Decimal(18, 2))
        .required("timestamp", Type::Timestamp);
    let source = Generator::new(Transactions)
        .rows(3_000)
        .bad(0.05)
        .duplicates(0.1)
        .decode(Json::try_new(columns).unwrap())
        .source_columns();
    let mut limits = Limits::default();
    limits.records = 700;
    let read = conformance::source(&source, &limits).await;
    assert_eq!(read.records, 3_000);
    let rejected = read.rejected.values().flatten().map(RecordBatch::num_rows);
    assert!((100..200).contains(&rejected.sum::<usize>()));
}
