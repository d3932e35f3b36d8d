//! Which files there are, and when they are taken.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use highwater_core::{
    Clock, ErrorKind, Limits, Partition, Position, Positions, Source as _, Timestamp,
};
use highwater_files::FileSource;
use object_store::ObjectStoreExt as _;

use crate::guarded::Guarded;
use crate::reading::{Files, epoch, json, plan, read};

/// Seconds after 1970, as the test turns them.
#[derive(Debug, Default)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst) * 1_000_000)
    }
}

#[tokio::test]
async fn files_are_read_in_the_order_of_their_times_and_once() {
    let files = Files::new();
    files.write("b.json", "{\"id\":2}\n", 20);
    files.write("z.json", "{\"id\":1}\n", 10);
    files.write("a.json", "{\"id\":3}\n{\"id\":4}\n", 20);
    files.write("_a.json", "{\"id\":8}\n", 20);
    files.write(".a.json", "{\"id\":9}\n", 20);
    files.write("below/a.json", "{\"id\":10}\n", 5);
    files.write("_below/a.json", "{\"id\":11}\n", 5);
    let source = files.source();
    let (first, after) = epoch(&source, &Positions::default()).await.unwrap();
    assert_eq!(first.ids, [1, 3, 4, 2]);
    assert!(epoch(&source, &after).await.unwrap().0.ids.is_empty());
    files.write("c.json", "{\"id\":5}\n", 15);
    assert_eq!(epoch(&source, &after).await.unwrap().0.ids, [5]);

    let deep = files.undecoded().subdirectories().decode(json());
    assert_eq!(epoch(&deep, &Positions::default()).await.unwrap().0.ids, [10, 1, 5, 3, 4, 2]);
    // A directory that comes later is found.
    files.write("later/again/a.json", "{\"id\":6}\n", 30);
    assert_eq!(epoch(&deep, &after).await.unwrap().0.ids, [10, 5, 6]);
}

#[tokio::test]
async fn a_file_is_taken_when_it_has_settled() {
    let files = Files::new();
    let clock = Arc::new(Turned::default());
    let source = files.undecoded().clock(Arc::clone(&clock) as _).settle(Duration::from_secs(5));
    let source = source.decode(json());
    let from = Positions::default();
    clock.0.store(100, Ordering::SeqCst);
    files.write("a.json", "{\"id\":1}\n{\"id\":", 98);
    files.write("moved.json", "{\"id\":7}\n", 50);
    let (read, after) = epoch(&source, &from).await.unwrap();
    assert_eq!(read.ids, [7]);
    clock.0.store(102, Ordering::SeqCst);
    files.write("a.json", "{\"id\":1}\n{\"id\":2}", 102);
    clock.0.store(106, Ordering::SeqCst);
    assert!(plan(&source, &after).await.unwrap().ranges.is_empty());
    clock.0.store(107, Ordering::SeqCst);
    let (read, _) = epoch(&source, &after).await.unwrap();
    assert_eq!((read.ids, read.rejected), (vec![1, 2], vec![]));
}

#[tokio::test]
async fn a_run_up_to_what_is_there_waits_for_it_to_settle_and_takes_nothing_else() {
    let files = Files::new();
    fs::write(files.path("a.json"), "{\"id\":1}\n").unwrap();
    let source = files.undecoded().settle(Duration::from_millis(40)).decode(json());
    let from = Positions::default();
    let ends = source.ends(&from).await.unwrap();
    files.write("b.json", "{\"id\":2}\n", 10);
    let planned = source.plan(&from, Some(&ends), &Limits::default()).await.unwrap();
    assert_eq!(read(&source, &planned.ranges).await.unwrap().ids, [1]);
    let after = from.after(&planned.ranges);
    assert_eq!(after.iter().next().unwrap().1.next, ends.iter().next().unwrap().1.next);
    let rest = source.plan(&after, Some(&ends), &Limits::default()).await.unwrap();
    assert_eq!((rest.ranges.len(), rest.backlog[0].behind), (0, 0));
    assert_eq!(epoch(&source, &after).await.unwrap().0.ids, [2]);
}

