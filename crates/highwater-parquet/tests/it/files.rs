//! What is written is what is read, and nothing else is left.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, Int64Builder, ListBuilder, MapBuilder, RecordBatch,
    StringArray, StringBuilder, StructArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Fields, Int64Type, SchemaRef, TimeUnit};
use highwater_parquet::{Compression, FileOptions, FileWriter, Profile};
use highwater_storage::Storage;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::{field, schema, written};

fn read(bytes: bytes::Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn flat() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    schema([
        field(1, "id", DataType::Int64, false),
        field(2, "name", DataType::Utf8, true),
        field(3, "at", time, false),
    ])
}

/// Rows whose ids begin at `from`; names repeat, ids and times do not.
fn rows(from: i64, count: i64) -> RecordBatch {
    let ids = from..from + count;
    let names = ids.clone().map(|id| (id % 5 != 0).then(|| format!("name {}", id % 7)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids.clone())),
        Arc::new(StringArray::from_iter(names)),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(ids.map(|id| id * 1_000_003))
                .with_timezone("UTC"),
        ),
    ];
    RecordBatch::try_new(flat(), columns).unwrap()
}

#[test]
fn rows_are_read_back_in_order() {
    for compression in [Compression::Zstd(1), Compression::Snappy, Compression::Uncompressed] {
        let options =
            FileOptions::default().with_compression(compression).with_row_group_rows(10_000);
        let batches = [rows(0, 300), rows(300, 0), rows(300, 5_000), rows(5_300, 20_000)];
        let (report, bytes) = written(&flat(), &options, &batches).unwrap();
        assert_eq!((report.rows, report.bytes), (25_300, bytes.len() as u64));
        assert_eq!(read(bytes), rows(0, 25_300));
    }
}

#[test]
fn a_file_without_rows_is_valid() {
    let (report, bytes) = written(&flat(), &FileOptions::default(), &[]).unwrap();
    assert_eq!((report.rows, report.split_offsets.len(), report.columns.len()), (0, 0, 3));
    assert_eq!(read(bytes).schema(), flat());
}

#[test]
fn nested_columns_are_read_back() {
    let inner = Fields::from(vec![
        field(3, "x", DataType::Int64, true),
        field(4, "y", DataType::Utf8, false),
    ]);
    let mut list = ListBuilder::new(Int64Builder::new()).with_field(field(
        6,
        "element",
        DataType::Int64,
        true,
    ));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new())
        .with_keys_field(field(8, "key", DataType::Utf8, false))
        .with_values_field(field(9, "value", DataType::Int64, true));
    for row in 0..3 {
        list.append_value((0..row).map(|at| (at != 1).then_some(at)));
        map.keys().append_value("k");
        map.values().append_value(row);
        map.append(true).unwrap();
    }
    list.append_null();
    map.append(false).unwrap();
    let (list, map) = (list.finish(), map.finish());
    let structs = StructArray::new(
        inner.clone(),
        vec![
            Arc::new(Int64Array::from(vec![Some(5), None, Some(-9), Some(1)])),
            Arc::new(StringArray::from(vec!["a", "b", "zzz", "c"])),
        ],
        Some(NullBuffer::from(vec![true, true, false, true])),
    );
    let schema = schema([
        field(1, "id", DataType::Int64, false),
        field(2, "s", DataType::Struct(inner), true),
        field(5, "list", list.data_type().clone(), true),
        field(7, "map", map.data_type().clone(), true),
    ]);
    let id = Int64Array::from(vec![1, 2, 3, 4]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(id), Arc::new(structs), Arc::new(list), Arc::new(map)];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let (report, bytes) =
        written(&schema, &FileOptions::default(), std::slice::from_ref(&batch)).unwrap();

    let back = read(bytes);
    assert_eq!(back.column(1), batch.column(1));
    assert_eq!(back.column(2), batch.column(2));
    assert_eq!(back.column(3).as_map().keys(), batch.column(3).as_map().keys());
    let ids: Vec<_> = report.columns.iter().map(|column| column.field_id).collect();
    assert_eq!(ids, [1, 3, 4, 6, 8, 9]);
    let of = |id| report.columns.iter().find(|column| column.field_id == id).unwrap();
    assert_eq!((of(3).values, of(3).nulls), (4, 2));
    assert_eq!(of(3).lower, Some(highwater_parquet::Bound::Long(1)), "-9 lies below a null");
    assert_eq!(of(4).upper, Some(highwater_parquet::Bound::Text("c".into())));
    assert!(of(6).lower.is_none() && of(9).upper.is_none(), "no bounds below lists and maps");
}

fn dictionaries(group: &RowGroupMetaData) -> Vec<bool> {
    group.columns().iter().map(|column| column.dictionary_page_offset().is_some()).collect()
}

