//! What holds of a directory only.

use std::fs;
use std::path::Path;
use std::process::Command;

use highwater_core::ErrorKind;
use highwater_storage::{Created, Storage};
use object_store::ObjectStoreExt;

fn open(path: &Path) -> Storage {
    Storage::open(path.to_str().unwrap()).unwrap()
}

/// Every name below `directory`, staged files included.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn another_process_reads_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("log");
    assert_eq!(open(&root).create("e/1", "one".into()).await.unwrap(), Created::Created);
    assert_eq!(fs::read(root.join("e/1")).unwrap(), b"one");
    assert_eq!(names(&root.join("e")), ["1"]);
    let reopened = open(&root);
    assert_eq!(reopened.read("e/1").await.unwrap(), Some("one".into()));
    assert_eq!(reopened.create("e/1", "two".into()).await.unwrap(), Created::Exists);
    assert_eq!(names(&root.join("e")), ["1"]);
}

#[tokio::test]
async fn opening_makes_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    let storage = open(&root);
    assert_eq!(storage.read("c").await.unwrap(), None);
    assert_eq!(storage.list("").await.unwrap(), vec![]);
    storage.delete("c").await.unwrap();
    assert!(!directory.path().join("a").exists());
}

#[test]
fn locations_are_absolute_paths() {
    let here = std::env::current_dir().unwrap().into_os_string().into_string().unwrap();
    let relative = Storage::open("x/../data/warehouse/").unwrap();
    assert_eq!(relative.location("a/b"), format!("{here}/data/warehouse/a/b"));
    assert_eq!(relative.location(""), format!("{here}/data/warehouse"));
    for url in ["file:///data/ware%20house", "/data/ware house", "/data/./x/../ware house/"] {
        let storage = Storage::open(url).unwrap();
        assert_eq!(storage.location("a b"), "/data/ware house/a b");
        for same in [
            "/data/ware house/a b",
            "file:///data/ware house/a b",
            "file:/data/ware house/a b",
            "file:///data/ware%20house/a%20b",
        ] {
            assert_eq!(storage.path_of(same).as_deref(), Some("a b"), "{same}");
        }
        for other in ["/data/ware house", "/data/ware housemate/a", "s3://data/ware house/a", "a"] {
            assert_eq!(storage.path_of(other), None, "{other}");
        }
    }
}

#[test]
fn other_schemes_are_invalid() {
    for url in ["s3://bucket/x", "http://host/x", "file://host/x", "", "a\0b"] {
        let error = Storage::open(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url:?}");
        assert!(!error.next_step().is_empty());
    }
}

#[tokio::test]
async fn what_a_killed_process_left_is_not_listed_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a#4711000001"), "half").unwrap();
    let storage = open(directory.path());
    assert_eq!(storage.list("").await.unwrap(), vec![]);
    assert_eq!(storage.create("a", "whole".into()).await.unwrap(), Created::Created);
    assert_eq!(names(directory.path()), ["a", "a#4711000001"]);
}

#[tokio::test]
async fn a_directory_that_vanished_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let storage = open(&root);
    storage.replace("a/b/c", "1".into()).await.unwrap();
    fs::remove_dir_all(&root).unwrap();
    storage.replace("a/b/c", "2".into()).await.unwrap();
    assert_eq!(storage.read("a/b/c").await.unwrap(), Some("2".into()));
}

#[tokio::test]
async fn a_file_in_the_way_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path());
    storage.replace("a", "1".into()).await.unwrap();
    let error = storage.replace("a/b", "2".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("/a/b"), "{error}");
    storage.replace("d/e", "1".into()).await.unwrap();
    let error = storage.replace("d", "2".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(storage.list("").await.unwrap().len(), 2);
}

#[tokio::test]
async fn copies_are_objects_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path());
    storage.replace("a", "1".into()).await.unwrap();
    let store = storage.object_store();
    store.copy(&"a".into(), &"x/b".into()).await.unwrap();
    assert!(store.copy_if_not_exists(&"a".into(), &"x/b".into()).await.is_err());
    assert_eq!(storage.read("x/b").await.unwrap(), Some("1".into()));
    assert!(store.list_with_delimiter(None).await.unwrap().common_prefixes.len() == 1);
}

#[test]
fn it_works_without_a_runtime() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path());
    futures::executor::block_on(async {
        assert_eq!(storage.create("a", "1".into()).await.unwrap(), Created::Created);
        let mut upload = storage.upload("b");
        upload.push("2".into());
        upload.ready().await.unwrap();
        assert_eq!(upload.finish().await.unwrap(), 1);
        assert_eq!(storage.list("").await.unwrap().len(), 2);
    });
}

/// A small file system of its own; none where this process may not mount one.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(directory.path())
            .output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(directory))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).output().ok();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("size=256k") else { return };
    let storage = open(disk.0.path());
    storage.replace("a/kept", vec![1; 100_000].into()).await.unwrap();
    for round in 0..3 {
        let error = storage.create("a/b", vec![round; 400_000].into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.next_step().contains("space"), "{}", error.next_step());
        let mut upload = storage.upload("a/large");
        upload.push(vec![0; 13 << 20].into());
        let ended = match upload.ready().await {
            Ok(()) => upload.finish().await,
            Err(error) => Err(error),
        };
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Refused);
    }
    // An upload that failed is aborted behind the answer, and a file keeps its room until it is closed.
    let created = loop {
        match storage.create("a/b", vec![9; 100_000].into()).await {
            Err(full) if full.kind() == ErrorKind::Refused => tokio::task::yield_now().await,
            created => break created,
        }
    };
    assert_eq!(created.unwrap(), Created::Created);
    while names(&disk.0.path().join("a")).len() > 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(storage.length("a/kept").await.unwrap(), Some(100_000));
}

#[tokio::test]
async fn a_read_only_disk_refuses_writes_and_is_read() {
    let Some(disk) = Tmpfs::mount("size=256k") else { return };
    open(disk.0.path()).replace("a/b", "1".into()).await.unwrap();
    let remounted =
        Command::new("mount").args(["-o", "remount,ro"]).arg(disk.0.path()).output().unwrap();
    assert!(remounted.status.success());
    let storage = open(disk.0.path());
    assert_eq!(storage.read("a/b").await.unwrap(), Some("1".into()));
    for path in ["a/b", "a/c", "new/d"] {
        let error = storage.replace(path, "2".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.next_step().contains("writable"), "{}", error.next_step());
    }
}
