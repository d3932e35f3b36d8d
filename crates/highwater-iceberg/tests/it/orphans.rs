//! What a sweep takes, and all that it leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use highwater_core::{Ended, ErrorKind};
use highwater_iceberg::{FileCatalog, ORPHAN_AGE, Orphan, bucket};
use highwater_storage::Storage;
use iceberg::spec::{Manifest, ManifestList, TableMetadata};
use serde_json::json;

use crate::fixture::{Pipeline, TABLE, context, ids, name, rewrite, rows, table, version};

const AT_ONCE: Duration = Duration::ZERO;

async fn open(warehouse: &Storage, run: &str) -> Pipeline {
    let sink = FileCatalog::new(warehouse.clone()).table(TABLE).append();
    let sink = sink
        .partition_by([bucket(2, "id")])
        .create_property("commit.manifest.min-count-to-merge", "3");
    Pipeline::try_open_with(sink, context("ledger", run)).await.unwrap()
}

async fn paths(warehouse: &Storage) -> BTreeSet<String> {
    let objects = warehouse.list("demo/orders").await.unwrap();
    objects.into_iter().map(|object| object.path).collect()
}

async fn orphans(warehouse: &Storage, age: Duration) -> BTreeSet<String> {
    let orphans = table(warehouse).await.orphans(age).await.unwrap();
    let path = |orphan: Orphan| warehouse.path_of(&orphan.location).unwrap();
    orphans.into_iter().map(path).collect()
}

/// Everything that a kept snapshot of the newest metadata names, read without highwater.
async fn named(warehouse: &Storage) -> BTreeSet<String> {
    let path = format!("demo/orders/metadata/v{}.metadata.json", version(warehouse).await);
    let bytes = warehouse.read(&path).await.unwrap().unwrap();
    let metadata: TableMetadata = serde_json::from_slice(&bytes).unwrap();
    let mut named = BTreeSet::new();
    for snapshot in metadata.snapshots() {
        let list = warehouse.path_of(snapshot.manifest_list()).unwrap();
        let bytes = warehouse.read(&list).await.unwrap().unwrap();
        named.insert(list);
        let list = ManifestList::parse_with_version(&bytes, metadata.format_version()).unwrap();
        for manifest in list.consume_entries() {
            let path = warehouse.path_of(&manifest.manifest_path).unwrap();
            let bytes = warehouse.read(&path).await.unwrap().unwrap();
            named.insert(path);
            for entry in Manifest::parse_avro(&bytes).unwrap().entries() {
                named.insert(warehouse.path_of(entry.file_path()).unwrap());
            }
        }
    }
    named
}

#[tokio::test]
async fn a_sweep_takes_what_no_snapshot_names_and_nothing_else() {
    let warehouse = Storage::memory();
    let mut pipeline = open(&warehouse, "run").await;
    let mut lost = BTreeSet::new();
    for epoch in 0..8 {
        let first = i64::try_from(epoch).unwrap() * 4;
        // Another instance staged the same epoch and never prepared it.
        for file in open(&warehouse, "lost").await.stage(epoch, &[rows(first..first + 4)]).await {
            lost.insert(warehouse.path_of(&file.path).unwrap());
        }
        pipeline.append(epoch, &[rows(first..first + 4)]).await;
    }
    let nonce = "2f8c0f0a-0000-4000-8000-00000000000a";
    for file in [format!("{nonce}-m0.avro"), format!("snap-1-1-{nonce}.avro")] {
        let path = format!("demo/orders/metadata/{file}");
        warehouse.replace(&path, "outrun".into()).await.unwrap();
        lost.insert(path);
    }
    let foreign = ["data/part-0.parquet", "data/x/orders-0-run.parquet", "metadata/stats.puffin"];
    for file in foreign {
        warehouse.replace(&format!("demo/orders/{file}"), "foreign".into()).await.unwrap();
    }
    let (before, named) = (paths(&warehouse).await, named(&warehouse).await);
    assert_eq!(table(&warehouse).await.snapshots(), 8);
    assert_eq!(orphans(&warehouse, AT_ONCE).await, lost);
    assert_eq!(paths(&warehouse).await, before);

    let removed = table(&warehouse).await.remove_orphans(AT_ONCE).await.unwrap();
    assert_eq!(removed.len(), lost.len());
    let after = paths(&warehouse).await;
    assert_eq!(after, before.difference(&lost).cloned().collect());
    assert!(named.is_subset(&after));
    assert_eq!(ids(&warehouse).await, (0..32).collect::<Vec<_>>());
    assert!(orphans(&warehouse, AT_ONCE).await.is_empty());
    pipeline.append(8, &[rows(32..36)]).await;
    assert_eq!(ids(&warehouse).await, (0..36).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_that_a_prepared_record_may_name_stay_however_old() {
    let warehouse = Storage::memory();
    let mut pipeline = open(&warehouse, "run").await;
    let unclaimed = pipeline.stage(0, &[rows(0..4)]).await;
    assert!(orphans(&warehouse, AT_ONCE).await.is_empty());
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &unclaimed).await, Ended::Committed(mine));
    let prepared = pipeline.stage(1, &[rows(4..8)]).await;
    assert!(table(&warehouse).await.remove_orphans(AT_ONCE).await.unwrap().is_empty());
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &prepared).await, Ended::Committed(mine));
    assert_eq!(ids(&warehouse).await, (0..8).collect::<Vec<_>>());

    // A sink without a marker in this table has nothing here that is known to be done.
    let mut cx = context("ledger", "run");
    cx.sink = name("returns");
    let sink = FileCatalog::new(warehouse.clone()).table(TABLE).append();
    Pipeline::try_open_with(sink, cx).await.unwrap().stage(0, &[rows(0..4)]).await;
    assert!(orphans(&warehouse, AT_ONCE).await.is_empty());
}

