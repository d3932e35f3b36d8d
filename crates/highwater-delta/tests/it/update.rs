//! Rows that take the place of those with their keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use highwater_core::{Ended, ErrorKind, Failpoint, Found, Routing, Sink as _, StreamInfo, Swap};
use highwater_delta::DeltaTable;
use highwater_storage::Storage;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use object_store::memory::InMemory;
use serde_json::{Value, json};

use crate::fixture::{
    Pipeline, active, all, compact, foreign, foreign_files, info, log_path, table, with_column,
};
use crate::valued::{BOTH, How, KEY, cx, open, rows, seen, updating};

mod others;

#[tokio::test]
async fn a_row_takes_the_place_of_the_one_with_its_key_or_is_added() {
    for how in BOTH {
        let directory = tempfile::tempdir().unwrap();
        let local = Storage::open(directory.path().join("a lake").to_str().unwrap()).unwrap();
        for storage in [Storage::memory(), local] {
            let mut pipeline = open(&storage, how).await;
            pipeline.append(0, &[]).await;
            pipeline.append(1, &[rows(&[(1, 10), (2, 20), (3, 30), (4, 40)])]).await;
            pipeline.append(2, &[rows(&[(2, 21)]), rows(&[(5, 50)])]).await;
            pipeline.append(3, &[rows(&[(2, 22), (3, 31), (5, 51)])]).await;
            let expected = [(1, 10), (2, 22), (3, 31), (4, 40), (5, 51)];
            assert_eq!(seen(&storage).await, expected, "{how:?}");
            // Of the epoch before nothing is left.
            assert_eq!(active(&storage).await.len(), 2, "{how:?}");
            // A later start finds the rows again.
            open(&storage, how).await.append(4, &[rows(&[(1, 11), (6, 60)])]).await;
            let expected = [(1, 11), (2, 22), (3, 31), (4, 40), (5, 51), (6, 60)];
            assert_eq!(seen(&storage).await, expected, "{how:?}");
            active(&storage).await;
        }
    }
}

#[tokio::test]
async fn a_new_table_deletes_by_vectors_unless_it_is_told_not_to() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, How::Vectors).await;
    let protocol = all(&storage, 0, "protocol").await.remove(0);
    assert_eq!(protocol["readerFeatures"], json!(["deletionVectors"]));
    assert_eq!(protocol["writerFeatures"], json!(["appendOnly", "invariants", "deletionVectors"]));
    assert_eq!(table(&storage).await.property("delta.enableDeletionVectors"), Some("true"));
    pipeline.append(0, &[rows(&[(1, 10), (2, 20), (3, 30)])]).await;
    pipeline.append(1, &[rows(&[(1, 11), (3, 31)])]).await;
    let adds = all(&storage, 2, "add").await;
    let [shrunk, _staged] = adds.as_slice() else { panic!("{adds:?}") };
    let vector = &shrunk["deletionVector"];
    assert_eq!((&vector["storageType"], &vector["cardinality"]), (&json!("u"), &json!(2)));
    assert_eq!((&vector["offset"], shrunk["dataChange"].as_bool()), (&json!(1), Some(true)));
    let stats: Value = serde_json::from_str(shrunk["stats"].as_str().unwrap()).unwrap();
    assert_eq!((&stats["numRecords"], &stats["tightBounds"]), (&json!(3), &json!(false)));
    assert_eq!(stats["maxValues"]["value"], 30);
    let removes = all(&storage, 2, "remove").await;
    assert_eq!((removes.len(), &removes[0]["path"]), (1, &shrunk["path"]));
    assert_eq!(removes[0]["extendedFileMetadata"], true);
    let info = all(&storage, 2, "commitInfo").await.remove(0);
    assert_eq!(
        (&info["isBlindAppend"], &info["operation"]),
        (&json!(false), &json!("STREAMING UPDATE"))
    );

    let storage = Storage::memory();
    let mut pipeline = open(&storage, How::Copies).await;
    assert_eq!(all(&storage, 0, "protocol").await[0]["minReaderVersion"], 1);
    pipeline.append(0, &[rows(&[(1, 10), (2, 20), (3, 30)])]).await;
    pipeline.append(1, &[rows(&[(1, 11), (3, 31)])]).await;
    let files = active(&storage).await;
    assert!(files.values().all(|file| file["deletionVector"].is_null()));
    let stats = files.values().map(|file| file["stats"].as_str().unwrap());
    let counts =
        stats.map(|stats| serde_json::from_str::<Value>(stats).unwrap()["numRecords"].clone());
    let mut counts: Vec<_> = counts.map(|count| count.as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
}

