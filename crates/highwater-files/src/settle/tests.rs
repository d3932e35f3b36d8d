//! Files that are written, by a clock that the test turns.

use super::*;

const SECOND: i64 = 1_000_000;

fn file(path: &str, bytes: u64, modified: i64) -> Found {
    Found { path: path.to_owned(), version: Version { bytes, modified } }
}

/// The paths of those that have settled.
fn settled(settling: &mut Settling, files: &[Found], now: i64) -> Vec<String> {
    let (settled, unsettled) = settling.sort(files.to_vec(), now, Duration::from_secs(1));
    assert_eq!(settled.len() + unsettled.len(), files.len());
    settled.into_iter().map(|file| file.path).collect()
}

#[test]
fn a_file_settles_when_it_was_left_alone_for_long_enough() {
    let mut settling = Settling::default();
    let written = |at: i64| [file("a", 10, at)];
    assert!(settled(&mut settling, &written(100 * SECOND), 100 * SECOND).is_empty());
    assert!(settled(&mut settling, &written(100 * SECOND), 101 * SECOND - 1).is_empty());
    assert_eq!(settled(&mut settling, &written(100 * SECOND), 101 * SECOND), ["a"]);
}

#[test]
fn a_file_that_grows_does_not_settle() {
    let mut settling = Settling::default();
    for second in 100..110 {
        let now = second * SECOND;
        assert!(
            settled(&mut settling, &[file("a", 10 + second.unsigned_abs(), now)], now).is_empty()
        );
    }
    assert_eq!(settled(&mut settling, &[file("a", 119, 109 * SECOND)], 110 * SECOND), ["a"]);
}

#[test]
fn a_file_that_was_moved_in_has_settled_at_first_sight() {
    let mut settling = Settling::default();
    assert_eq!(settled(&mut settling, &[file("a", 10, 5 * SECOND)], 100 * SECOND), ["a"]);
}

#[test]
fn a_time_of_another_clock_settles_by_being_seen() {
    let mut settling = Settling::default();
    let ahead = [file("a", 10, 900 * SECOND)];
    assert!(settled(&mut settling, &ahead, 100 * SECOND).is_empty());
    assert!(settled(&mut settling, &ahead, 101 * SECOND - 1).is_empty());
    assert_eq!(settled(&mut settling, &ahead, 101 * SECOND), ["a"]);
    // It grows without another time: what was seen before says nothing.
    let mut settling = Settling::default();
    assert!(settled(&mut settling, &ahead, 100 * SECOND).is_empty());
    let grown = [file("a", 11, 900 * SECOND)];
    assert!(settled(&mut settling, &grown, 101 * SECOND).is_empty());
    assert_eq!(settled(&mut settling, &grown, 102 * SECOND), ["a"]);
}

#[test]
fn a_file_that_went_away_begins_anew() {
    let mut settling = Settling::default();
    let ahead = [file("a", 10, 900 * SECOND)];
    assert!(settled(&mut settling, &ahead, 100 * SECOND).is_empty());
    assert!(settled(&mut settling, &[], 100 * SECOND).is_empty());
    assert!(settled(&mut settling, &ahead, 101 * SECOND).is_empty());
}
