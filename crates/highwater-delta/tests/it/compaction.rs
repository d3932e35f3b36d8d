//! Small files that become larger ones: the same rows, and whoever writes the table meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use highwater_core::{Ended, Swap};
use highwater_delta::{DeltaTable, Maintained, Maintenance};
use highwater_storage::Storage;
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{
    Pipeline, actions, active, all, batches, context, foreign, foreign_files, ids, info, log_path,
    table,
};
use crate::maintenance::{append_until, faulty};
use crate::valued::{BOTH, How, cx, open, pairs, rows, seen, updating};
use crate::{fixture, valued};

/// Puts together what there are three of.
async fn compact(storage: &Storage) -> Maintained {
    let table = DeltaTable::new(storage.clone());
    table.maintain(Maintenance::default().compact(3)).await.unwrap()
}

fn counts(done: &Maintained) -> (u64, u64) {
    (done.compacted, done.compacted_into)
}

fn stats(file: &Value) -> Value {
    serde_json::from_str(file["stats"].as_str().unwrap()).unwrap()
}

/// Four epochs with a file in each of three partitions. Each takes one row of the epoch before out, of
/// those whose partition is null.
async fn partitioned(storage: &Storage) -> Pipeline {
    let sink = updating(storage, How::Vectors).partition_by(["third"]);
    let mut pipeline = Pipeline::try_open_with(sink, cx()).await.unwrap();
    for epoch in 0..4 {
        let first = i64::try_from(epoch).unwrap() * 6;
        let mut pairs: Vec<_> = (first..first + 6).map(|key| (key, key)).collect();
        pairs.extend((epoch > 0).then_some((first - 6, first + 294)));
        pipeline.append(epoch, &[rows(&pairs)]).await;
    }
    pipeline
}

#[tokio::test]
async fn the_rows_that_are_left_stay_in_their_order() {
    let storage = Storage::memory();
    let mut pipeline = partitioned(&storage).await;
    let (before, old) = (seen(&storage).await, active(&storage).await);
    let vectors = old.values().filter(|file| file["deletionVector"].is_object()).count();
    assert_eq!((old.len(), vectors), (12, 3));

    assert_eq!(counts(&compact(&storage).await), (12, 3));
    assert_eq!(seen(&storage).await, before);
    let new = active(&storage).await;
    for (path, file) in &new {
        assert!(file["deletionVector"].is_null(), "{file}");
        let like = old.values().find(|old| old["partitionValues"] == file["partitionValues"]);
        let directory = |path: &str| path.split_once('/').unwrap().0.to_owned();
        assert_eq!(directory(path), directory(like.unwrap()["path"].as_str().unwrap()));
        assert_eq!(stats(file)["tightBounds"], true);
    }
    let rows = new.values().map(|file| stats(file)["numRecords"].as_u64().unwrap());
    assert_eq!(rows.sum::<u64>(), before.len() as u64);
    let nulls = new.values().find(|file| file["partitionValues"]["third"].is_null()).unwrap();
    let bounds = stats(nulls);
    assert_eq!(
        (&bounds["minValues"]["value"], &bounds["maxValues"]["value"]),
        (&json!(3), &json!(312))
    );
    assert_eq!(bounds["nullCount"]["type"], 4);
    for batch in batches(&storage).await {
        if batch["third"].null_count() > 0 {
            let values = batch["value"].as_primitive::<Int64Type>().values();
            assert_eq!(values, &[3, 9, 300, 15, 306, 18, 21, 312]);
        }
    }

    // Nothing is left to be done, and the pipeline goes on.
    assert_eq!(counts(&compact(&storage).await), (0, 0));
    pipeline.append(4, &[valued::rows(&[(3, 4), (21, 24)])]).await;
    let now = seen(&storage).await;
    assert_eq!(now.len(), before.len());
    assert!(now.contains(&(3, 4)) && now.contains(&(21, 24)), "{now:?}");
    active(&storage).await;
}