#[tokio::test]
async fn a_key_moves_from_partition_to_partition() {
    for how in BOTH {
        let storage = Storage::memory();
        let sink = || updating(&storage, how).partition_by(["third"]);
        let mut pipeline = Pipeline::try_open_with(sink(), cx()).await.unwrap();
        pipeline.append(0, &[rows(&[(1, 10), (2, 20), (3, 30), (4, 41), (5, 51)])]).await;
        pipeline.append(1, &[rows(&[(1, 11), (3, 31), (4, 40)])]).await;
        assert_eq!(seen(&storage).await, [(1, 11), (2, 20), (3, 31), (4, 40), (5, 51)]);
        pipeline.append(2, &[rows(&[(5, 53)])]).await;
        assert_eq!(seen(&storage).await, [(1, 11), (2, 20), (3, 31), (4, 40), (5, 53)]);
        for file in active(&storage).await.values() {
            let value = file["partitionValues"]["third"].as_str();
            let path = file["path"].as_str().unwrap();
            let directory = value.unwrap_or("__HIVE_DEFAULT_PARTITION__");
            assert!(path.starts_with(&format!("third={directory}/")), "{path}");
        }
    }
}

#[tokio::test]
async fn a_partition_column_may_be_a_part_of_the_key() {
    for how in BOTH {
        let storage = Storage::memory();
        let sink = updating(&storage, how).partition_by(["type"]);
        let mut pipeline = Pipeline::try_open_with(sink, cx()).await.unwrap();
        pipeline.append(0, &[rows(&[(0, 1), (1, 2), (2, 3), (3, 4)])]).await;
        pipeline.append(1, &[rows(&[(0, 5), (3, 6)])]).await;
        assert_eq!(seen(&storage).await, [(0, 5), (1, 2), (2, 3), (3, 6)]);
    }
    let sink = DeltaTable::new(Storage::memory()).update(["type"]).partition_by(["type"]);
    let error = sink.resolve(&cx().input).unwrap_err().to_string();
    assert!(error.ends_with("have no key type: the table is partitioned by all of it"), "{error}");
}

#[test]
fn rows_meet_by_their_keys() {
    let sink = DeltaTable::at("/nowhere").unwrap().update(KEY);
    let routing = sink.resolve(&cx().input).unwrap();
    assert_eq!(routing, Routing::ByKey(vec!["window".into(), "type".into()]));
    highwater_core::KeyGroups::try_new(&cx().input.schema, &KEY.map(str::to_owned)).unwrap();
    let price: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let input = StreamInfo::new(RecordBatch::try_from_iter([("price", price)]).unwrap().schema());
    let error = DeltaTable::at("/nowhere").unwrap().update(["price"]).resolve(&input).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "delta: rows of table /nowhere have no key price: its values are not always comparable"
    );
}

#[tokio::test]
async fn two_rows_of_a_key_without_an_order_end_the_run() {
    let storage = Storage::memory();
    let pipeline = open(&storage, How::Vectors).await;
    let writer = |worker| highwater_core::WriterContext {
        sink: pipeline.cx.sink.clone(),
        input: pipeline.cx.input.clone(),
        run: "run".to_owned(),
        epoch: highwater_core::Epoch(0),
        worker,
        target: pipeline.committer.target(),
        failpoints: Default::default(),
    };
    let mut one = pipeline.sink.writer(&writer(0)).unwrap();
    one.write(rows(&[(1, 10)]).into()).unwrap();
    let error = one.write(rows(&[(2, 20), (1, 11)]).into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("two rows of the key window={start: 1970"), "{error}");
    // On two workers it is the committer that sees it.
    let mut staged = Vec::new();
    for worker in 1..3 {
        let mut writer = pipeline.sink.writer(&writer(worker)).unwrap();
        writer.write(rows(&[(1, 10)]).into()).unwrap();
        staged.extend(writer.close().await.unwrap());
    }
    let mut pipeline = pipeline;
    pipeline.found().await;
    let swap = pipeline.committer.swap(&pipeline.marker(0), &staged).await;
    let Swap::Failed(error) = swap else { panic!("{swap:?}") };
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(table(&storage).await.version(), 0);
}

fn faulty() -> (FaultyStore, Storage) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let storage = Storage::with_store(Arc::new(store.clone()), "memory://faulty");
    (store, storage.at("counts"))
}

