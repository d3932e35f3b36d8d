//! Runs of versions with and without holes.

use highwater_storage::{Created, Storage};

use super::{Versions, version_of};
use crate::layout::TableFiles;

#[test]
fn only_names_as_they_are_written_are_versions() {
    assert_eq!(version_of("metadata/v12.metadata.json"), Some(12));
    let others = [
        "metadata/v012.metadata.json",
        "metadata/v+1.metadata.json",
        "metadata/v.metadata.json",
        "metadata/00001-a.metadata.json",
        "metadata/v1.gz.metadata.json",
        "metadata/old/v1.metadata.json",
        "data/v1.metadata.json",
    ];
    for path in others {
        assert_eq!(version_of(path), None, "{path}");
    }
}

async fn files(versions: &[u64]) -> Versions {
    let files = TableFiles::new("demo.orders", &Storage::memory(), "demo/orders");
    let files = Versions::new(files);
    for number in versions {
        let made = files.create_version(*number, number.to_string().into()).await.unwrap();
        assert_eq!(made, Created::Created);
    }
    files
}

async fn newest(files: &Versions, seen: Option<u64>) -> Option<u64> {
    files.newest(seen).await.unwrap().map(|version| {
        assert_eq!(version.bytes, version.number.to_string());
        version.number
    })
}

#[tokio::test]
async fn the_newest_version_is_above_every_known_one() {
    assert_eq!(newest(&files(&[]).await, None).await, None);
    let run = files(&[3, 4, 5]).await;
    for seen in [None, Some(3), Some(5), Some(1), Some(9)] {
        assert_eq!(newest(&run, seen).await, Some(5), "{seen:?}");
    }
}

#[tokio::test]
async fn what_stands_below_a_hole_is_not_current() {
    let strayed = files(&[3, 7, 8]).await;
    assert_eq!(newest(&strayed, None).await, Some(8));
    assert_eq!(newest(&strayed, Some(2)).await, Some(8));
}

#[tokio::test]
async fn publishing_needs_the_base() {
    let files = files(&[2, 3, 5]).await;
    files.publish(3, &[]).await.unwrap();
    assert!(files.publish(5, &[]).await.is_err());
    assert_eq!(files.hint().await.unwrap(), Some(3));
}

#[tokio::test]
async fn old_versions_go_from_below_and_never_the_base() {
    let files = files(&[1, 2, 3, 4, 5, 6]).await;
    let expired = [files.location(3), "/elsewhere/v5.metadata.json".to_owned()];
    files.publish(6, &expired).await.unwrap();
    for number in 1..=6 {
        assert_eq!(files.read(number).await.unwrap().is_some(), number > 3, "{number}");
    }
    files.publish(6, &[files.location(5)]).await.unwrap();
    assert!(files.read(5).await.unwrap().is_some());
}