#[tokio::test]
async fn a_commit_of_it_moves_files_and_says_nothing_else() {
    let storage = Storage::memory();
    let pipeline = partitioned(&storage).await;
    let old = active(&storage).await;
    let markers = table(&storage).await.markers().unwrap();
    compact(&storage).await;
    let version = table(&storage).await.version();
    assert_eq!(version, 5);
    for action in actions(&storage, version).await {
        let (kind, said) = action.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "commitInfo" => assert_eq!(said["operation"], "OPTIMIZE"),
            "add" | "remove" => assert_eq!(said["dataChange"], false),
            other => panic!("{other}"),
        }
    }
    assert_eq!(table(&storage).await.markers().unwrap(), markers);
    // What earlier versions have is there, and no orphan.
    for path in old.keys() {
        assert!(storage.length(path).await.unwrap().is_some(), "{path}");
    }
    assert!(table(&storage).await.orphans(Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(pipeline.marker(3), markers[0]);
}

#[tokio::test]
async fn an_update_goes_on_beside_it() {
    for how in BOTH {
        let storage = Storage::memory();
        let mut pipeline = open(&storage, how).await;
        let (mut model, mut compacted) = (BTreeMap::new(), 0);
        for epoch in 0..12 {
            let new = i64::try_from(epoch).unwrap();
            let changed: Vec<_> =
                [new * 3, new * 3 + 1, new * 3 + 2, new].map(|key| (key, 100 * new + key)).into();
            let changed = BTreeMap::from_iter(changed);
            model.extend(changed.clone());
            let changed = rows(&changed.into_iter().collect::<Vec<_>>());
            let staged = pipeline.stage(epoch, &[changed]).await;
            // Before the epoch, or between its load and its swap.
            if epoch % 4 == 3 {
                pipeline.found().await;
                let moved = compact(&storage).await.compacted;
                let swap = pipeline.committer.swap(&pipeline.marker(epoch), &staged).await;
                assert_eq!(matches!(swap, Swap::Conflicted), moved > 0, "{swap:?}");
                compacted += moved;
            } else if epoch % 2 == 1 {
                compacted += compact(&storage).await.compacted;
            }
            let mine = pipeline.marker(epoch).id;
            assert_eq!(pipeline.commit(epoch, &staged).await, Ended::Committed(mine));
            let expected: Vec<_> = model.clone().into_iter().collect();
            assert_eq!(seen(&storage).await, expected, "{how:?} {epoch}");
            active(&storage).await;
        }
        assert!(compacted >= 6, "{compacted}");
    }
}

#[tokio::test]
async fn a_table_that_is_replaced_stays_so() {
    let storage = Storage::memory();
    let sink = DeltaTable::new(storage.clone()).complete();
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    pipeline.append(0, &[fixture::rows(0..3)]).await;
    for ids in [3..6, 6..9] {
        let more = foreign_files(&storage, &[fixture::rows(ids)], true).await;
        foreign(&storage, &more).await;
    }
    let staged = pipeline.stage(1, &[fixture::rows(20..22)]).await;
    pipeline.found().await;
    assert_eq!(counts(&compact(&storage).await), (3, 1));
    assert_eq!(ids(&storage).await, (0..9).collect::<Vec<_>>());
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &staged).await, Ended::Committed(mine));
    assert_eq!(ids(&storage).await, [20, 21]);
    assert_eq!(active(&storage).await.len(), 1);
}

/// A compaction whose next commit is on its way, and stays there until it is released.
async fn held(store: &FaultyStore, storage: &Storage, version: u64) -> JoinHandle<Maintained> {
    store.inject(Operation::Put, &log_path(version), 0, Fault::Hold);
    let running = storage.clone();
    let running = tokio::spawn(async move { compact(&running).await });
    let start = Instant::now();
    while store.held() == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "never sent");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running
}

#[tokio::test]
async fn files_that_another_commit_changes_meanwhile_are_left_alone() {
    let (store, storage) = faulty();
    let mut pipeline = partitioned(&storage).await;
    let running = held(&store, &storage, 5).await;
    // A row of the second partition goes.
    pipeline.append(4, &[rows(&[(1, 4)])]).await;
    let (now, then) = (seen(&storage).await, active(&storage).await);
    assert!(now.contains(&(1, 4)), "{now:?}");
    store.release().await;
    assert_eq!(counts(&running.await.unwrap()), (8, 2));
    assert_eq!(seen(&storage).await, now);
    let stay = active(&storage).await;
    let ones = |files: &BTreeMap<String, Value>| {
        let ones = files.values().filter(|file| file["partitionValues"]["third"] == "1");
        ones.cloned().collect::<Vec<_>>()
    };
    assert_eq!((ones(&stay), stay.len()), (ones(&then), ones(&then).len() + 2));
    // The next run finds them as they are then.
    assert_eq!(counts(&compact(&storage).await), (5, 1));
    assert_eq!(seen(&storage).await, now);
    pipeline.append(5, &[rows(&[(1, 7), (4, 10)])]).await;
    assert!(seen(&storage).await.contains(&(4, 10)));
}

