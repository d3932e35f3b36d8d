//! What a footer says of a chunk is what lies in that chunk: readers skip row groups by it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{concat_batches, max, max_binary, max_string, min, min_binary, min_string};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use highwater_parquet::{Compression, FileOptions, Profile};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageEncodingStats, ParquetMetaData, ParquetMetaDataOptions,
    ParquetMetaDataReader,
};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::{field, lot, schema, written};

/// Rows of a row group.
const GROUP: u64 = 30_000;

fn kinds() -> SchemaRef {
    schema([
        field(1, "few", DataType::Utf8, true),
        field(2, "grown", DataType::Utf8, false),
        field(3, "ascending", DataType::Utf8, false),
        field(4, "drawn", DataType::Utf8, true),
        field(5, "long", DataType::Binary, false),
        field(6, "same", DataType::Int64, false),
        field(7, "near", DataType::Int64, true),
        field(8, "far", DataType::Int64, false),
    ])
}

/// A row group whose values lie between those of the one before, with both ends somewhere inside: of
/// texts that begin alike, of dictionaries that are kept and of one that is given up, of values longer
/// than statistics, and of numbers.
fn rows(group: u64) -> RecordBatch {
    let rows = || group * GROUP..(group + 1) * GROUP;
    // Less and less of the range, so that no end of a group is one of the next.
    let within = |row: u64, most: u64| group * 10 + lot(row) % (most - group * 20);
    let text = |of: &dyn Fn(u64) -> Option<String>| -> ArrayRef {
        Arc::new(rows().map(of).collect::<StringArray>())
    };
    let number = |of: &dyn Fn(u64) -> Option<u64>| -> ArrayRef {
        Arc::new(rows().map(|row| of(row).map(u64::cast_signed)).collect::<Int64Array>())
    };
    let grown = |row: u64| if row % GROUP < 2_000 { within(row, 999) } else { row };
    let long = |row: u64| {
        let mut bytes = vec![0xff; 60];
        bytes.extend((within(row, 1 << 40)).to_be_bytes());
        bytes.extend([0xff; 4]);
        bytes
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|row| {
            (row % 7 != 0).then(|| format!("a text with a number {:04}", within(row, 999)))
        }),
        text(&|row| Some(format!("{:>60}", grown(row)))),
        text(&|row| Some(format!("TXN{:08}", row ^ 0x55))),
        text(&|row| (row % 5 != 0).then(|| format!("{:016x}", within(row, 1 << 56)))),
        Arc::new(BinaryArray::from_iter_values(rows().map(long))),
        number(&|row| Some(within(row, 500))),
        number(&|row| (row % 3 != 0).then(|| within(row, 1 << 30))),
        number(&|row| Some(within(row, 1 << 56))),
    ];
    RecordBatch::try_new(kinds(), columns).unwrap()
}

fn metadata(bytes: &bytes::Bytes) -> ParquetMetaData {
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    reader.parse_and_finish(bytes).unwrap()
}

fn read(bytes: &bytes::Bytes, group: usize) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let schema = Arc::clone(reader.schema());
    let reader = reader.with_row_groups(vec![group]).build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// The least and the greatest value.
fn both_ends(array: &ArrayRef) -> (Vec<u8>, Vec<u8>) {
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            (min_string(texts).unwrap().into(), max_string(texts).unwrap().into())
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            (min_binary(values).unwrap().into(), max_binary(values).unwrap().into())
        }
        _ => {
            let numbers = array.as_primitive::<Int64Type>();
            let bytes = |number: Option<i64>| number.unwrap().to_le_bytes().to_vec();
            (bytes(min(numbers)), bytes(max(numbers)))
        }
    }
}

fn check_statistics(column: &ColumnChunkMetaData, array: &ArrayRef) {
    let name = column.column_path().string();
    let statistics = column.statistics().unwrap();
    assert_eq!(statistics.null_count_opt(), Some(array.null_count() as u64), "{name}");
    let (least, greatest) = both_ends(array);
    let (low, high) = (statistics.min_bytes_opt().unwrap(), statistics.max_bytes_opt().unwrap());
    let whole = least.len() <= 64;
    assert_eq!((statistics.min_is_exact(), statistics.max_is_exact()), (whole, whole), "{name}");
    if whole {
        assert_eq!((low, high), (&*least, &*greatest), "{name}");
    } else {
        assert_eq!(low, &least[..64], "{name}");
        assert!(high > &*greatest && high.len() <= 64 && high[..60] == greatest[..60], "{name}");
    }
}

/// Each kind of page with how many there are.
fn pages(bytes: &bytes::Bytes, group: usize, column: usize) -> Vec<(PageType, Encoding, i32)> {
    let reader = SerializedFileReader::new(bytes.clone()).unwrap();
    let mut found: Vec<(PageType, Encoding, i32)> = Vec::new();
    for page in reader.get_row_group(group).unwrap().get_column_page_reader(column).unwrap() {
        let page = page.unwrap();
        let kind = (page.page_type(), page.encoding());
        match found.iter_mut().find(|(of, encoding, _)| (*of, *encoding) == kind) {
            Some((_, _, count)) => *count += 1,
            None => found.push((kind.0, kind.1, 1)),
        }
    }
    found.sort_by_key(|kind| format!("{kind:?}"));
    found
}

#[test]
fn each_chunk_is_told_of_as_if_it_were_the_only_one() {
    for profile in [Profile::Compact, Profile::Compatible] {
        let options = FileOptions::default()
            .with_profile(profile)
            .with_row_group_rows(usize::try_from(GROUP).unwrap())
            .with_compression(Compression::Uncompressed);
        let batches: Vec<_> = (0..3).map(rows).collect();
        let (_, bytes) = written(&kinds(), &options, &batches).unwrap();
        let metadata = metadata(&bytes);
        assert_eq!(metadata.num_row_groups(), 3);
        for (group, told) in metadata.row_groups().iter().enumerate() {
            let rows = read(&bytes, group);
            assert_eq!(rows, batches[group]);
            for (at, column) in told.columns().iter().enumerate() {
                check_statistics(column, rows.column(at));
                let one = |it: &PageEncodingStats| (it.page_type, it.encoding, it.count);
                let mut kinds: Vec<_> =
                    column.page_encoding_stats().unwrap().iter().map(one).collect();
                kinds.sort_by_key(|kind| format!("{kind:?}"));
                let name = column.column_path().string();
                assert_eq!(kinds, pages(&bytes, group, at), "{name} of group {group}");
                let known = |encoding: Encoding| column.encodings().any(|it| it == encoding);
                assert!(kinds.iter().all(|(_, encoding, _)| known(*encoding)), "{name}");
                assert_eq!(column.num_values(), i64::try_from(rows.num_rows()).unwrap());
                assert_eq!(column.uncompressed_size(), column.compressed_size(), "{name}");
            }
            let grown = told.column(1).page_encoding_stats().unwrap().len();
            assert_eq!(grown, 3, "a dictionary, pages of its numbers, and others behind them");
        }
    }
}
