//! Filters, and sections as any reader of Arrow streams sees them.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, UInt64Type};
use arrow::ipc::reader::StreamReader;
use highwater_core::{KeyGroups, Level, StateWriter};

use super::filter::Filter;
use super::*;
use crate::{Table, TableSpec};

/// Numbers that look drawn by lot.
fn hashes(seed: u64, count: u64) -> Vec<u64> {
    (0..count).map(|n| XxHash3_64::oneshot_with_seed(seed, &n.to_le_bytes())).collect()
}

#[test]
fn a_filter_misses_none_and_mistakes_few() {
    // All of one key group, as in a bucket of hashes.
    let of = |seed| hashes(seed, 20_000).into_iter().map(|hash| hash << 7 | 5).collect::<Vec<_>>();
    let mut filter = Filter::with_room(20_000);
    of(1).iter().for_each(|hash| filter.add(*hash));
    let mut bytes = Vec::new();
    filter.write(&mut bytes);
    let filter = Filter::read(&bytes).unwrap();
    assert!(of(1).iter().all(|hash| filter.may_have(*hash)));
    let mistaken = of(2).iter().filter(|hash| filter.may_have(**hash)).count();
    assert!(mistaken < 300, "{mistaken} of 20,000");
    assert!(!Filter::default().may_have(7));
}

#[test]
fn a_section_is_an_arrow_stream_in_the_order_of_groups() {
    let key = vec![Field::new("id", DataType::Utf8, false)];
    let values = vec![Field::new("time", DataType::Int64, false)];
    let spec = TableSpec::new("seen".parse().unwrap(), key, values).with_time("time", 10);
    let mut table = Table::try_new(spec).unwrap();
    let ids: Vec<_> = (0..5_000).map(|n| format!("id {n}")).collect();
    let ids: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(ids));
    let keys = table.keys(&[ids]).unwrap();
    let rows: Vec<u32> = (0..5_000).collect();
    table.upsert(&keys, 0, &rows).unwrap();
    let mut writer = StateWriter::new(Level::WHOLE);
    table.save(&mut writer).unwrap();
    let section = writer.into_parts().0.remove(0);

    let bytes = section.bytes.whole().unwrap();
    let reader = StreamReader::try_new(&bytes[..], None).unwrap();
    let names: Vec<_> = reader.schema().fields().iter().map(|it| it.name().clone()).collect();
    assert_eq!(names, ["__op", "__owed", "__hash", "id", "time"]);
    let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    assert!(batches.len() > 1 && batches.iter().all(|it| it.num_rows() <= MOST_ROWS));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 5_000);
    let hashes = batches.iter().flat_map(|it| it.column(2).as_primitive::<UInt64Type>().values());
    assert!(hashes.map(|hash| (KeyGroups::group(*hash), *hash)).is_sorted());
}