/// A row that was sent twice repeats all of its values, and a dictionary is no better for that.
#[test]
fn only_values_that_come_again_later_or_in_long_runs_have_dictionaries() {
    let all = rows(0, 3_000);
    for (every, times, expected) in
        [(10, 2, [false, true, false]), (1, 2, [false, true, false]), (1, 6, [true; 3])]
    {
        let times = |row: u32| if row.is_multiple_of(every) { times } else { 1 };
        let sent = (0..3_000).flat_map(|row| std::iter::repeat_n(row, times(row)));
        let sent = take_record_batch(&all, &UInt32Array::from_iter_values(sent)).unwrap();
        let (_, bytes) =
            written(&flat(), &FileOptions::default(), std::slice::from_ref(&sent)).unwrap();
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
        assert_eq!(dictionaries(metadata.row_group(0)), expected, "{every}");
        assert_eq!(read(bytes), sent);
    }
}

#[test]
fn columns_keep_their_field_ids_and_readers_their_encodings() {
    let options = FileOptions::default().with_profile(Profile::Compatible);
    let (report, bytes) =
        written(&flat(), &options, &[rows(0, 3_000), rows(3_000, 3_000)]).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
    let file = metadata.file_metadata();
    assert!(file.created_by().unwrap().starts_with("highwater version "));
    assert_eq!(file.key_value_metadata(), None);
    let ids =
        file.schema_descr().columns().iter().map(|column| column.self_type().get_basic_info());
    assert_eq!(ids.map(|info| info.id()).collect::<Vec<_>>(), [1, 2, 3]);
    let group = metadata.row_group(0);
    for column in group.columns() {
        let known = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
        assert!(column.encodings().all(|encoding| known.contains(&encoding)));
    }
    let reader = SerializedFileReader::new(bytes).unwrap();
    let pages = reader.get_row_group(0).unwrap();
    for column in 0..3 {
        for page in pages.get_column_page_reader(column).unwrap() {
            assert_ne!(page.unwrap().page_type(), PageType::DATA_PAGE_V2);
        }
    }
    assert_eq!(dictionaries(group), [false, true, false], "only names repeat");
    assert_eq!(report.split_offsets, [4]);
}

#[test]
fn row_groups_end_by_rows_or_by_bytes() {
    let batches: Vec<_> = (0..20).map(|batch| rows(batch * 1_000, 1_000)).collect();
    let by_rows = FileOptions::default().with_row_group_rows(3_000);
    let (report, bytes) = written(&flat(), &by_rows, &batches).unwrap();
    assert_eq!(report.split_offsets.len(), 7);
    assert!(report.split_offsets.is_sorted_by(|a, b| a < b));
    assert_eq!(read(bytes).column(0).as_primitive::<Int64Type>().values()[19_999], 19_999);
    let by_bytes = FileOptions::default()
        .with_compression(Compression::Uncompressed)
        .with_row_group_bytes(100_000);
    let (report, bytes) = written(&flat(), &by_bytes, &batches).unwrap();
    assert!(report.split_offsets.windows(2).all(|two| two[1] - two[0] < 150_000));
    assert_eq!(read(bytes), rows(0, 20_000));
}

#[tokio::test]
async fn the_size_is_told_while_rows_are_written() {
    let storage = Storage::memory();
    let options = FileOptions::default().with_row_group_rows(50_000);
    let mut file = FileWriter::try_new(flat(), &options, storage.upload("a")).unwrap();
    let mut told = vec![file.bytes()];
    for batch in 0..30 {
        file.write(&rows(batch * 8_000, 8_000)).unwrap();
        file.ready().await.unwrap();
        told.push(file.bytes());
    }
    let report = file.finish().await.unwrap();
    let last = *told.last().unwrap();
    assert!(told[3] > 0 && told[10] > told[3] && told[20] > told[10]);
    assert!(last * 3 > report.bytes && last < report.bytes * 3, "{last} of {}", report.bytes);
}

#[tokio::test]
async fn a_dropped_file_leaves_nothing() {
    for count in [10, 100_000] {
        let storage = Storage::memory();
        let options = FileOptions::default()
            .with_compression(Compression::Uncompressed)
            .with_row_group_bytes(1 << 20);
        let mut file = FileWriter::try_new(flat(), &options, storage.upload("a")).unwrap();
        for batch in 0..4 {
            file.write(&rows(batch * count, count)).unwrap();
            file.ready().await.unwrap();
        }
        drop(file);
        tokio::task::yield_now().await;
        assert_eq!(storage.list("").await.unwrap(), vec![]);
    }
}

#[tokio::test]
async fn a_large_file_in_a_directory_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::open(directory.path().to_str().unwrap()).unwrap();
    let options = FileOptions::default()
        .with_compression(Compression::Uncompressed)
        .with_profile(Profile::Compatible);
    let mut file = FileWriter::try_new(flat(), &options, storage.upload("d/a.parquet")).unwrap();
    for batch in 0..100 {
        file.write(&rows(batch * 8_000, 8_000)).unwrap();
        file.ready().await.unwrap();
    }
    let report = file.finish().await.unwrap();
    assert!(report.bytes > 12 << 20, "several parts of an upload: {}", report.bytes);
    let bytes = storage.read("d/a.parquet").await.unwrap().unwrap();
    assert_eq!(read(bytes), rows(0, 800_000));
}
