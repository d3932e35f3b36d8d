//! Durations and texts that are none.

use super::*;

#[test]
fn durations_have_a_unit_and_are_not_empty() {
    for (text, millis) in
        [("100ms", 100), ("5s", 5_000), ("2m", 120_000), ("4294967295h", 4_294_967_295 * 3_600_000)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for wrong in ["", "5", "s", "0s", "5 s", "-5s", "1.5s", "5S", "4294967296s", "now"] {
        assert_eq!(parse_duration(wrong), Err(DurationError), "{wrong}");
    }
}
