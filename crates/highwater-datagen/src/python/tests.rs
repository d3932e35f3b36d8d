//! Digits and days.

use super::*;

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(date(0), (2025, 1, 16));
    assert_eq!(date(44), (2025, 3, 1));
    assert_eq!(date(1_139), (2028, 2, 29));
    assert_eq!(date(27_437), (2100, 3, 1));
}

#[test]
fn a_time_has_a_fraction_unless_it_is_zero() {
    let time = |micros| {
        let mut out = Vec::new();
        isoformat(micros, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(time(0), "2025-01-16T00:00:00");
    assert_eq!(time(86_400_000_007), "2025-01-17T00:00:00.000007");
}
