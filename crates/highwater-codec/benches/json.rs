//! Time per row of decoding flat transactions and of hashing them.
#![allow(missing_docs, reason = "criterion's macros make items without")]
#![allow(clippy::expect_used, reason = "a benchmark may panic as a test does")]

use std::hint::black_box;

use arrow::array::Array;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use highwater_codec::{
    Column, Columns, Format, Json, Records, Span, Type, sha256_canonical, sha256_concat_ws,
};

const ROWS: u32 = 8_192;

fn transactions() -> Json {
    let columns = Columns::new()
        .required("transaction_id", Type::Text)
        .optional("account_from", Type::Text)
        .optional("account_to", Type::Text)
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("amount", Type::Decimal(18, 2))
        .optional("currency", Type::Text)
        .optional("transaction_type", Type::Text)
        .column(Column::required("event_timestamp", Type::Timestamp).key("timestamp"));
    Json::try_new(columns).expect("the columns are good")
}

/// Records of 164 bytes; each `bad_every`-th has an amount that does not fit, if any.
fn records(bad_every: Option<u32>) -> (Vec<u8>, Vec<Option<Span>>) {
    let mut data = Vec::new();
    let mut values = Vec::new();
    for row in 0..ROWS {
        let start = u32::try_from(data.len()).expect("a small buffer");
        let bad = bad_every.is_some_and(|every| row % every == 0);
        let amount = if bad { "4.567" } else { "45.67" };
        let (from, to, second) = (row % 9_000 + 1_000, row % 7_000 + 1_000, row % 60);
        let value = format!(
            "{{\"transaction_id\":\"TXN{row:05}\",\"account_from\":\"{from}\",\"account_to\":\"{to}\",\"amount\":\"{amount}\",\
             \"currency\":\"USD\",\"transaction_type\":\"pay\",\"timestamp\":\"2025-01-16T12:30:{second:02}\"}}"
        );
        assert_eq!(value.len(), 164);
        data.extend_from_slice(value.as_bytes());
        values.push(Some(Span { start, end: u32::try_from(data.len()).expect("a small buffer") }));
    }
    (data, values)
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("json decode");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    for (name, bad_every) in [("good", None), ("1 % bad", Some(100)), ("all bad", Some(1))] {
        let (data, values) = records(bad_every);
        let records = Records { data: &data, values: &values };
        let mut decoder = transactions().decoder();
        let mut outcomes = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                decoder.decode(black_box(&records), &mut outcomes).expect("data is no error")
            });
        });
    }
    group.finish();
}

fn hash(c: &mut Criterion) {
    let (data, values) = records(None);
    let records = Records { data: &data, values: &values };
    let rows =
        transactions().decoder().decode(&records, &mut Vec::new()).expect("data is no error");
    let columns: Vec<&dyn Array> =
        [0, 1, 2, 3, 5].iter().map(|column| rows.column(*column).as_ref()).collect();
    let mut group = c.benchmark_group("row hash");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    group.bench_function("concat_ws", |b| {
        b.iter(|| sha256_concat_ws("|", black_box(&columns)).expect("text"));
    });
    group.bench_function("canonical", |b| {
        b.iter(|| sha256_canonical(black_box(&columns)).expect("text"));
    });
    group.finish();
}

criterion_group!(benches, decode, hash);
criterion_main!(benches);
