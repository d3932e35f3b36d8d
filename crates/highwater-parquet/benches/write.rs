//! Rows of the ledger to Parquet in memory: its columns, values as its generator draws them, batches of
//! 8,192 rows, one file.
//!
//! Throughput is per row. Bytes per row are printed once for each case.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_wrap,
    clippy::print_stdout,
    reason = "a benchmark makes its own numbers, and tells them"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_parquet::{Compression, FileOptions, FileReport, FileWriter, Profile};
use highwater_storage::Storage;

const BATCH_ROWS: u64 = 8_192;
const BATCHES: u64 = 64;
/// 2025-01-16 00:00:00 in microseconds since 1970.
const BEGIN: u64 = 1_736_985_600_000_000;

fn ledger() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let columns = [
        ("transaction_id", DataType::Utf8, false),
        ("account_from", DataType::Utf8, true),
        ("account_to", DataType::Utf8, true),
        ("amount", DataType::Decimal128(18, 2), false),
        ("currency", DataType::Utf8, true),
        ("transaction_type", DataType::Utf8, true),
        ("transaction_hash", DataType::Utf8, false),
        ("event_timestamp", time(), false),
        ("processing_time", time(), false),
    ];
    let fields = columns.into_iter().zip(1..).map(|((name, of, nullable), id)| {
        let id = HashMap::from([("PARQUET:field_id".to_owned(), format!("{id}"))]);
        Field::new(name, of, nullable).with_metadata(id)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A number that looks drawn by lot.
fn mixed(of: u64) -> u64 {
    let mut bits = of.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd134_2543_de82_ef95);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The lot of a row for one of its columns.
fn lot(row: u64, column: u64, below: u64) -> u64 {
    mixed(row * 16 + column) % below
}

fn batch(number: u64) -> RecordBatch {
    let rows = || number * BATCH_ROWS..(number + 1) * BATCH_ROWS;
    let text = |of: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows().map(of)))
    };
    let times = |of: &dyn Fn(u64) -> u64| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter_values(rows().map(|row| of(row) as i64));
        Arc::new(times.with_timezone("+00:00"))
    };
    let one_of = |column, of: &[&str]| -> ArrayRef {
        let count = of.len() as u64;
        let drawn = rows().map(|row| of.get(usize::try_from(lot(row, column, count)).unwrap()));
        Arc::new(StringArray::from_iter(drawn))
    };
    let cents = rows().map(|row| i128::from(1_000 + lot(row, 3, 999_001)));
    let amounts = Decimal128Array::from_iter_values(cents).with_precision_and_scale(18, 2);
    let hash = |row: u64| (8..12).map(|part| format!("{:016x}", mixed(row * 16 + part))).collect();
    let columns: Vec<ArrayRef> = vec![
        text(&|row| format!("TXN{row:08}")),
        text(&|row| format!("ACC{}", 1_000 + lot(row, 1, 9_000))),
        text(&|row| format!("ACC{}", 1_000 + lot(row, 2, 9_000))),
        Arc::new(amounts.unwrap()),
        one_of(4, &["USD", "EUR", "GBP"]),
        one_of(5, &["transfer", "payment", "withdrawal", "deposit"]),
        text(&|row| hash(row)),
        times(&|row| BEGIN + row * 10_000 + lot(row, 6, 10_000)),
        times(&|_| BEGIN + 3_600_000_000),
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
    group.throughput(Throughput::Elements(BATCHES * BATCH_ROWS));
    group.sample_size(10);
    for (name, compression, profile) in [
        ("zstd 1", Compression::Zstd(1), Profile::Compact),
        ("snappy", Compression::Snappy, Profile::Compact),
        ("uncompressed", Compression::Uncompressed, Profile::Compact),
        ("zstd 1, compatible", Compression::Zstd(1), Profile::Compatible),
    ] {
        let options = FileOptions::default().with_compression(compression).with_profile(profile);
        let report = write(&options, &batches).unwrap();
        println!("{name}: {} bytes of {} rows", report.bytes, report.rows);
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(write(&options, &batches)));
        });
    }
    group.finish();
}

criterion_group!(benches, codecs);
criterion_main!(benches);
