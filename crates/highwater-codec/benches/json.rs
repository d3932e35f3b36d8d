//! Time per row of decoding transactions, as producers write them and as they should not, and of
//! hashing them.
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

/// Changes of the rows of a table, in the envelope that Debezium writes without schemas.
fn changes() -> Json {
    let image = Columns::new()
        .required("transaction_id", Type::Text)
        .optional("account_from", Type::Text)
        .optional("account_to", Type::Text)
        .required("amount", Type::Decimal(18, 2));
    let columns = Columns::new()
        .optional("before", Type::Struct(image.clone()))
        .optional("after", Type::Struct(image))
        .required("op", Type::Text)
        .required("ts_ms", Type::Long);
    Json::try_new(columns).expect("the columns are good")
}

/// How a record is written.
#[derive(Clone, Copy)]
enum Style {
    /// 164 bytes, with nothing to spare.
    Compact,
    /// With the spaces that Python's `json.dumps` writes.
    Python,
    /// With an escape in one of the texts.
    Escapes,
    /// With the keys in another order than in the record before.
    Reordered,
    /// With an amount that does not fit.
    Bad,
    /// An update in its envelope.
    Nested,
}

fn record(row: u32, style: Style) -> String {
    let amount = if matches!(style, Style::Bad) { "4.567" } else { "45.67" };
    let (from, to, second) = (row % 9_000 + 1_000, row % 7_000 + 1_000, row % 60);
    let mut members = vec![
        ("transaction_id", format!("TXN{row:05}")),
        ("account_from", from.to_string()),
        ("account_to", to.to_string()),
        ("amount", amount.to_owned()),
        ("currency", "USD".to_owned()),
        (
            "transaction_type",
            if matches!(style, Style::Escapes) { r"p\u0061y" } else { "pay" }.into(),
        ),
        ("timestamp", format!("2025-01-16T12:30:{second:02}")),
    ];
    let (colon, comma) = if matches!(style, Style::Python) { (": ", ", ") } else { (":", ",") };
    if matches!(style, Style::Reordered) {
        members.rotate_left((row % 5) as usize);
        if row.is_multiple_of(2) {
            members.reverse();
        }
    }
    if matches!(style, Style::Nested) {
        members.truncate(4);
    }
    let members: Vec<String> =
        members.iter().map(|(key, text)| format!("\"{key}\"{colon}\"{text}\"")).collect();
    let object = format!("{{{}}}", members.join(comma));
    if !matches!(style, Style::Nested) {
        return object;
    }
    format!(
        "{{\"before\":{object},\"after\":{object},\"source\":{{\"version\":\"3.0.0\",\"connector\":\"postgresql\",\
         \"name\":\"bank\",\"ts_ms\":1737030605123,\"snapshot\":\"false\",\"db\":\"bank\",\"sequence\":[\"24023119\",\"24023128\"],\
         \"schema\":\"public\",\"table\":\"transactions\",\"lsn\":24023128}},\"op\":\"u\",\"ts_ms\":1737030605456}}"
    )
}

/// As many records as a batch has; each `rare_every`-th is in the second style.
fn records(common: Style, rare: Style, rare_every: u32) -> (Vec<u8>, Vec<Option<Span>>) {
    let mut data = Vec::new();
    let mut values = Vec::new();
    for row in 0..ROWS {
        let start = u32::try_from(data.len()).expect("a small buffer");
        let value = record(row, if row % rare_every == 0 { rare } else { common });
        data.extend_from_slice(value.as_bytes());
        values.push(Some(Span { start, end: u32::try_from(data.len()).expect("a small buffer") }));
    }
    (data, values)
}

fn decode(c: &mut Criterion) {
    use Style::{Bad, Compact, Escapes, Nested, Python, Reordered};
    assert_eq!(record(0, Compact).len(), 164);
    let mut group = c.benchmark_group("json decode");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    for (name, json, common, rare, rare_every) in [
        ("good", transactions(), Compact, Compact, 1),
        ("python", transactions(), Python, Python, 1),
        ("reordered", transactions(), Reordered, Reordered, 1),
        ("escapes", transactions(), Escapes, Escapes, 1),
        ("1 % escapes", transactions(), Compact, Escapes, 100),
        ("1 % bad", transactions(), Compact, Bad, 100),
        ("all bad", transactions(), Bad, Bad, 1),
        ("nested", changes(), Nested, Nested, 1),
    ] {
        let (data, values) = records(common, rare, rare_every);
        let records = Records { data: &data, values: &values };
        let mut decoder = json.decoder();
        let mut outcomes = Vec::new();
        decoder.decode(&records, &mut outcomes).expect("data is no error");
        assert_eq!(outcomes.iter().any(Option::is_some), matches!(rare, Bad), "{name}");
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                decoder.decode(black_box(&records), &mut outcomes).expect("data is no error")
            });
        });
    }
    group.finish();
}

fn hash(c: &mut Criterion) {
    let (data, values) = records(Style::Compact, Style::Compact, 1);
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
