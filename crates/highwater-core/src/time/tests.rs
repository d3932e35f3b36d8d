//! Watermarks at the ends of time.

use super::*;

#[test]
fn the_ends_of_time_are_not_moved() {
    assert_eq!(Timestamp(10).minus(3), Timestamp(7));
    assert_eq!(Timestamp::MIN.minus(3), Timestamp::MIN);
    assert_eq!(Timestamp::MAX.minus(3), Timestamp::MAX);
    assert!(Timestamp(i64::MAX - 1).minus(-5) < Timestamp::MAX);
}

#[test]
fn the_slower_stream_decides() {
    let fast = Watermarks { late_before: Timestamp(5), watermark: Timestamp(9) };
    let slow = Watermarks { late_before: Timestamp(6), watermark: Timestamp(7) };
    let both = Watermarks { late_before: Timestamp(5), watermark: Timestamp(7) };
    assert_eq!(fast.and(slow), both);
    assert_eq!(both.held_back(2).watermark, Timestamp(5));
    assert_eq!(fast.and(Watermarks::UNKNOWN), Watermarks::UNKNOWN);
}
