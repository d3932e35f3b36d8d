//! Tables that others have rolled back, cleaned up, or made anew.

use highwater_core::{Ended, ErrorKind, Footing, Found};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, foreign, ids, info, log_path, rows};

/// Three epochs in a table, as the versions 1 to 3.
async fn three(storage: &Storage) -> Pipeline {
    let mut pipeline = Pipeline::open(storage).await;
    for epoch in 0..3 {
        let first = i64::try_from(epoch).unwrap() * 10;
        pipeline.append(epoch, &[rows(first..first + 10)]).await;
    }
    pipeline
}

fn restore(parameters: Value) -> [Value; 1] {
    [info("RESTORE", &parameters)]
}

/// What both the committer that is there and one that is opened later find.
async fn found(pipeline: &mut Pipeline, storage: &Storage) -> Found {
    let found = pipeline.found().await;
    assert_eq!(Pipeline::open(storage).await.found().await, found, "at a later start");
    found
}

#[tokio::test]
async fn a_restored_table_says_what_stands() {
    for (to, standing) in [(0, None), (1, Some(0)), (2, Some(1))] {
        for parameters in [json!({"version": to}), json!({"version": to.to_string()})] {
            let storage = Storage::memory();
            let mut pipeline = three(&storage).await;
            foreign(&storage, &restore(parameters)).await;
            let last = pipeline.marker(2);
            let standing = standing.map(|epoch| pipeline.marker(epoch).id);
            assert_eq!(found(&mut pipeline, &storage).await, Found::RolledBack { last, standing });
            let marker = pipeline.marker(3);
            let ended = pipeline.commit_as(&marker, Footing::on(marker.follows), &[]).await;
            assert_eq!(ended, Ended::RolledBack { found: standing });
        }
    }
}

#[tokio::test]
async fn appends_after_a_restore_do_not_hide_it() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    foreign(&storage, &restore(json!({"version": 2}))).await;
    foreign(&storage, &[info("WRITE", &json!({}))]).await;
    let (last, standing) = (pipeline.marker(2), Some(pipeline.marker(1).id));
    assert_eq!(found(&mut pipeline, &storage).await, Found::RolledBack { last, standing });
}

#[tokio::test]
async fn a_restore_of_what_came_later_takes_nothing_away() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    let optimized = foreign(&storage, &[info("OPTIMIZE", &json!({}))]).await;
    foreign(&storage, &[info("DELETE", &json!({}))]).await;
    foreign(&storage, &restore(json!({"version": optimized}))).await;
    let last = pipeline.marker(2);
    assert_eq!(found(&mut pipeline, &storage).await, Found::Marker(last));
    pipeline.append(3, &[rows(30..31)]).await;
}

#[tokio::test]
async fn a_restore_that_is_restored_takes_nothing_away() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    foreign(&storage, &restore(json!({"version": 1}))).await;
    foreign(&storage, &restore(json!({"version": 3}))).await;
    let last = pipeline.marker(2);
    assert_eq!(found(&mut pipeline, &storage).await, Found::Marker(last));
}

#[tokio::test]
async fn a_restore_by_time_is_followed_where_it_can_be() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    foreign(&storage, &restore(json!({"datetime": 1}))).await;
    let last = pipeline.marker(2);
    let nothing = Found::RolledBack { last: last.clone(), standing: None };
    assert_eq!(found(&mut pipeline, &storage).await, nothing);
    // A later one to a time after all of them.
    foreign(&storage, &restore(json!({"datetime": i64::MAX}))).await;
    assert_eq!(found(&mut pipeline, &storage).await, nothing);

    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    foreign(&storage, &restore(json!({"timestamp": "2020-01-01 00:00:00"}))).await;
    assert_eq!(found(&mut pipeline, &storage).await, nothing);
}

#[tokio::test]
async fn a_person_may_go_on_from_there() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    foreign(&storage, &restore(json!({"version": 2}))).await;
    let on = pipeline.found().await.footing();
    assert_eq!(on.follows, Some(pipeline.marker(1).id));
    let mut marker = pipeline.marker(3);
    marker.follows = on.follows;
    let staged = pipeline.stage(3, &[rows(30..31)]).await;
    assert_eq!(pipeline.commit_as(&marker, on, &staged).await, Ended::Committed(marker.id));
    assert_eq!(found(&mut pipeline, &storage).await, Found::Marker(marker));
    pipeline.append(4, &[rows(40..41)]).await;
}

#[tokio::test]
async fn commits_of_others_above_the_marker_take_nothing_away() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    for _ in 0..3 {
        foreign(
            &storage,
            &[info("WRITE", &json!({})), json!({"txn": {"appId": "a", "version": 1}})],
        )
        .await;
    }
    let last = pipeline.marker(2);
    assert_eq!(found(&mut pipeline, &storage).await, Found::Marker(last));
    pipeline.append(3, &[rows(30..40)]).await;
    assert_eq!(ids(&storage).await.len(), 40);
}

#[tokio::test]
async fn a_table_made_anew_is_refused() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    for object in storage.list("").await.unwrap() {
        storage.delete(&object.path).await.unwrap();
    }
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.to_string(), "delta: table memory://storage was dropped: it has no log");

    Pipeline::open(&storage).await;
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("was dropped and made anew"), "{error}");
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_told() {
    let storage = Storage::memory();
    let mut pipeline = three(&storage).await;
    storage.delete(&log_path(3)).await.unwrap();
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(1)));
    let marker = pipeline.marker(3);
    let ended = pipeline.commit_as(&marker, Footing::on(marker.follows), &[]).await;
    assert_eq!(ended, Ended::RolledBack { found: Some(pipeline.marker(1).id) });
}
