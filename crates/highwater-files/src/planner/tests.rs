//! Plans over listings that the test makes.

use super::*;
use crate::error::Version;
use proptest::prelude::*;

fn file(path: &str, bytes: u64, modified: i64) -> Found {
    Found { path: path.to_owned(), version: Version { bytes, modified } }
}

fn there(mut settled: Vec<Found>, unsettled: Vec<Found>) -> There {
    settled.sort_by(|a, b| a.order().cmp(&b.order()));
    There { settled, unsettled }
}

const LIMITS: Limits = Limits { files: 100, bytes: 1 << 30, remember: 100, piece: 1 << 30 };

/// Plans one epoch that reads all it chooses. Gives the paths, and what was taken then.
fn step(there: &There, next: i64, taken: &Taken, limits: Limits) -> (Vec<String>, i64, Taken) {
    let partition = Partition::new("/data", 0);
    let index = taken.index();
    let left = left(there, &index, None);
    let chosen = choose(left.iter().copied(), limits);
    let paths: Vec<String> = chosen.iter().map(|file| file.path.clone()).collect();
    let parts: Vec<Part> = chosen.iter().map(|file| Part::new(file, b"")).collect();
    let picture = Picture { partition: &partition, next, taken, there, left: &left };
    let planned = plan(picture, parts, &[], limits);
    let Some(range) = planned.ranges.first() else { return (paths, next, taken.clone()) };
    assert_eq!(range.from.next, next);
    (paths, range.to.next, Taken::of(&partition, &range.to).unwrap())
}

#[test]
fn files_are_taken_by_time_and_then_by_path_within_the_limits() {
    let files = vec![file("b", 10, 5), file("a", 10, 5), file("z", 30, 1), file("c", 10, 9)];
    let there = there(files, Vec::new());
    let limits = Limits { bytes: 20, ..LIMITS };
    // The first one is larger than the limit, and taken alone.
    let (paths, next, taken) = step(&there, 0, &Taken::default(), limits);
    assert_eq!((paths, next), (vec!["z".to_owned()], 31));
    let (paths, next, taken) = step(&there, next, &taken, limits);
    assert_eq!((paths, next), (vec!["a".to_owned(), "b".to_owned()], 53));
    let (paths, _, taken) = step(&there, next, &taken, Limits { files: 1, ..LIMITS });
    assert_eq!(paths, ["c"]);
    assert!(step(&there, next, &taken, limits).0.is_empty());
}

#[test]
fn a_late_file_above_the_mark_is_taken() {
    let first = there(vec![file("a", 1, 10), file("c", 1, 30)], Vec::new());
    let (_, next, taken) = step(&first, 0, &Taken::default(), LIMITS);
    assert_eq!(taken.mark, None);
    let second = there(vec![file("a", 1, 10), file("b", 1, 20), file("c", 1, 30)], Vec::new());
    assert_eq!(step(&second, next, &taken, LIMITS).0, ["b"]);
}

#[test]
fn the_mark_follows_what_is_not_remembered_and_passes_nothing_that_is_open() {
    let limits = Limits { remember: 2, ..LIMITS };
    let files: Vec<Found> = (0..5).map(|n| file(&format!("f{n}"), 1, n)).collect();
    let (_, next, taken) = step(&there(files.clone(), Vec::new()), 0, &Taken::default(), limits);
    assert_eq!(taken.mark, Some((2, "f2".to_owned())));
    assert_eq!(taken.below, 3);
    assert_eq!(taken.seen.iter().map(|seen| seen.2.as_str()).collect::<Vec<_>>(), ["f3", "f4"]);

    // One that is still written to keeps the mark before it.
    let open = vec![file("f1a", 1, 1)];
    let (_, _, held) = step(&there(files.clone(), open), 0, &Taken::default(), limits);
    assert_eq!(held.mark, Some((1, "f1".to_owned())));
    assert_eq!(held.seen.len(), 3);

    // Nothing new forgets nothing, and a smaller window forgets more.
    let more = there(vec![file("f5", 1, 5)], Vec::new());
    let (_, _, later) = step(&more, next, &taken, Limits { remember: 1, ..limits });
    assert_eq!(later.mark, Some((4, "f4".to_owned())));
    assert_eq!(later.below, 0, "the files were removed");
}

#[test]
fn a_file_that_was_written_again_is_not_taken_again() {
    let (_, next, taken) =
        step(&there(vec![file("a", 1, 10)], Vec::new()), 0, &Taken::default(), LIMITS);
    let again = there(vec![file("a", 1, 50), file("b", 1, 60)], Vec::new());
    let (paths, _, taken) = step(&again, next, &taken, LIMITS);
    assert_eq!(paths, ["b"]);
    assert_eq!(taken.seen, [Seen(50, 1, "a".to_owned()), Seen(60, 1, "b".to_owned())]);
}

#[test]
fn what_is_lost_is_a_gap_before_the_range() {
    let partition = Partition::new("/data", 0);
    let there = there(vec![file("a", 10, 1), file("b", 20, 2)], Vec::new());
    let taken = Taken::default();
    let left: Vec<&Found> = there.settled.iter().collect();
    let picture =
        Picture { partition: &partition, next: 100, taken: &taken, there: &there, left: &left };
    let lost = [file("a", 10, 1)];
    let planned = plan(picture, vec![Part::new(left[1], b"")], &lost, LIMITS);
    assert_eq!(planned.gaps, [Gap { partition: partition.clone(), from: 100, to: Some(111) }]);
    assert_eq!((planned.ranges[0].from.next, planned.ranges[0].to.next), (111, 132));
    assert!(Taken::of(&partition, &planned.ranges[0].to).unwrap().index().get("a").is_some());
    assert_eq!(planned.backlog[0].behind, 0);
    // Without a range there is nothing that could hold the gap.
    let nothing = plan(picture, Vec::new(), &lost, LIMITS);
    assert!(nothing.gaps.is_empty() && nothing.ranges.is_empty());
    assert_eq!((nothing.backlog[0].behind, nothing.backlog[0].end), (21, 121));
}

proptest! {
    /// However files come, settle and are forgotten, each is taken once: unless it came with a time so
    /// old that the mark had passed it.
    #[test]
    fn every_file_is_taken_once(
        arrivals in prop::collection::vec((0..8_usize, 0..40_i64, 0..3_u64), 1..40),
        files in 1..5_usize,
        remember in 1..12_usize,
    ) {
        let limits = Limits { files, bytes: 2, remember, ..LIMITS };
        let mut taken = Taken::default();
        let mut next = 0;
        let (mut known, mut read, mut late) = (Vec::new(), Vec::new(), 0);
        for round in 0..64 {
            for (number, (when, modified, bytes)) in arrivals.iter().enumerate() {
                if *when == round {
                    let file = file(&format!("f{number}"), *bytes, *modified);
                    late += usize::from(taken.passed(file.order()));
                    known.push(file);
                }
            }
            // In odd rounds the newest file is still written to.
            let mut settled = known.clone();
            let unsettled = if round % 2 == 1 { settled.pop().into_iter().collect() } else { vec![] };
            let (paths, to, after) = step(&there(settled, unsettled), next, &taken, limits);
            prop_assert!(paths.len() <= files);
            prop_assert!(after.mark >= taken.mark);
            read.extend(paths);
            (next, taken) = (to, after);
        }
        let count = read.len();
        read.sort();
        read.dedup();
        prop_assert_eq!(count, read.len(), "taken twice");
        prop_assert_eq!(count + late, arrivals.len());
    }
}