/// Appends a file in each of three epochs, to a table that nothing may be deleted from.
async fn appended(storage: &Storage) -> Pipeline {
    let sink =
        DeltaTable::new(storage.clone()).append().create_property("delta.appendOnly", "true");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    for epoch in 0..3 {
        let first = i64::try_from(epoch).unwrap();
        pipeline.append(epoch, &[fixture::rows(first..first + 1)]).await;
    }
    pipeline
}

#[tokio::test]
async fn an_append_meanwhile_costs_another_attempt() {
    let (store, storage) = faulty();
    let mut pipeline = appended(&storage).await;
    let running = held(&store, &storage, 4).await;
    pipeline.append(3, &[fixture::rows(3..4)]).await;
    store.release().await;
    assert_eq!(counts(&running.await.unwrap()), (3, 1));
    assert_eq!(table(&storage).await.version(), 5);
    assert_eq!(ids(&storage).await, [0, 1, 2, 3]);
    assert_eq!(active(&storage).await.len(), 2);
}

#[tokio::test]
async fn a_lost_answer_moves_nothing_twice() {
    for fault in [Fault::Reject, Fault::ApplyThenFail] {
        let (store, storage) = faulty();
        let mut pipeline = appended(&storage).await;
        store.inject(Operation::Put, &log_path(4), 0, fault);
        assert_eq!(counts(&compact(&storage).await), (3, 1), "{fault:?}");
        store.assert_fired();
        assert_eq!(table(&storage).await.version(), 4);
        assert_eq!(active(&storage).await.len(), 1);
        pipeline.append(3, &[fixture::rows(3..4)]).await;
        assert_eq!(ids(&storage).await, [0, 1, 2, 3]);
    }
}

#[tokio::test]
async fn what_cannot_be_committed_any_more_is_given_up() {
    for swept in [false, true] {
        let (store, storage) = faulty();
        appended(&storage).await;
        let old = active(&storage).await;
        let running = held(&store, &storage, 4).await;
        let change = match swept {
            // What the table is has changed.
            false => json!({"metaData": all(&storage, 0, "metaData").await.remove(0)}),
            // A sweep that does not wait has taken the new file.
            true => {
                let files = storage.list("").await.unwrap().into_iter();
                let files = files.filter(|file| file.path.ends_with(".parquet"));
                let new: Vec<_> = files.filter(|file| !old.contains_key(&file.path)).collect();
                assert_eq!(new.len(), 1);
                storage.delete(&new[0].path).await.unwrap();
                json!({"txn": {"appId": "other", "version": 1}})
            }
        };
        foreign(&storage, &[info("OTHER", &json!({})), change]).await;
        store.release().await;
        assert_eq!(counts(&running.await.unwrap()), (0, 0));
        assert_eq!(table(&storage).await.version(), 4);
        assert_eq!(active(&storage).await, old);
        assert_eq!(counts(&compact(&storage).await), (3, 1));
        assert_eq!(ids(&storage).await, [0, 1, 2]);
    }
}

#[tokio::test]
async fn a_sink_compacts_its_table_beside_its_commits() {
    let storage = Storage::memory();
    let sink = DeltaTable::new(storage.clone())
        .append()
        .create_property("delta.checkpointInterval", "4")
        .maintain(Maintenance::default().compact(3));
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    let mut looked = 0;
    let epochs = append_until(&mut pipeline, async || {
        let newest = table(&storage).await.version();
        let mut moved = false;
        for version in looked..=newest {
            let info = all(&storage, version, "commitInfo").await;
            moved |= info.iter().any(|info| info["operation"] == "OPTIMIZE");
        }
        looked = newest + 1;
        moved
    });
    let epochs = epochs.await;
    let files = active(&storage).await.len();
    assert!(files < usize::try_from(epochs).unwrap(), "{files} files after {epochs} epochs");
    assert_eq!(ids(&storage).await, (0..i64::try_from(epochs).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_column_of_every_type_comes_through() {
    let storage = Storage::memory();
    appended(&storage).await;
    let sorted = |mut rows: Vec<_>| {
        rows.sort_by_key(|rows: &arrow::array::RecordBatch| {
            rows["id"].as_primitive::<Int64Type>().value(0)
        });
        arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap()
    };
    let before = sorted(batches(&storage).await);
    assert_eq!(counts(&compact(&storage).await), (3, 1));
    assert_eq!(sorted(batches(&storage).await), before);
    let storage = Storage::memory();
    let mut pipeline = open(&storage, How::Vectors).await;
    for epoch in 0..3 {
        let key = i64::try_from(epoch).unwrap();
        pipeline.append(epoch, &[rows(&[(key, key)])]).await;
    }
    let before = pairs(&batches(&storage).await);
    compact(&storage).await;
    assert_eq!(pairs(&batches(&storage).await), before);
}
