//! Files that were planned or taken, and did not stay what they were.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use highwater_codec::Format;
use highwater_core::{Error, ErrorKind, Positions};
use highwater_files::{FileSource, OnDataLoss};

use crate::reading::{Files, epoch, json, plan, read};

fn two_files() -> Files {
    let files = Files::new();
    files.write("a.json", "{\"id\":1}\n", 10);
    files.write("b.json", "{\"id\":2}\n", 20);
    files
}

fn skipping(files: &Files) -> FileSource<Arc<dyn Format>> {
    files.undecoded().on_data_loss(OnDataLoss::Skip).decode(json())
}

fn kind(result: Result<crate::reading::Read, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn a_planned_file_that_is_gone_is_refused_or_a_gap() {
    let files = two_files();
    let (strict, source) = (files.source(), skipping(&files));
    let from = Positions::default();
    let planned = plan(&source, &from).await.unwrap();
    files.remove("a.json");
    let error = read(&strict, &planned.ranges).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("a.json is gone; it had 9 bytes"), "{error}");

    // Another plan can do without it, but this one cannot.
    assert_eq!(kind(read(&source, &planned.ranges).await), ErrorKind::Transient);
    let again = plan(&source, &from).await.unwrap();
    assert_eq!(
        again.gaps.iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>(),
        [(0, Some(10))]
    );
    assert_eq!((again.ranges[0].from.next, again.ranges[0].to.next), (10, 20));
    assert_eq!(read(&source, &again.ranges).await.unwrap().ids, [2]);
    assert_eq!(kind(read(&source, &planned.ranges).await), ErrorKind::Refused);
    // What was let go is let go for good.
    files.write("a.json", "{\"id\":1}\n", 10);
    let after = from.after(&again.ranges);
    assert!(plan(&files.source(), &after).await.unwrap().ranges.is_empty());
}

#[tokio::test]
async fn a_planned_file_that_is_another_one_is_planned_again_and_then_refused() {
    type Change = fn(&Files);
    let changes: [(Change, &str); 4] = [
        (|files| files.write("a.json", "{\"id\":1}\n{\"id\":3}\n", 30), "18 bytes"),
        (|files| files.write("a.json", "{\"id\"", 10), "5 bytes"),
        (|files| files.write("a.json", "{\"id\":1}\n", 11), "of time 11.000000"),
        // The same length and time: only its bytes tell.
        (|files| files.write("a.json", "{\"id\":9}\n", 10), "its first bytes differ"),
    ];
    for (change, words) in changes {
        let files = two_files();
        let source = files.source();
        let planned = plan(&source, &Positions::default()).await.unwrap();
        assert_eq!(read(&source, &planned.ranges).await.unwrap().ids, [1, 2]);
        change(&files);
        let error = read(&source, &planned.ranges).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient);
        assert!(error.to_string().contains(words), "{error}");
        let (now, _) = epoch(&source, &Positions::default()).await.unwrap();
        assert_eq!(now.ids.len() + now.rejected.len(), if words == "18 bytes" { 3 } else { 2 });
        assert_eq!(kind(read(&source, &planned.ranges).await), ErrorKind::Refused);
        // Put back as it was, it is the file of the plan.
        files.write("a.json", "{\"id\":1}\n", 10);
        assert_eq!(read(&source, &planned.ranges).await.unwrap().ids, [1, 2]);
    }
}

/// Each worker finds out for itself, and none of them takes it for the second time.
#[tokio::test]
async fn a_large_file_that_is_another_one_is_planned_again_whoever_reads_it() {
    let files = Files::new();
    files.write("a.json", "{\"id\":1}\n".repeat(90), 10);
    let source = files.undecoded().bytes_per_range(NonZeroU64::MIN).decode(json());
    let planned = plan(&source, &Positions::default()).await.unwrap();
    assert!(planned.ranges.len() > 20, "{}", planned.ranges.len());
    let alone = planned.ranges.iter().map(std::slice::from_ref).collect::<Vec<_>>();
    files.write("a.json", "{\"id\":2}\n".repeat(91), 20);
    for range in &alone {
        assert_eq!(kind(read(&source, range).await), ErrorKind::Transient);
    }
    plan(&source, &Positions::default()).await.unwrap();
    for range in &alone {
        assert_eq!(kind(read(&source, range).await), ErrorKind::Refused);
    }
    files.write("a.json", "{\"id\":1}\n".repeat(90), 10);
    assert_eq!(read(&source, &planned.ranges).await.unwrap().ids.len(), 90);
}

#[tokio::test]
async fn a_file_that_grows_after_it_was_taken_is_refused_or_left_out() {
    let files = two_files();
    let (_, after) = epoch(&files.source(), &Positions::default()).await.unwrap();
    files.write("a.json", "{\"id\":1}\n{\"id\":3}\n", 30);
    files.write("c.json", "{\"id\":4}\n", 40);
    let error = plan(&files.source(), &after).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("a.json had 9 bytes of time 10.000000 when"), "{error}");
    let (read, later) = epoch(&skipping(&files), &after).await.unwrap();
    assert_eq!(read.ids, [4]);
    // Once it was let go it is known as it is now.
    assert!(plan(&files.source(), &later).await.unwrap().ranges.is_empty());
}

#[tokio::test]
async fn a_file_that_comes_too_late_is_refused_by_name_or_left_out() {
    let files = two_files();
    let remembering =
        |source: FileSource| source.remember(NonZeroUsize::new(1).unwrap()).decode(json());
    let source = remembering(files.undecoded());
    let (_, after) = epoch(&source, &Positions::default()).await.unwrap();
    assert!(plan(&source, &after).await.unwrap().ranges.is_empty());
    // Between the mark and what is remembered nothing is lost.
    files.write("between.json", "{\"id\":5}\n", 15);
    assert_eq!(epoch(&source, &after).await.unwrap().0.ids, [5]);
    files.write("late.json", "{\"id\":6}\n", 5);
    let error = plan(&source, &after).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("late.json"), "{error}");
    // Whoever starts anew knows only how many there were.
    let error = plan(&remembering(files.undecoded()), &after).await.unwrap_err();
    assert!(error.to_string().starts_with("files: 1 files in "), "{error}");
    let skipping = remembering(files.undecoded().on_data_loss(OnDataLoss::Skip));
    let (read, later) = epoch(&skipping, &after).await.unwrap();
    assert_eq!(read.ids, [5]);
    assert!(plan(&remembering(files.undecoded()), &later).await.unwrap().ranges.is_empty());
    // Touched, it is a new file.
    files.write("late.json", "{\"id\":6}\n", 50);
    assert_eq!(epoch(&source, &later).await.unwrap().0.ids, [6]);
}

#[tokio::test]
async fn files_that_are_removed_once_they_were_taken_are_no_loss() {
    let files = two_files();
    let source = files.undecoded().remember(NonZeroUsize::new(1).unwrap()).decode(json());
    let (_, after) = epoch(&source, &Positions::default()).await.unwrap();
    files.remove("a.json");
    files.remove("b.json");
    files.write("c.json", "{\"id\":3}\n", 30);
    let (read, later) = epoch(&source, &after).await.unwrap();
    assert_eq!(read.ids, [3]);
    let anew = files.undecoded().remember(NonZeroUsize::new(1).unwrap()).decode(json());
    assert!(plan(&anew, &later).await.unwrap().ranges.is_empty());
}
