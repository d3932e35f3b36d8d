//! How columns are encoded, as the metadata of files tells, and that nothing of it shows in the rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use highwater_core::ErrorKind;
use highwater_parquet::{Compression, FileOptions, Profile};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression as Codec, Encoding};
use parquet::column::page::Page;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{field, lot, schema, written};

const BOTH: [Profile; 2] = [Profile::Compact, Profile::Compatible];

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn kinds() -> SchemaRef {
    schema([
        field(1, "id", DataType::Utf8, false),
        field(2, "account", DataType::Utf8, true),
        field(3, "amount", DataType::Decimal128(18, 2), false),
        field(4, "hash", DataType::Utf8, false),
        field(5, "at", time(), false),
        field(6, "now", time(), false),
        field(7, "random", DataType::Int64, false),
    ])
}

/// Rows as a ledger has them: ids that ascend, accounts of 9,000, hashes and numbers drawn by lot,
/// times that ascend almost, and one moment for all.
fn rows(begin: u64, count: u64) -> RecordBatch {
    let rows = begin..begin + count;
    let text = |of: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.clone().map(of)))
    };
    let times = |of: &dyn Fn(u64) -> u64| -> ArrayRef {
        let micros = rows.clone().map(|row| of(row).cast_signed());
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    };
    let cents =
        Decimal128Array::from_iter_values(rows.clone().map(|row| (lot(row) % 999_983).into()));
    let numbers = rows.clone().map(|row| (lot(row) << 8 | row & 0xff).cast_signed());
    let columns: Vec<ArrayRef> = vec![
        text(&|row| format!("TXN{row:08}")),
        text(&|row| format!("ACC{}", 1_000 + lot(row) % 9_000)),
        Arc::new(cents.with_precision_and_scale(18, 2).unwrap()),
        text(&|row| {
            (0..4).map(|part| format!("{:016x}", lot(row * 4 + part) << 8 | row & 0xff)).collect()
        }),
        times(&|row| row * 10_000 + lot(row) % 10_000),
        times(&|_| 1_700_000_000_000_000),
        Arc::new(Int64Array::from_iter_values(numbers)),
    ];
    RecordBatch::try_new(kinds(), columns).unwrap()
}

fn metadata(bytes: &bytes::Bytes) -> ParquetMetaData {
    ParquetMetaDataReader::new().parse_and_finish(bytes).unwrap()
}

/// How the data pages of a column are encoded, each encoding once.
fn encodings(bytes: &bytes::Bytes, group: usize, column: usize) -> Vec<Encoding> {
    let reader = SerializedFileReader::new(bytes.clone()).unwrap();
    let mut found = Vec::new();
    for page in reader.get_row_group(group).unwrap().get_column_page_reader(column).unwrap() {
        match page.unwrap() {
            Page::DataPage { encoding, .. } => found.push(encoding),
            Page::DataPageV2 { .. } => panic!("a page of version 2"),
            Page::DictionaryPage { .. } => {}
        }
    }
    found.dedup();
    found
}

