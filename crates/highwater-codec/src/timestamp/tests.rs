//! Years that Python does not have. All else is in `tests/it/oracle.rs`.

use super::{days_in, days_since_epoch, parse_timestamp};
use crate::Problem;

#[test]
fn the_year_0_is_a_leap_year() {
    let day = 86_400_000_000;
    let first = parse_timestamp("0001-01-01T00:00:00Z").unwrap();
    assert_eq!(parse_timestamp("0000-01-01T00:00:00Z"), Ok(first - 366 * day));
    assert_eq!(parse_timestamp("0000-02-29T00:00:00+00:00"), Ok(first - 307 * day));
    assert_eq!(parse_timestamp("0000-02-30T00:00:00"), Err(Problem::OutOfRange));
    assert_eq!(parse_timestamp("0000-01-01T00:00:00+01:00"), Ok(first - 366 * day - day / 24));
}

#[test]
fn days_follow_each_other_over_all_years() {
    let mut expected = days_since_epoch(0, 1, 1);
    for year in 0..=9_999 {
        for month in 1..=12 {
            assert_eq!(days_since_epoch(year, month, 1), expected, "{year}-{month}");
            expected += days_in(year, month);
        }
    }
}
