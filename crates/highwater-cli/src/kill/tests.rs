//! Which failpoint kills, and when.

use super::*;

#[test]
fn names_a_failpoint_and_which_time() {
    let kill = KillAt::parse("commit.before-swap:3").unwrap();
    assert_eq!(kill.point, Failpoint::BeforeSwap);
    assert_eq!(kill.left.into_inner(), 3);
    assert_eq!(KillAt::parse("read.planned").unwrap().left.into_inner(), 1);
}

#[test]
fn passes_over_other_failpoints_and_earlier_times() {
    let kill = KillAt::parse("read.planned:3").unwrap();
    for point in [Failpoint::Planned, Failpoint::Loaded, Failpoint::Planned, Failpoint::Trimmed] {
        kill.hit(point).unwrap();
    }
    assert_eq!(kill.left.into_inner(), 1);
}

#[test]
fn unknown_names_are_refused_with_all_known_ones() {
    for wrong in ["", "read", "read.planned:0", "read.planned:x", "read.planned:"] {
        let error = KillAt::parse(wrong).unwrap_err().to_string();
        assert!(error.contains("read.planned, read.payload"), "{error}");
    }
}