/// By a clock that stands still nothing ever settles.
#[tokio::test]
async fn what_does_not_settle_is_left_for_the_next_run() {
    let files = Files::new();
    let clock = Arc::new(Turned::default());
    files.write("a.json", "{\"id\":1}\n", 1_000);
    files.write("old.json", "{\"id\":2}\n", 1);
    clock.0.store(1_000, Ordering::SeqCst);
    let source = files.undecoded().clock(clock).settle(Duration::from_millis(20)).decode(json());
    let ends = source.ends(&Positions::default()).await.unwrap();
    assert_eq!(ends.iter().next().unwrap().1.next, 10);
}

#[tokio::test]
async fn limits_are_kept_and_the_rest_is_the_backlog() {
    let files = Files::new();
    for n in 0..10 {
        files.write(&format!("{n}.json"), format!("{{\"id\":{n}}}\n"), 10);
    }
    let source =
        files.undecoded().max_files_per_epoch(NonZeroUsize::new(4).unwrap()).decode(json());
    let planned = plan(&source, &Positions::default()).await.unwrap();
    assert_eq!(planned.backlog[0].behind, 60);
    assert_eq!(planned.ranges[0].to.next, 40);
    let mut limits = Limits::default();
    limits.bytes = 20;
    let source = files.source();
    let planned = source.plan(&Positions::default(), None, &limits).await.unwrap();
    assert_eq!(planned.ranges[0].to.next, 20);
    limits.bytes = 1;
    let planned = source.plan(&Positions::default(), None, &limits).await.unwrap();
    assert_eq!(planned.ranges[0].to.next, 10);
}

#[tokio::test]
async fn a_long_backlog_is_listed_once() {
    let store = Arc::new(Guarded::default());
    for n in 0..100 {
        let line = format!("{{\"id\":{n}}}\n");
        store.put(&format!("in/{n:03}").into(), line.into()).await.unwrap();
    }
    let ten = NonZeroUsize::new(10).unwrap();
    let source = FileSource::prefix(Arc::clone(&store) as _, "in", "memory://in");
    let source = source.settle(Duration::ZERO).max_files_per_epoch(ten).decode(json());
    let (mut from, mut ids) = (Positions::default(), Vec::new());
    for _ in 0..10 {
        let (read, after) = epoch(&source, &from).await.unwrap();
        assert_eq!(read.ids.len(), 10);
        ids.extend(read.ids);
        from = after;
    }
    ids.sort_unstable();
    assert_eq!((ids, store.listed()), ((0..100).collect(), 1));
    assert!(plan(&source, &from).await.unwrap().ranges.is_empty());
    assert_eq!(store.listed(), 2);
}

#[tokio::test]
async fn a_directory_that_is_missing_is_named() {
    let files = Files::new();
    let from = Positions::default();
    for (path, words) in [("nowhere", "there is no directory "), ("file", "is not a directory")] {
        files.write("file", "", 1);
        let source = FileSource::new(files.path(path)).decode(json());
        let error = plan(&source, &from).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(source.ends(&from).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    // One that was there may be mounted again.
    fs::create_dir(files.path("mounted")).unwrap();
    let source = FileSource::new(files.path("mounted")).decode(json());
    plan(&source, &from).await.unwrap();
    fs::remove_dir(files.path("mounted")).unwrap();
    assert_eq!(plan(&source, &from).await.unwrap_err().kind(), ErrorKind::Transient);
    files.write("mounted/a.json", "{\"id\":1}\n", 1);
    assert_eq!(epoch(&source, &from).await.unwrap().0.ids, [1]);
}

#[tokio::test]
async fn positions_of_another_source_are_refused() {
    let files = Files::new();
    files.write("a.json", "", 1);
    let source = files.source();
    let at = |partition, detail: Option<&str>| {
        let detail = detail.map(ToOwned::to_owned);
        Positions::from_iter([(partition, Position { next: 3, detail })])
    };
    let error = plan(&source, &at(Partition::new("orders", 2), None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("orders/2"), "{error}");
    for detail in ["x", "{\"id\":7}"] {
        let ours = Partition::new(source.location(), 0);
        let error = plan(&source, &at(ours, Some(detail))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[test]
fn a_directory_is_named_by_its_absolute_path() {
    let here = std::env::current_dir().unwrap();
    assert_eq!(FileSource::new("a/./../b").location(), here.join("b").to_str().unwrap());
}
