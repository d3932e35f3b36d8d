//! Ends that stay, and ends that go on.

use super::*;

#[test]
fn an_end_is_stuck_for_as_long_as_it_stays() {
    let (hanging, begun) = (Hanging::default(), Instant::now());
    let of = |partition, seconds, ends| {
        let now = begun + Duration::from_secs(seconds);
        hanging.see(&Partition::new("t", partition), ends, now).map(|time| time.as_secs())
    };
    assert_eq!(of(0, 0, (10, 10)), None);
    assert_eq!(of(0, 1, (10, 12)), Some(0));
    assert_eq!(of(0, 6, (10, 15)), Some(5));
    assert_eq!(of(0, 106, (10, 20)), Some(105));
    assert_eq!(of(0, 107, (15, 20)), Some(0), "another transaction");
    assert_eq!(of(0, 108, (20, 20)), None);
    assert_eq!(of(0, 109, (20, 21)), Some(0));
    assert_eq!(of(1, 200, (20, 21)), Some(0), "another partition");
}
