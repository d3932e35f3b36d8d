//! What holds of every storage: each test runs on a directory and in memory.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::ErrorKind;
use highwater_storage::{Created, Object, Storage};

/// A storage in a directory that does not exist yet, and one in memory.
pub(crate) fn both() -> [(Storage, Option<tempfile::TempDir>); 2] {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/at/first write");
    [(Storage::open(path.to_str().unwrap()).unwrap(), Some(directory)), (Storage::memory(), None)]
}

/// The paths and lengths of a listing.
async fn listed(storage: &Storage, prefix: &str) -> Vec<(String, u64)> {
    let objects = storage.list(prefix).await.unwrap();
    objects.into_iter().map(|Object { path, bytes, .. }| (path, bytes)).collect()
}

fn object(path: &str, bytes: u64) -> (String, u64) {
    (path.into(), bytes)
}

#[tokio::test]
async fn an_object_is_created_once_and_read_whole() {
    for (storage, _directory) in both() {
        assert_eq!(storage.read("a/b").await.unwrap(), None);
        assert_eq!(storage.length("a/b").await.unwrap(), None);
        assert_eq!(storage.create("a/b", "one".into()).await.unwrap(), Created::Created);
        assert_eq!(storage.create("a/b", "two!".into()).await.unwrap(), Created::Exists);
        assert_eq!(storage.read("a/b").await.unwrap(), Some("one".into()));
        assert_eq!(storage.length("a/b").await.unwrap(), Some(3));
        assert_eq!(storage.read("a").await.unwrap(), None, "a directory is no object");
    }
}

#[tokio::test]
async fn a_listing_tells_when_objects_were_written() {
    for (storage, _directory) in both() {
        storage.replace("a", "one".into()).await.unwrap();
        storage.replace("b", "two".into()).await.unwrap();
        let times: Vec<_> =
            storage.list("").await.unwrap().iter().map(|object| object.modified_ms).collect();
        assert!(times.is_sorted() && times[0] > 1_700_000_000_000, "{times:?}");
    }
}

#[tokio::test]
async fn replace_overwrites_or_creates() {
    for (storage, _directory) in both() {
        storage.replace("a", "one".into()).await.unwrap();
        storage.replace("a", Bytes::new()).await.unwrap();
        assert_eq!(storage.read("a").await.unwrap(), Some(Bytes::new()));
        assert_eq!(storage.create("a", "two".into()).await.unwrap(), Created::Exists);
    }
}

#[tokio::test]
async fn a_listing_is_sorted_and_recursive() {
    for (storage, _directory) in both() {
        assert_eq!(storage.list("").await.unwrap(), vec![]);
        for path in ["b/2", "b/10", "b/c/1", "a", "bb/1", "b%20/{x}=1"] {
            storage.replace(path, path.to_owned().into()).await.unwrap();
        }
        let below = [object("b/10", 4), object("b/2", 3), object("b/c/1", 5)];
        assert_eq!(listed(&storage, "b").await, below);
        let paths: Vec<_> =
            storage.list("").await.unwrap().into_iter().map(|object| object.path).collect();
        assert_eq!(paths, ["a", "b%20/{x}=1", "b/10", "b/2", "b/c/1", "bb/1"]);
        assert_eq!(storage.list("b/2").await.unwrap(), vec![]);
        assert_eq!(storage.list("missing").await.unwrap(), vec![]);
    }
}

#[tokio::test]
async fn deleting_twice_is_fine() {
    for (storage, _directory) in both() {
        storage.replace("a/b", "1".into()).await.unwrap();
        storage.delete("a/b").await.unwrap();
        storage.delete("a/b").await.unwrap();
        assert_eq!(storage.read("a/b").await.unwrap(), None);
        assert_eq!(storage.create("a/b", "2".into()).await.unwrap(), Created::Created);
    }
}

#[tokio::test]
async fn a_sub_directory_is_a_storage() {
    for (storage, _directory) in both() {
        let below = storage.at("x").at("y/z/");
        below.replace("a", "1".into()).await.unwrap();
        assert_eq!(storage.read("x/y/z/a").await.unwrap(), Some("1".into()));
        assert_eq!(listed(&below, "").await, [object("a", 1)]);
        assert_eq!(listed(&storage.at("x"), "y").await, [object("y/z/a", 1)]);
        assert_eq!(below.location("a"), storage.location("x/y/z/a"));
        assert_eq!(below.path_of(&storage.location("x/y/z/a")).as_deref(), Some("a"));
        assert_eq!(below.path_of(&storage.location("x/y/zz/a")), None);
        assert_eq!(below.path_of(&below.location("../z/a")), None);
        let same = Storage::with_store(below.object_store(), "other://place/");
        assert_eq!(same.read("a").await.unwrap(), Some("1".into()));
        assert_eq!(same.location("a"), "other://place/a");
    }
}

#[tokio::test]
async fn paths_that_lead_elsewhere_are_invalid() {
    for (storage, _directory) in both() {
        let long =
            ["", "/a", "a/", "a//b", ".", "../a", "a/../../b", "a/./b", "a\0b", "a\nb", "a#12"];
        for path in long {
            let error = storage.replace(path, "x".into()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{path:?}");
            assert_eq!(storage.read(path).await.unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(storage.delete(path).await.unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(storage.upload(path).finish().await.unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(storage.list("").await.unwrap(), vec![]);
        storage.replace("..a/b..#x/c", "x".into()).await.unwrap();
        assert_eq!(listed(&storage, "").await, [object("..a/b..#x/c", 1)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_creators_one_wins_and_its_bytes_are_whole() {
    for (storage, _directory) in both() {
        for round in 0..4 {
            let path = format!("race {round}/object");
            let start = Arc::new(tokio::sync::Barrier::new(8));
            let racers = (0..8_u8).map(|racer| {
                let (storage, path, start) = (storage.clone(), path.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    let bytes = Bytes::from(vec![racer; 100_000 + usize::from(racer)]);
                    start.wait().await;
                    let created = storage.create(&path, bytes.clone()).await.unwrap();
                    // Whoever lost sees the whole object of the winner at once.
                    let read = storage.read(&path).await.unwrap().unwrap();
                    assert_eq!(read.len(), 100_000 + usize::from(read[0]));
                    (created == Created::Created).then_some(bytes)
                })
            });
            let ended = futures::future::try_join_all(racers).await.unwrap();
            let winners: Vec<_> = ended.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(storage.read(&path).await.unwrap().as_ref(), winners.first());
        }
        assert_eq!(storage.list("").await.unwrap().len(), 4, "nothing but the objects");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_the_old_object_or_the_new_one() {
    for (storage, _directory) in both() {
        storage.replace("hint", vec![0; 50_000].into()).await.unwrap();
        let writer = {
            let storage = storage.clone();
            tokio::spawn(async move {
                for round in 1..=20_u8 {
                    let bytes = vec![round; 50_000 + usize::from(round)];
                    storage.replace("hint", bytes.into()).await.unwrap();
                }
            })
        };
        while !writer.is_finished() {
            let read = storage.read("hint").await.unwrap().unwrap();
            assert_eq!(read.len(), 50_000 + usize::from(read[0]));
            assert!(read.iter().all(|byte| *byte == read[0]));
        }
        writer.await.unwrap();
    }
}
