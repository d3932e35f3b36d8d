//! When a table is read.

use highwater_core::{Epoch, Partition, Position, RangeId, SourcePlan, Timestamp};

use super::*;

fn plan(version: i64) -> EpochPlan {
    let range = Range {
        id: RangeId(0),
        partition: Partition::new("users", 0),
        from: Position::at(0),
        to: Position::at(version),
    };
    let part = SourcePlan { ranges: vec![range], ..SourcePlan::default() };
    EpochPlan {
        epoch: Epoch(0),
        now: Timestamp(0),
        sources: [("users".parse().unwrap(), part)].into(),
        targets: Default::default(),
        watermarks: Default::default(),
        last: false,
    }
}

#[test]
fn a_version_is_read_when_it_is_not_the_one_of_the_plan_before() {
    let mut version = Version::new("users".parse().unwrap());
    let read = [1, 1, 2, 2, 1].map(|number| version.moves_to(&plan(number)));
    assert_eq!(read, [true, false, true, false, true]);
}
