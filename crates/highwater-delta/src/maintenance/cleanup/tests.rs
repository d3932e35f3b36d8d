//! Logs of all shapes, and what goes of each.

use super::*;

const UUID: &str = "2f8c0f0a-0000-4000-8000-00000000000a";

fn log(files: &[(u64, &str, i64)]) -> LogFiles {
    let object = |(version, rest, modified_ms): &(u64, &str, i64)| Object {
        path: format!("{LOG}/{version:020}.{rest}"),
        bytes: 1,
        modified_ms: *modified_ms,
    };
    LogFiles::of(files.iter().map(object).collect())
}

/// Ten commits, written at the time of their version, and checkpoints of some.
fn ten(checkpoints: &[u64]) -> LogFiles {
    let commits = (0_u64..10).map(|version| (version, "json", version.cast_signed()));
    let checkpoints = checkpoints.iter().map(|version| (*version, "checkpoint.parquet", 99));
    log(&commits.chain(checkpoints).collect::<Vec<_>>())
}

/// The first version that stays, and how many files go.
fn goes(log: &LogFiles, before: i64, marked: u64) -> Option<(u64, usize)> {
    log.expired(before, marked).map(|(first, paths)| (first, paths.len()))
}

const NOT_MARKED: u64 = u64::MAX;

#[test]
fn a_log_begins_with_the_checkpoint_before_what_is_kept() {
    let log = ten(&[2, 5, 8]);
    assert_eq!(log.newest_checkpoint(), Some(8));
    assert_eq!(goes(&log, 100, NOT_MARKED), Some((8, 10)));
    assert_eq!(goes(&log, 7, NOT_MARKED), Some((8, 10)));
    assert_eq!(goes(&log, 6, NOT_MARKED), Some((5, 6)));
    assert_eq!(goes(&log, 4, NOT_MARKED), Some((5, 6)));
    assert_eq!(goes(&log, 1, NOT_MARKED), Some((2, 2)));
    assert_eq!(goes(&log, 0, NOT_MARKED), None);
}

#[test]
fn the_commit_of_a_marker_stays_and_all_after_it() {
    let log = ten(&[2, 5, 8]);
    assert_eq!(goes(&log, 100, 8), Some((8, 10)));
    assert_eq!(goes(&log, 100, 7), Some((5, 6)));
    assert_eq!(goes(&log, 100, 0), None);
}

#[test]
fn without_a_whole_checkpoint_nothing_goes() {
    assert_eq!(goes(&ten(&[]), 100, NOT_MARKED), None);
    let part = "checkpoint.0000000001.0000000002.parquet";
    let log = log(&[(0, "json", 0), (1, "json", 0), (1, part, 0), (2, "json", 0)]);
    assert_eq!((log.newest_checkpoint(), goes(&log, 100, NOT_MARKED)), (None, None));
}

#[test]
fn a_commit_that_was_touched_later_keeps_those_behind_it() {
    let log = log(&[
        (0, "json", 0),
        (1, "json", 50),
        (2, "json", 1),
        (2, "checkpoint.parquet", 1),
        (3, "json", 2),
    ]);
    assert_eq!(goes(&log, 10, NOT_MARKED), None);
    assert_eq!(goes(&log, 50, NOT_MARKED), Some((2, 2)));
}

#[test]
fn everything_of_an_old_version_goes_and_nothing_foreign() {
    let compacted = format!("{:020}.compacted.json", 2);
    let v2 = format!("checkpoint.{UUID}.json");
    let log = log(&[
        (0, "json", 0),
        (0, "crc", 0),
        (0, "checkpoint.0000000001.0000000002.parquet", 0),
        (0, &compacted, 0),
        (0, "json.tmp", 0),
        (0, "checkpoint.old", 0),
        (1, "json", 0),
        (2, "json", 0),
        (2, &v2, 0),
        (3, "json", 0),
        (3, "checkpoint.parquet", 0),
    ]);
    let (first, paths) = log.expired(100, 2).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.strip_prefix(LOG).unwrap()).collect();
    let zero = |rest: &str| format!("/{:020}.{rest}", 0);
    let one = format!("/{:020}.json", 1);
    let wanted = [zero("checkpoint.0000000001.0000000002.parquet"), zero("crc"), zero("json"), one];
    assert_eq!((first, names), (2, wanted.iter().map(String::as_str).collect()));
    assert_eq!(log.newest_checkpoint(), Some(3));
    for other in ["_last_checkpoint", "_sidecars/a.parquet", "1.json", "x.json"] {
        assert_eq!(read_name(other), None, "{other}");
    }
}