#[tokio::test]
async fn files_younger_than_the_age_stay() {
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::open(directory.path().to_str().unwrap()).unwrap();
    let mut pipeline = open(&warehouse, "run").await;
    let lost = open(&warehouse, "lost").await.stage(0, &[rows(0..4)]).await;
    pipeline.append(0, &[rows(0..4)]).await;
    assert_eq!(orphans(&warehouse, AT_ONCE).await.len(), lost.len());
    assert!(orphans(&warehouse, ORPHAN_AGE).await.is_empty());

    let day = Duration::from_secs(24 * 60 * 60);
    for (file, age) in lost.iter().zip([day * 2, day * 4]) {
        let file = std::fs::File::options().write(true).open(&file.path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - age).unwrap();
    }
    let found: Vec<_> = orphans(&warehouse, ORPHAN_AGE).await.into_iter().collect();
    assert_eq!(found, [warehouse.path_of(&lost[1].path).unwrap()]);
}

#[tokio::test]
async fn expired_snapshots_keep_their_files_until_their_metadata_is_gone() {
    let warehouse = Storage::memory();
    let mut pipeline = open(&warehouse, "run").await;
    for epoch in 0..3 {
        let first = i64::try_from(epoch).unwrap() * 4;
        pipeline.append(epoch, &[rows(first..first + 4)]).await;
    }
    rewrite(&warehouse, |metadata| {
        let head = metadata["current-snapshot-id"].clone();
        metadata["snapshots"].as_array_mut().unwrap().retain(|it| it["snapshot-id"] == head);
        metadata["snapshot-log"] = json!([]);
    })
    .await;
    assert!(orphans(&warehouse, AT_ONCE).await.is_empty());
    for number in 1..version(&warehouse).await {
        let path = format!("demo/orders/metadata/v{number}.metadata.json");
        warehouse.delete(&path).await.unwrap();
    }
    let found = orphans(&warehouse, AT_ONCE).await;
    assert!(found.iter().all(|path| path.starts_with("demo/orders/metadata/")), "{found:?}");
    assert_eq!(found.iter().filter(|path| path.contains("/snap-")).count(), 2, "{found:?}");
    table(&warehouse).await.remove_orphans(AT_ONCE).await.unwrap();
    assert_eq!(ids(&warehouse).await, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn manifests_that_another_engine_deleted_with_its_snapshot_are_no_error() {
    let warehouse = Storage::memory();
    let mut pipeline = open(&warehouse, "run").await;
    pipeline.append(0, &[rows(0..4)]).await;
    let before = paths(&warehouse).await;
    pipeline.append(1, &[rows(4..8)]).await;
    rewrite(&warehouse, |metadata| {
        let head = metadata["current-snapshot-id"].clone();
        metadata["snapshots"].as_array_mut().unwrap().retain(|it| it["snapshot-id"] == head);
        metadata["snapshot-log"] = json!([]);
    })
    .await;
    let list = before.iter().find(|path| path.contains("/snap-")).unwrap();
    warehouse.delete(list).await.unwrap();
    assert!(orphans(&warehouse, AT_ONCE).await.is_empty());
    assert_eq!(ids(&warehouse).await, (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_told_takes_nothing() {
    let warehouse = Storage::memory();
    let mut pipeline = open(&warehouse, "run").await;
    open(&warehouse, "lost").await.stage(0, &[rows(0..4)]).await;
    pipeline.append(0, &[rows(0..4)]).await;
    let before = paths(&warehouse).await;

    let manifest = before.iter().find(|path| path.ends_with("-m0.avro")).unwrap();
    let bytes = warehouse.read(manifest).await.unwrap().unwrap();
    warehouse.delete(manifest).await.unwrap();
    let error = table(&warehouse).await.remove_orphans(AT_ONCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    warehouse.replace(manifest, bytes).await.unwrap();
    assert_eq!(paths(&warehouse).await, before);

    rewrite(&warehouse, |metadata| {
        metadata["properties"]["write.data.path"] = json!("memory://storage/demo/orders/data");
    })
    .await;
    let error = table(&warehouse).await.remove_orphans(AT_ONCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
