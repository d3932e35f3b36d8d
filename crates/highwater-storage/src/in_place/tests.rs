//! Parts of an object are the same in place and fetched, and what is not there is said.

use crate::Storage;

use super::*;

async fn read_parts(storage: Storage) {
    assert!(storage.read_in_place("state/1").await.unwrap().is_none());
    let created = storage.create("state/1", Bytes::from_static(b"0123456789")).await.unwrap();
    assert_eq!(created, crate::Created::Created);
    let (object, length) = storage.read_in_place("state/1").await.unwrap().unwrap();
    assert_eq!(length, 10);
    assert_eq!(object.location(), storage.location("state/1"));
    assert_eq!(object.read_at(2..5).unwrap(), "234");
    assert_eq!(object.read_at(10..10).unwrap(), "");
    #[expect(clippy::reversed_empty_ranges, reason = "what a damaged footer may ask for")]
    for range in [0..11, 5..4, 11..12, 0..u64::MAX] {
        let error = object.read_at(range.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{range:?}");
        assert!(error.to_string().contains("state/1"), "{error}");
    }
    storage.delete("state/1").await.unwrap();
    assert_eq!(object.read_at(2..5).unwrap(), "234");
}

#[tokio::test]
async fn parts_of_an_object_are_read_in_place() {
    let directory = tempfile::tempdir().unwrap();
    read_parts(Storage::open(directory.path().to_str().unwrap()).unwrap()).await;
    read_parts(Storage::open(directory.path().to_str().unwrap()).unwrap().at("a b")).await;
}

#[tokio::test]
async fn parts_of_an_object_are_read_that_was_fetched() {
    read_parts(Storage::memory()).await;
}
