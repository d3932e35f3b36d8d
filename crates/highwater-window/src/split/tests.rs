//! All ways of splitting rows up against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn rows_are_split_up_by_pane_in_their_order(
        times in proptest::collection::vec(proptest::option::of(-60_i64..60), 0..40),
        far in proptest::option::of(any::<i64>()), near in any::<bool>(),
        size in 1_u64..30, floor in -70_i64..70,
    ) {
        let size = Duration::from_micros(size);
        let panes = Panes::try_new(size, size, Duration::from_micros(3)).unwrap();
        let mut times: Vec<_> = times.into_iter().chain([far]).collect();
        if near {
            // As of a batch of rows in order: none without a time, and often all in one pane.
            times.retain(Option::is_some);
            times.iter_mut().flatten().for_each(|time| *time = time.rem_euclid(8));
        }
        let mut expected: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        let mut late = Vec::new();
        for (row, time) in (0..).zip(&times) {
            let time = time.filter(|time| panes.times().contains(time) && *time >= floor);
            match time.map(|time| panes.of(time)) {
                Some(pane) => expected.entry(pane).or_default().push(row),
                None => late.push(row),
            }
        }
        let (split, marks) = split(&times.iter().copied().collect(), &panes, floor);
        let found: BTreeMap<i64, Vec<u32>> =
            split.parts().map(|(pane, rows)| (pane, rows.to_vec())).collect();
        prop_assert_eq!(found, expected);
        let marked = marks.iter().flat_map(|marks| (0..).zip(marks.iter()));
        let marked: Vec<u32> = marked.filter(|(_, it)| *it == Some(true)).map(|(row, _)| row).collect();
        prop_assert_eq!(marked, late);
    }
}
