//! What stands in the tables.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt as _;
use highwater_delta::DeltaTable;

use crate::binary::Home;
use crate::events::{Group, Query, Sums};

/// All rows of a table.
pub(crate) fn rows(home: &Home, table: &str) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let table = DeltaTable::at(home.path(table).to_str().unwrap()).unwrap();
        table.read().await.unwrap().rows().try_collect().await.unwrap()
    })
}

/// The texts in a column, in order.
pub(crate) fn texts(rows: &[RecordBatch], column: &str) -> Vec<String> {
    let of = |rows: &RecordBatch| -> Vec<String> {
        rows[column].as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    };
    let mut texts: Vec<String> = rows.iter().flat_map(of).collect();
    texts.sort();
    texts
}

/// The windows in a table, none of which may be there twice.
pub(crate) fn windows(home: &Home, query: Query, table: &str) -> BTreeMap<Group, Sums> {
    let mut windows = BTreeMap::new();
    for rows in rows(home, table) {
        let window = rows["window"].as_struct();
        let time = |name: &str| window[name].as_primitive::<TimestampMicrosecondType>().clone();
        let (starts, ends) = (time("start"), time("end"));
        let (key, count) = match query {
            Query::Tumbling => (&rows["event_type"], &rows["event_count"]),
            Query::Sliding => (&rows["user_id"], &rows["count"]),
        };
        let counts = count.as_primitive::<Int64Type>();
        let averages = rows.column_by_name("avg_value");
        for row in 0..rows.num_rows() {
            let key = match key.data_type() {
                DataType::Int64 => key.as_primitive::<Int64Type>().value(row).to_string(),
                _ => key.as_string::<i32>().value(row).to_owned(),
            };
            let group = (starts.value(row), ends.value(row), key);
            let average = averages.map(|it| it.as_primitive::<Float64Type>().value(row));
            let before = windows.insert(group.clone(), (counts.value(row), average));
            assert_eq!(before, None, "{group:?} is there twice");
        }
    }
    windows
}
