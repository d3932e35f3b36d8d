//! Levels and key groups.

use super::*;

#[test]
fn sixteen_saves_of_a_level_are_followed_by_one_of_the_next() {
    let levels: Vec<_> = (0..16 * 16 * 16 * 2).map(|epoch| Level::of(Epoch(epoch)).0).collect();
    assert_eq!(levels[..16], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!((levels[255], levels[4095], levels[8191]), (2, 3, 3));
    let count = |level| levels.iter().filter(|it| **it == level).count();
    assert_eq!((count(3), count(2), count(1)), (2, 30, 480));
}

#[test]
fn workers_share_all_groups_and_none_twice() {
    for workers in [1, 2, 3, 5, 128, 130] {
        let mut left = Groups::ALL;
        for worker in 0..workers {
            let mine = Groups::of_worker(worker, workers);
            assert_eq!(left.and(mine), mine);
            left = left.without(mine);
        }
        assert!(left.is_empty());
    }
}

#[test]
fn groups_are_written_as_digits() {
    let groups = Groups::of_worker(1, 2);
    let json = serde_json::to_string(&groups).unwrap();
    assert_eq!(json, format!("\"{}{}\"", "f".repeat(16), "0".repeat(16)));
    assert_eq!(serde_json::from_str::<Groups>(&json).unwrap(), groups);
    assert!(serde_json::from_str::<Groups>("\"x\"").is_err());
    assert!(groups.contains(64) && !groups.contains(63) && !groups.contains(200));
}
