//! Whose saved state is whose.

use super::*;

#[test]
fn the_groups_of_an_object_go_to_the_workers_of_today() {
    let by_key = Routing::ByKey(vec!["id".to_owned()]);
    let saved = Groups::of_worker(0, 2);
    let mut left = saved;
    for worker in 0..3 {
        left = left.without(Part::of_worker(&by_key, (worker, 3)).within(saved));
    }
    assert!(left.is_empty());
    assert!(Part::of_worker(&by_key, (2, 3)).within(saved).is_empty());
}

#[test]
fn all_that_a_single_worker_saved_goes_to_the_first_of_today() {
    for workers in 1..4 {
        let first = Part::of_worker(&Routing::Single, (0, workers));
        assert_eq!(first.within(Groups::of_worker(0, 3)), Groups::ALL);
        assert!(first.within(Groups::of_worker(1, 3)).is_empty());
        let second = Part::of_worker(&Routing::Single, (1, workers));
        assert!(second.within(Groups::of_worker(0, 3)).is_empty());
    }
}