async fn bins(storage: &Storage) -> usize {
    let objects = storage.list("").await.unwrap();
    objects.iter().filter(|object| object.path.ends_with(".bin")).count()
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_sent_again_as_it_was() {
    for (fault, applied) in [(Fault::Reject, false), (Fault::ApplyThenFail, true)] {
        let (store, storage) = faulty();
        let mut pipeline = open(&storage, How::Vectors).await;
        pipeline.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
        let staged = pipeline.stage(1, &[rows(&[(1, 11)])]).await;
        store.inject(Operation::Put, &log_path(2), 0, fault);
        pipeline.found().await;
        let marker = pipeline.marker(1);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
        store.assert_fired();
        let expected = if applied { marker.clone() } else { pipeline.marker(0) };
        assert_eq!(pipeline.found().await, Found::Marker(expected));
        assert_eq!(pipeline.commit(1, &staged).await, Ended::Committed(marker.id));
        // It names the deletion vector that was written for the first attempt.
        assert_eq!(bins(&storage).await, 1, "{fault:?}");
        pipeline.append(2, &[rows(&[(2, 21), (3, 30)])]).await;
        assert_eq!(seen(&storage).await, [(1, 11), (2, 21), (3, 30)], "{fault:?}");
        active(&storage).await;
    }
}

#[tokio::test]
async fn the_same_record_is_committed_once_whoever_sends_it() {
    for how in BOTH {
        let storage = Storage::memory();
        let (mut one, mut two) = (open(&storage, how).await, open(&storage, how).await);
        one.append(0, &[rows(&[(1, 10), (2, 20), (3, 30)])]).await;
        let staged = one.stage(1, &[rows(&[(1, 11)])]).await;
        one.found().await;
        two.found().await;
        let marker = one.marker(1);
        assert!(matches!(two.committer.swap(&marker, &staged).await, Swap::Committed));
        // It finds the other's commit in its place, with files that it does not know.
        assert!(matches!(one.committer.swap(&marker, &staged).await, Swap::Committed));
        assert_eq!(table(&storage).await.version(), 2);
        one.append(2, &[rows(&[(2, 22), (1, 12)])]).await;
        assert_eq!(two.commit(2, &[]).await, Ended::Committed(one.marker(2).id));
        two.append(3, &[rows(&[(3, 33), (1, 13)])]).await;
        assert_eq!(seen(&storage).await, [(1, 13), (2, 22), (3, 33)], "{how:?}");
        active(&storage).await;
    }
}

#[tokio::test]
async fn what_fails_before_the_swap_leaves_files_that_nobody_names() {
    let storage = Storage::memory();
    open(&storage, How::Vectors).await.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
    for point in [Failpoint::ManifestsWritten, Failpoint::BeforeSwap] {
        let mut cx = cx();
        cx.failpoints = Armed::shooting([(Occurrence { point, nth: 0 }, Shot::Fail)]).failpoints();
        let sink = updating(&storage, How::Vectors);
        let mut pipeline = Pipeline::try_open_with(sink, cx).await.unwrap();
        let staged = pipeline.stage(1, &[rows(&[(1, 11)])]).await;
        pipeline.found().await;
        let swap = pipeline.committer.swap(&pipeline.marker(1), &staged).await;
        assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
        assert_eq!(table(&storage).await.version(), 1);
        assert_eq!(seen(&storage).await, [(1, 10), (2, 20)]);
        for file in staged {
            storage.delete(&file.path).await.unwrap();
        }
    }
    assert_eq!(bins(&storage).await, 2);
}

#[tokio::test]
async fn a_quiet_table_costs_a_few_requests() {
    let (store, storage) = faulty();
    let mut pipeline = open(&storage, How::Vectors).await;
    pipeline.append(0, &[rows(&[(1, 10), (2, 20), (3, 30)])]).await;
    for (epoch, value) in (1..5).zip(11..) {
        let staged = pipeline.stage(epoch, &[rows(&[(1, value)])]).await;
        let before = store.requests();
        pipeline.commit(epoch, &staged).await;
        let more = store.requests() - before;
        // Two for the load, the keys of the staged file, one deletion vector, the commit.
        assert!((4..=7).contains(&more), "{more} requests");
    }
}

#[tokio::test]
async fn columns_that_the_rows_do_not_have_stay_with_rows_that_stay() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, How::Copies).await;
    pipeline.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
    foreign(&storage, &[with_column(&storage, "more", true).await]).await;
    let other = rows(&[(3, 30), (4, 40)]);
    let mut columns: Vec<(String, ArrayRef)> = other
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(other.columns().iter().cloned())
        .collect();
    columns.push(("more".to_owned(), Arc::new(Int64Array::from(vec![7, 8]))));
    let other = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let append = foreign_files(&storage, &[loosen(other.unwrap())], true).await;
    foreign(&storage, &append).await;
    pipeline.append(1, &[rows(&[(1, 11), (3, 31)])]).await;
    assert_eq!(seen(&storage).await, [(1, 11), (2, 20), (3, 31), (4, 40)]);
    assert_eq!(crate::fixture::numbers_in(&storage, "more").await.iter().sum::<i64>(), 8);
}

/// The same rows with the nullability that the table asks for.
fn loosen(rows: RecordBatch) -> RecordBatch {
    let required = ["window", "value"];
    let field = |field: &Arc<arrow::datatypes::Field>| {
        field.as_ref().clone().with_nullable(!required.contains(&field.name().as_str()))
    };
    let fields: Vec<_> = rows.schema().fields().iter().map(field).collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    RecordBatch::try_new(schema, rows.columns().to_vec()).unwrap()
}