fn read(bytes: bytes::Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

#[test]
fn encodings_follow_the_profile_and_the_data() {
    use Encoding::{
        DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, PLAIN, RLE_DICTIONARY,
    };

    let compact = [
        DELTA_BYTE_ARRAY,
        RLE_DICTIONARY,
        DELTA_BINARY_PACKED,
        DELTA_LENGTH_BYTE_ARRAY,
        DELTA_BINARY_PACKED,
        RLE_DICTIONARY,
        PLAIN,
    ];
    let compatible = [PLAIN, RLE_DICTIONARY, PLAIN, PLAIN, PLAIN, RLE_DICTIONARY, PLAIN];
    for (profile, expected) in [(Profile::Compact, compact), (Profile::Compatible, compatible)] {
        let options = FileOptions::default().with_profile(profile).with_row_group_rows(30_000);
        let batches: Vec<_> = (0..5).map(|batch| rows(batch * 8_192, 8_192)).collect();
        let (_, bytes) = written(&kinds(), &options, &batches).unwrap();
        assert_eq!(metadata(&bytes).num_row_groups(), 2);
        for group in 0..2 {
            let found: Vec<_> = (0..7).map(|column| encodings(&bytes, group, column)).collect();
            assert_eq!(found, expected.map(|encoding| vec![encoding]), "{profile:?}");
        }
        assert_eq!(read(bytes), rows(0, 5 * 8_192));
    }
}

#[test]
fn pages_are_compressed_where_that_pays() {
    for codec in [Compression::Zstd(1), Compression::Snappy] {
        let options = FileOptions::default().with_compression(codec);
        let (_, bytes) = written(&kinds(), &options, &[rows(0, 20_000)]).unwrap();
        let metadata = metadata(&bytes);
        let compressed = |column: usize| {
            metadata.row_group(0).column(column).compression() != Codec::UNCOMPRESSED
        };
        assert!(compressed(0), "prefixes are much alike");
        assert!(!compressed(6), "numbers drawn by lot are not");
        assert_eq!(
            compressed(3),
            matches!(codec, Compression::Zstd(_)),
            "hex needs entropy coding"
        );
        assert_eq!(read(bytes), rows(0, 20_000));
    }
}

#[test]
fn a_dictionary_that_grows_too_large_is_given_up() {
    let schema =
        schema([field(1, "text", DataType::Utf8, true), field(2, "long", DataType::Int64, true)]);
    // The first rows repeat, later ones do not.
    let batch = |begin: u64| {
        let value = |row: u64| if row < 2_000 { row % 10 } else { row };
        let text =
            (begin..begin + 5_000).map(|row| (row % 7 != 0).then(|| format!("{:040}", value(row))));
        let long =
            (begin..begin + 5_000).map(|row| (row % 5 != 0).then(|| lot(value(row)).cast_signed()));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from_iter(text)), Arc::new(Int64Array::from_iter(long))];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let batches: Vec<_> = (0..40).map(|number| batch(number * 5_000)).collect();
    for profile in BOTH {
        let options = FileOptions::default().with_profile(profile);
        let (_, bytes) = written(&schema, &options, &batches).unwrap();
        for (column, chunk) in metadata(&bytes).row_group(0).columns().iter().enumerate() {
            let found = encodings(&bytes, 0, column);
            assert_eq!((found.len(), found[0]), (2, Encoding::RLE_DICTIONARY), "{found:?}");
            assert!(chunk.dictionary_page_offset().is_some());
        }
        assert_eq!(read(bytes), concat_batches(&schema, &batches).unwrap());
    }
}

#[test]
fn long_values_are_spread_over_pages() {
    let schema = schema([field(1, "text", DataType::Utf8, false)]);
    let texts = (0..12_usize).map(|row| "x".repeat(row * 300_000) + &row.to_string());
    let batch: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![batch]).unwrap();
    let options = FileOptions::default().with_row_group_bytes(64 << 20);
    let (report, bytes) = written(&schema, &options, std::slice::from_ref(&batch)).unwrap();
    assert_eq!(report.split_offsets.len(), 1);
    let reader = SerializedFileReader::new(bytes.clone()).unwrap();
    let pages = reader.get_row_group(0).unwrap().get_column_page_reader(0).unwrap();
    assert!(pages.count() > 6);
    assert_eq!(read(bytes), batch);
}

