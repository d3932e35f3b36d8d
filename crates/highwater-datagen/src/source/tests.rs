//! The generator as a source.

use super::*;
use crate::Transactions;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_codec::{Column, Columns, Json, Type};
use highwater_core::{Decoded, ErrorKind};

fn generator() -> Generator<Transactions> {
    Generator::new(Transactions).seed(7)
}

fn json() -> Json {
    let columns = Columns::new()
        .required("transaction_id", Type::Text)
        .required("amount", Type::Decimal(18, 2))
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("timestamp", Type::Timestamp);
    Json::try_new(columns).unwrap()
}

fn source(generator: Generator<Transactions>) -> GeneratorSource<Transactions, Json> {
    generator.decode(json()).source_columns()
}

async fn next(
    source: &GeneratorSource<Transactions, Json>,
    from: i64,
    limits: &Limits,
) -> (i64, bool) {
    let from = Positions::from_iter([(partition(), source.position(from))]);
    let planned = source.plan(&from, None, limits).await.unwrap();
    let to = planned.ranges.first().map_or(-1, |range| range.to.next);
    (to, planned.ended)
}

async fn read(source: &GeneratorSource<Transactions, Json>, from: i64, to: i64) -> Decoded {
    let (from, to) = (source.position(from), source.position(to));
    let range = Range { id: RangeId(4), partition: partition(), from, to };
    let mut decoder = source.decoder(&range).unwrap();
    let mut decoded = Decoded::default();
    let mut payloads = source.read(vec![range]);
    while let Some(payload) = payloads.next().await {
        let (id, payload) = payload.unwrap();
        assert_eq!(id, RangeId(4));
        decoder.decode(payload, &mut decoded).unwrap();
    }
    decoder.finish(&mut decoded).unwrap();
    decoded
}

#[tokio::test]
async fn every_record_is_a_row_or_rejected() {
    let source = source(generator().bad(0.2).duplicates(0.1));
    let decoded = read(&source, 5, 20_005).await;
    let mut offsets: Vec<i64> = Vec::new();
    for rows in &decoded.rows {
        assert!((1..=8_192).contains(&rows.num_rows()));
        offsets.extend(rows["_offset"].as_primitive::<Int64Type>().values());
    }
    for rows in &decoded.rejected {
        assert_eq!(rows.schema(), rejected_schema());
        offsets.extend(rows["offset"].as_primitive::<Int64Type>().values());
    }
    offsets.sort_unstable();
    assert_eq!(offsets, (5..20_005).collect::<Vec<i64>>());
    assert_eq!(decoded.records, 20_000);
    let rejected: usize = decoded.rejected.iter().map(RecordBatch::num_rows).sum();
    assert!((3_600..4_400).contains(&rejected), "{rejected}");
}

#[tokio::test]
async fn bad_records_are_all_rejected_and_good_ones_never() {
    let rejected =
        |decoded: Decoded| -> usize { decoded.rejected.iter().map(RecordBatch::num_rows).sum() };
    assert_eq!(rejected(read(&source(generator().bad(1.0)), 0, 5_000).await), 5_000);
    assert_eq!(rejected(read(&source(generator()), 0, 5_000).await), 0);
}

#[tokio::test]
async fn a_range_cut_elsewhere_gives_the_same_rows() {
    let source = source(generator().bad(0.05).duplicates(0.3));
    let rows = |decoded: &Decoded| {
        arrow::compute::concat_batches(&source.output().schema, &decoded.rows).unwrap()
    };
    let whole = read(&source, 0, 3_000).await;
    let (begin, end) = (read(&source, 0, 1_234).await, read(&source, 1_234, 3_000).await);
    let parts = [rows(&begin), rows(&end)];
    let parts = arrow::compute::concat_batches(&source.output().schema, &parts).unwrap();
    assert_eq!(rows(&whole), parts);
}

#[tokio::test]
async fn plans_keep_to_limits_and_end_with_the_rows() {
    let source = source(generator().rows(2_500));
    let mut limits = Limits::default();
    limits.records = 1_000;
    assert_eq!(next(&source, 0, &limits).await, (1_000, false));
    assert_eq!(next(&source, 2_000, &limits).await, (2_500, true));
    assert_eq!(next(&source, 2_500, &limits).await, (-1, true));
    limits.bytes = 100 * source.record_bytes;
    assert_eq!(next(&source, 0, &limits).await, (100, false));
    limits.bytes = 1;
    assert_eq!(next(&source, 0, &limits).await, (1, false));
}

#[tokio::test]
async fn records_come_into_being_at_the_rate() {
    let rate = NonZeroU64::new(1).unwrap();
    let source = source(generator().rows(1_000).rate(rate));
    assert_eq!(next(&source, 50, &Limits::default()).await, (51, false));
    let rate = NonZeroU64::new(100).unwrap();
    assert_eq!(made_within(Duration::ZERO, rate), 10);
    assert_eq!(made_within(Duration::from_millis(1_999), rate), 210);
    assert_eq!(made_within(Duration::MAX, NonZeroU64::MAX), i64::MAX);
}

#[tokio::test]
async fn ends_and_plans_up_to_them_know_no_rate() {
    let rate = NonZeroU64::new(1).unwrap();
    let source = source(generator().rows(10_000).rate(rate));
    let ends = source.ends(&Positions::default()).await.unwrap();
    let planned = source.plan(&Positions::default(), Some(&ends), &Limits::default()).await;
    assert_eq!(planned.unwrap().ranges[0].to.next, 10_000);
}

#[tokio::test]
async fn a_run_to_the_end_needs_an_end() {
    let error = source(generator()).ends(&Positions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.next_step().starts_with("add rows=N"), "{}", error.next_step());
}

#[tokio::test]
async fn other_records_are_refused() {
    let from = Positions::from_iter([(partition(), source(generator()).position(17))]);
    let limits = Limits::default();
    let same = source(generator().rows(500)).plan(&from, None, &limits).await.unwrap();
    assert_eq!(same.ranges[0].from.next, 17);
    let error = source(generator().seed(8)).plan(&from, None, &limits).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "datagen: generator/0 stands at offset 17 of transactions v1 seed=7,bad=0,duplicates=0, \
         and this is transactions v1 seed=8,bad=0,duplicates=0"
    );
}

#[tokio::test]
async fn positions_of_another_source_are_refused() {
    let from = Positions::from_iter([(Partition::new("orders", 2), Position::at(3))]);
    let error = source(generator()).plan(&from, None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("orders/2"), "{error}");
}

#[test]
fn a_payload_that_was_cut_is_an_error() {
    let source = source(generator());
    let (from, to) = (source.position(0), source.position(2));
    let range = Range { id: RangeId(0), partition: partition(), from, to };
    let mut decoder = source.decoder(&range).unwrap();
    let payload = Payload::from(Bytes::from_static(&[9, 0, 0, 0, b'{']));
    let mut decoded = Decoded::default();
    let error = decoder.decode(payload, &mut decoded).unwrap_err();
    assert!(error.to_string().contains("at offset 0"), "{error}");
    assert!(decoder.finish(&mut decoded).is_err());
}
