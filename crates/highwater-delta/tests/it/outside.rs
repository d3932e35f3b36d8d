//! Tables for readers of other languages, and the rows that they should find.

use std::collections::BTreeMap;

use highwater_delta::DeltaTable;
use highwater_storage::Storage;

use crate::fixture::{Pipeline, active};
use crate::valued::{BOTH, cx, rows, seen, updating};

/// Epochs of an update: most of their keys come again, so that files shrink and go.
fn epochs() -> impl Iterator<Item = Vec<(i64, i64)>> {
    (0..12_i64).map(|epoch| {
        let keys = (0..400)
            .map(|n| (n * n + epoch * 31) % 1000)
            .collect::<std::collections::BTreeSet<_>>();
        keys.into_iter().map(|key| (key, key * 100 + epoch)).collect()
    })
}

/// Writes `update-vectors`, `update-copies` and `complete` below the directory, each with its rows
/// beside it as `NAME.json`, a list of keys and values; `xtask/python/replaced.py` reads them.
#[tokio::test]
#[ignore = "writes tables for other readers: set HIGHWATER_DELTA_TABLES to a directory"]
async fn tables_for_other_readers() {
    let place = std::env::var("HIGHWATER_DELTA_TABLES").unwrap();
    let lake = Storage::open(&place).unwrap();
    for (name, how) in [("update-vectors", BOTH[0]), ("update-copies", BOTH[1])] {
        let storage = lake.at(name);
        let sink = updating(&storage, how).partition_by(["third"]);
        let mut pipeline = Pipeline::try_open_with(sink, cx()).await.unwrap();
        let mut expected = BTreeMap::new();
        for (epoch, pairs) in (0..).zip(epochs()) {
            pipeline.append(epoch, &[rows(&pairs)]).await;
            expected.extend(pairs);
        }
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(seen(&storage).await, expected);
        active(&storage).await;
        tell(&lake, name, &expected).await;
    }
    let storage = lake.at("complete");
    let sink = DeltaTable::new(storage.clone()).complete();
    let mut pipeline = Pipeline::try_open_with(sink, cx()).await.unwrap();
    let mut last = Vec::new();
    for (epoch, pairs) in (0..).zip(epochs()) {
        pipeline.append(epoch, &[rows(&pairs)]).await;
        last = pairs;
    }
    tell(&lake, "complete", &last).await;
}

async fn tell(lake: &Storage, name: &str, pairs: &[(i64, i64)]) {
    let text = serde_json::to_string(pairs).unwrap();
    lake.replace(&format!("{name}.json"), text.into()).await.unwrap();
}