#[test]
fn a_decimal_with_more_digits_than_its_column_is_an_error() {
    let schema = schema([field(1, "amount", DataType::Decimal128(18, 2), true)]);
    let wide = Decimal128Array::from(vec![Some(5), Some(1 << 70)]);
    let wide: ArrayRef = Arc::new(wide.with_data_type(DataType::Decimal128(18, 2)));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![wide]).unwrap();
    let error = written(&schema, &FileOptions::default(), &[rows]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

/// One row with a column of each kind that is encoded here.
#[derive(Clone, Debug)]
struct Row {
    few: Option<String>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    long: Option<i64>,
    near: i64,
    decimal: Option<i128>,
}

fn row() -> impl Strategy<Value = Row> {
    let few = prop_oneof!["[ab]{0,2}", "[ab]{15,17}", "x{16}[yz]{24}"];
    let text = prop_oneof!["[a-c]{0,40}", "\\PC{0,30}", "a{60}[\u{10FFFE}\u{10FFFF}]{0,3}"];
    let long = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), 0_i64..3];
    let limit = 10_i128.pow(18) - 1;
    (
        option::of(few),
        option::of(text),
        option::of(vec(any::<u8>(), 0..40)),
        option::of(long),
        -1_000_i64..1_000,
        option::of(-limit..=limit),
    )
        .prop_map(|(few, text, bytes, long, near, decimal)| Row {
            few,
            text,
            bytes,
            long,
            near,
            decimal,
        })
}

fn every_kind() -> SchemaRef {
    schema([
        field(1, "few", DataType::Utf8, true),
        field(2, "text", DataType::Utf8, true),
        field(3, "bytes", DataType::Binary, true),
        field(4, "long", DataType::Int64, true),
        field(5, "near", time(), false),
        field(6, "decimal", DataType::Decimal128(18, 2), true),
    ])
}

fn batch(rows: &[Row]) -> RecordBatch {
    let near = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.near));
    let decimals = Decimal128Array::from_iter(rows.iter().map(|row| row.decimal));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.few.as_deref()))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_deref()))),
        Arc::new(BinaryArray::from_iter(rows.iter().map(|row| row.bytes.as_deref()))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.long))),
        Arc::new(near.with_timezone("UTC")),
        Arc::new(decimals.with_precision_and_scale(18, 2).unwrap()),
    ];
    RecordBatch::try_new(every_kind(), columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_texts_begin_with_alike_is_left_out_and_read_back(
        alike in prop_oneof![Just(14_usize), Just(15), Just(16), Just(17), 14_usize..60],
        texts in vec(option::of("[a-z\0]{0,3}"), 65..300),
        split in 40_usize..200,
    ) {
        // The number makes them differ, so that no dictionary is made.
        let rows = texts.iter().zip(0..);
        let long = rows.map(|(text, row)| Some(format!("{}{}{row}", "x".repeat(alike), text.as_ref()?)));
        let texts: Vec<_> = long.collect();
        let schema = schema([field(1, "text", DataType::Utf8, true)]);
        let batch = |texts: &[Option<String>]| {
            let column: ArrayRef = Arc::new(StringArray::from_iter(texts));
            RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap()
        };
        let batches: Vec<_> = texts.chunks(split).map(&batch).collect();
        let (_, bytes) = written(&schema, &FileOptions::default(), &batches).unwrap();
        let present = texts.iter().flatten().count();
        if present >= 64 {
            prop_assert_eq!(encodings(&bytes, 0, 0), [Encoding::DELTA_BYTE_ARRAY]);
        }
        prop_assert_eq!(read(bytes), batch(&texts));
    }

    #[test]
    fn rows_of_every_kind_are_read_back(
        rows in vec(row(), 1..300),
        split in 1_usize..200,
        group in 1_usize..200,
    ) {
        let batches: Vec<_> = rows.chunks(split).map(batch).collect();
        // Slices, whose arrays do not begin at their first value.
        let whole = batch(&rows);
        let slices: Vec<_> = (0..rows.len())
            .step_by(split)
            .map(|at| whole.slice(at, split.min(rows.len() - at)))
            .collect();
        for profile in BOTH {
            for batches in [&batches, &slices] {
                let options = FileOptions::default().with_profile(profile).with_row_group_rows(group);
                let (report, bytes) = written(&every_kind(), &options, batches).unwrap();
                prop_assert_eq!(report.rows, rows.len() as u64);
                prop_assert_eq!(&read(bytes), &whole);
            }
        }
    }
}
