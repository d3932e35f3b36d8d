//! Rows of a ledger to Parquet in memory: 11 columns, batches of 8,192 rows, one file.
//!
//! Throughput is per row.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a benchmark makes its own numbers"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_parquet::{Compression, FileOptions, FileReport, FileWriter};
use highwater_storage::Storage;

const BATCH_ROWS: i64 = 8_192;
const BATCHES: i64 = 64;

fn ledger() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns = [
        ("transaction_id", DataType::Utf8),
        ("user_id", DataType::Utf8),
        ("amount", DataType::Decimal128(18, 2)),
        ("currency", DataType::Utf8),
        ("merchant", DataType::Utf8),
        ("event_timestamp", time()),
        ("event_date", DataType::Date32),
        ("row_hash", DataType::Utf8),
        ("processed_at", time()),
        ("partition", DataType::Int32),
        ("offset", DataType::Int64),
    ];
    let fields = columns.into_iter().zip(1..).map(|((name, of), id)| {
        let id = HashMap::from([("PARQUET:field_id".to_owned(), format!("{id}"))]);
        Field::new(name, of, false).with_metadata(id)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A number that looks drawn by lot.
fn mixed(of: i64) -> u64 {
    let mut bits = of.unsigned_abs().wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn batch(number: i64) -> RecordBatch {
    let rows = || (number * BATCH_ROWS..(number + 1) * BATCH_ROWS).map(|row| (row, mixed(row)));
    let text = |of: &dyn Fn(i64, u64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows().map(|(row, lot)| of(row, lot))))
    };
    let times = |of: &dyn Fn(i64, u64) -> i64| -> ArrayRef {
        let times =
            TimestampMicrosecondArray::from_iter_values(rows().map(|(row, lot)| of(row, lot)));
        Arc::new(times.with_timezone("UTC"))
    };
    let now = 1_760_000_000_000_000;
    let cents = rows().map(|(_, lot)| i128::from(lot % 1_000_000));
    let amounts = Decimal128Array::from_iter_values(cents).with_precision_and_scale(18, 2);
    let hash = |row: i64| (0..4).map(|part| format!("{:016x}", mixed(row * 4 + part))).collect();
    let columns: Vec<ArrayRef> = vec![
        text(&|row, lot| format!("{lot:016x}-{row:08x}")),
        text(&|_, lot| format!("user_{}", lot % 10_000)),
        Arc::new(amounts.unwrap()),
        text(&|_, lot| format!("CU{}", lot % 4)),
        text(&|_, lot| format!("merchant_{}", lot % 500)),
        times(&|row, lot| now + row * 1_000 + (lot % 60_000_000) as i64),
        Arc::new(Date32Array::from_iter_values(rows().map(|(row, _)| 20_370 + (row >> 18) as i32))),
        text(&|row, _| hash(row)),
        times(&|_, _| now + number * 1_000_000),
        Arc::new(Int32Array::from_iter_values(rows().map(|(_, lot)| (lot % 6) as i32))),
        Arc::new(Int64Array::from_iter_values(rows().map(|(row, _)| row))),
    ];
    RecordBatch::try_new(ledger(), columns).unwrap()
}

fn write(options: &FileOptions, batches: &[RecordBatch]) -> highwater_core::Result<FileReport> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let upload = Storage::memory().upload("ledger.parquet");
        let mut file = FileWriter::try_new(ledger(), options, upload)?;
        for rows in batches {
            file.write(rows)?;
            file.ready().await?;
        }
        file.finish().await
    })
}

fn codecs(criterion: &mut Criterion) {
    let batches: Vec<_> = (0..BATCHES).map(batch).collect();
    let mut group = criterion.benchmark_group("ledger");
    group.throughput(Throughput::Elements((BATCHES * BATCH_ROWS).unsigned_abs()));
    group.sample_size(10);
    for (name, compression) in [
        ("zstd 1", Compression::Zstd(1)),
        ("snappy", Compression::Snappy),
        ("uncompressed", Compression::Uncompressed),
    ] {
        let options = FileOptions::default().with_compression(compression);
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(write(&options, &batches)));
        });
    }
    group.finish();
}

criterion_group!(benches, codecs);
criterion_main!(benches);
