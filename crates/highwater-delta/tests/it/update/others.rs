//! What others do to a table meanwhile.

use super::*;

#[tokio::test]
async fn what_others_have_compacted_is_found_again() {
    for how in BOTH {
        let storage = Storage::memory();
        let mut pipeline = open(&storage, how).await;
        pipeline.append(0, &[rows(&[(1, 10), (2, 20), (3, 30)])]).await;
        pipeline.append(1, &[rows(&[(4, 40), (5, 50)])]).await;
        pipeline.append(2, &[rows(&[(1, 11), (4, 41)])]).await;
        // Before the epoch, and between its load and its swap.
        let paths: Vec<_> = active(&storage).await.into_keys().collect();
        let now = [(1, 11), (2, 20), (3, 30), (4, 41), (5, 50)];
        compact(&storage, &paths, &[rows(&now)]).await;
        assert_eq!(seen(&storage).await, now);
        let staged = pipeline.stage(3, &[rows(&[(2, 22), (6, 60)])]).await;
        pipeline.found().await;
        let paths: Vec<_> = active(&storage).await.into_keys().collect();
        compact(&storage, &paths, &[rows(&now[..2]), rows(&now[2..])]).await;
        let marker = pipeline.marker(3);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
        assert_eq!(seen(&storage).await, now, "a swap that conflicts does nothing");
        assert_eq!(pipeline.commit(3, &staged).await, Ended::Committed(marker.id));
        let expected = [(1, 11), (2, 22), (3, 30), (4, 41), (5, 50), (6, 60)];
        assert_eq!(seen(&storage).await, expected, "{how:?}");
        active(&storage).await;
    }
}

#[tokio::test]
async fn all_rows_of_a_key_go_that_others_have_added() {
    for how in BOTH {
        let storage = Storage::memory();
        let mut pipeline = open(&storage, how).await;
        pipeline.append(0, &[rows(&[(1, 10), (2, 20)])]).await;
        let others = [rows(&[(1, 12), (3, 30), (1, 13)])];
        let append = foreign_files(&storage, &others, true).await;
        foreign(&storage, &append).await;
        assert_eq!(seen(&storage).await, [(1, 10), (1, 12), (1, 13), (2, 20), (3, 30)]);
        // Those whose keys do not come stay as they are.
        pipeline.append(1, &[rows(&[(2, 21)])]).await;
        assert_eq!(seen(&storage).await, [(1, 10), (1, 12), (1, 13), (2, 21), (3, 30)]);
        pipeline.append(2, &[rows(&[(1, 14)])]).await;
        assert_eq!(seen(&storage).await, [(1, 14), (2, 21), (3, 30)]);
        pipeline.append(3, &[rows(&[(3, 31), (1, 15)])]).await;
        assert_eq!(seen(&storage).await, [(1, 15), (2, 21), (3, 31)]);
        active(&storage).await;
    }
}

#[tokio::test]
async fn what_others_have_deleted_stays_deleted() {
    for how in BOTH {
        let storage = Storage::memory();
        let mut pipeline = open(&storage, How::Vectors).await;
        let six = [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)];
        pipeline.append(0, &[rows(&six)]).await;
        // The vector is that of the protocol's example, but for the rows it has: 1 and 4.
        let file = active(&storage).await.into_values().next().unwrap();
        let mut other = open(&storage, How::Vectors).await;
        other.append(1, &[rows(&[(1, 2), (4, 2)])]).await;
        let vector = all(&storage, 2, "add").await.remove(0)["deletionVector"].clone();
        assert_eq!(vector["cardinality"], 2);
        // Another engine rolls that back, and deletes the same rows for good.
        let staged = all(&storage, 2, "add").await.remove(1);
        let gone =
            json!({"remove": {"path": staged["path"], "dataChange": true, "deletionTimestamp": 1}});
        foreign(&storage, &[info("DELETE", &json!({})), gone]).await;
        assert_eq!(seen(&storage).await, [(0, 1), (2, 1), (3, 1), (5, 1)]);
        assert_eq!(
            active(&storage).await[file["path"].as_str().unwrap()]["deletionVector"],
            vector
        );
        if how == How::Copies {
            let mut metadata = all(&storage, 0, "metaData").await.remove(0);
            metadata["configuration"]["delta.enableDeletionVectors"] = "false".into();
            foreign(&storage, &[info("ALTER", &json!({})), json!({"metaData": metadata})]).await;
        }
        pipeline.append(2, &[rows(&[(0, 3), (4, 3)])]).await;
        assert_eq!(seen(&storage).await, [(0, 3), (2, 1), (3, 1), (4, 3), (5, 1)], "{how:?}");
        let vectors = active(&storage).await.into_values();
        let vectors = vectors.filter(|file| file["deletionVector"].is_object()).count();
        assert_eq!(vectors, usize::from(how == How::Vectors));
    }
}

#[tokio::test]
async fn a_key_that_is_newer_than_files_is_null_in_these() {
    for how in BOTH {
        let storage = Storage::memory();
        let first = crate::fixture::rows(0..3).project(&[0, 1]).unwrap();
        let mut cx = cx();
        cx.input = StreamInfo::new(first.schema());
        let sink = keyed(&storage, how, "id");
        let mut earlier = Pipeline::try_open_with(sink, cx.clone()).await.unwrap();
        earlier.append(0, std::slice::from_ref(&first)).await;
        let more = with_column(&storage, "more", true).await;
        foreign(&storage, &[info("ADD COLUMNS", &json!({})), more]).await;

        let with_more = |ids: std::ops::Range<i64>, more: Vec<Option<i64>>| {
            let rows = crate::fixture::rows(ids);
            let more: ArrayRef = Arc::new(Int64Array::from(more));
            RecordBatch::try_from_iter_with_nullable([
                ("id", Arc::clone(rows.column(0)), false),
                ("more", more, true),
            ])
            .unwrap()
        };
        cx.input = StreamInfo::new(with_more(0..0, vec![]).schema());
        let mut later = Pipeline::try_open_with(keyed(&storage, how, "more"), cx).await.unwrap();
        later.append(1, &[with_more(10..11, vec![Some(1)])]).await;
        assert_eq!(crate::fixture::ids(&storage).await, [0, 1, 2, 10], "{how:?}");
        // All rows without a value have the key null.
        later.append(2, &[with_more(11..13, vec![None, Some(1)])]).await;
        assert_eq!(crate::fixture::ids(&storage).await, [11, 12], "{how:?}");
    }
}

/// A sink that updates by one column.
fn keyed(storage: &Storage, how: How, key: &str) -> highwater_delta::DeltaSink {
    let sink = DeltaTable::new(storage.clone()).update([key]);
    sink.create_property("delta.enableDeletionVectors", (how == How::Vectors).to_string())
}

#[tokio::test]
async fn a_file_elsewhere_is_told_before_anything_is_written() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, How::Vectors).await;
    pipeline.append(0, &[rows(&[(1, 10)])]).await;
    let elsewhere = json!({"add": {
        "path": "s3://lake/a.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1,
        "dataChange": true,
    }});
    foreign(&storage, &[elsewhere]).await;
    let staged = pipeline.stage(1, &[rows(&[(1, 11)])]).await;
    pipeline.found().await;
    let swap = pipeline.committer.swap(&pipeline.marker(1), &staged).await;
    let Swap::Failed(error) = swap else { panic!("{swap:?}") };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("s3://lake/a.parquet"), "{error}");
    assert_eq!(table(&storage).await.version(), 2);
}
