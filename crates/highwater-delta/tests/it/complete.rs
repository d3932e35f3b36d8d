//! Epochs that replace the whole table.

use highwater_core::{ErrorKind, Sink as _, Swap};
use highwater_delta::DeltaTable;
use highwater_storage::Storage;
use serde_json::json;

use crate::fixture::{
    Pipeline, active, all, compact, context, foreign, foreign_files, info, table,
};
use crate::valued::{How, cx, open, rows, seen};

async fn complete(storage: &Storage) -> Pipeline {
    let sink = DeltaTable::new(storage.clone()).complete().partition_by(["third"]);
    Pipeline::try_open_with(sink, cx()).await.unwrap()
}

#[tokio::test]
async fn an_epoch_with_rows_replaces_all_of_the_table_in_one_commit() {
    let storage = Storage::memory();
    let mut pipeline = complete(&storage).await;
    pipeline.append(0, &[]).await;
    pipeline.append(1, &[rows(&[(1, 10), (2, 20), (3, 31)])]).await;
    pipeline.append(2, &[rows(&[(3, 32)]), rows(&[(4, 40)])]).await;
    assert_eq!(seen(&storage).await, [(3, 32), (4, 40)]);
    assert_eq!(
        (all(&storage, 3, "remove").await.len(), all(&storage, 3, "add").await.len()),
        (2, 2)
    );
    let info = all(&storage, 3, "commitInfo").await.remove(0);
    assert_eq!(info["operationParameters"]["outputMode"], "Complete");
    assert_eq!(info["isBlindAppend"], false);
    // One without rows says nothing of them.
    pipeline.append(3, &[]).await;
    assert_eq!(seen(&storage).await, [(3, 32), (4, 40)]);
    assert_eq!(all(&storage, 0, "protocol").await[0]["minReaderVersion"], 1);
    assert_eq!(active(&storage).await.len(), 2);
}

#[tokio::test]
async fn what_others_have_brought_is_replaced_too() {
    let storage = Storage::memory();
    let mut pipeline = complete(&storage).await;
    pipeline.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
    let mut append = foreign_files(&storage, &[rows(&[(1, 11)])], true).await;
    append.push(info("WRITE", &json!({})));
    foreign(&storage, &append).await;
    assert_eq!(seen(&storage).await, [(1, 10), (1, 11), (2, 20)]);
    pipeline.append(1, &[rows(&[(5, 50)])]).await;
    assert_eq!(seen(&storage).await, [(5, 50)]);
    // A later start reads the files from the log.
    complete(&storage).await.append(2, &[rows(&[(6, 60)])]).await;
    assert_eq!(seen(&storage).await, [(6, 60)]);
    assert_eq!(active(&storage).await.len(), 1);
}

#[tokio::test]
async fn a_compaction_between_load_and_swap_is_seen() {
    let storage = Storage::memory();
    let mut pipeline = complete(&storage).await;
    pipeline.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
    let staged = pipeline.stage(1, &[rows(&[(7, 70)])]).await;
    pipeline.found().await;
    let paths: Vec<_> = active(&storage).await.into_keys().collect();
    compact(&storage, &paths, &[rows(&[(1, 10), (2, 20)])]).await;
    let marker = pipeline.marker(1);
    assert!(matches!(pipeline.committer.swap(&marker, &staged).await, Swap::Conflicted));
    pipeline.commit(1, &staged).await;
    assert_eq!(seen(&storage).await, [(7, 70)]);
    active(&storage).await;
}

#[tokio::test]
async fn a_table_with_deletion_vectors_is_replaced() {
    let storage = Storage::memory();
    let mut updates = open(&storage, How::Vectors).await;
    updates.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
    updates.append(1, &[rows(&[(1, 11)])]).await;
    assert!(active(&storage).await.values().any(|file| file["deletionVector"].is_object()));
    complete(&storage).await.append(2, &[rows(&[(9, 90)])]).await;
    assert_eq!(seen(&storage).await, [(9, 90)]);
    assert_eq!(active(&storage).await.len(), 1);
}

#[tokio::test]
async fn a_table_that_keeps_its_rows_is_refused() {
    let keeping = DeltaTable::new(Storage::memory());
    let sink = keeping.complete().create_property("delta.appendOnly", "true");
    let error = sink.resolve(&cx().input).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    for key in ["delta.appendOnly", "delta.enableChangeDataFeed"] {
        let storage = Storage::memory();
        Pipeline::open(&storage).await;
        let mut metadata = all(&storage, 0, "metaData").await.remove(0);
        metadata["configuration"][key] = "true".into();
        foreign(&storage, &[info("ALTER", &json!({})), json!({"metaData": metadata})]).await;
        for sink in [
            DeltaTable::new(storage.clone()).complete(),
            DeltaTable::new(storage.clone()).update(["id"]),
        ] {
            let error = Pipeline::try_open_with(sink, context("ledger")).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().ends_with(&format!("({key})")), "{error}");
            assert!(error.next_step().starts_with(&format!("unset {key}")), "{error:?}");
        }
        // An append may.
        Pipeline::open(&storage).await.append(0, &[]).await;
        assert_eq!(table(&storage).await.version(), 2);
    }
}
