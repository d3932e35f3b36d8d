//! Triggers and texts that are none.

use super::*;

#[test]
fn intervals_have_a_unit_and_are_not_empty() {
    let every = |millis| Ok(Trigger::Every(Duration::from_millis(millis)));
    assert_eq!(parse_trigger("100ms"), every(100));
    assert_eq!(parse_trigger("5s"), every(5_000));
    assert_eq!(parse_trigger("2m"), every(120_000));
    assert_eq!(parse_trigger("4294967295h"), every(4_294_967_295 * 3_600_000));
    for wrong in ["", "5", "s", "0s", "5 s", "-5s", "1.5s", "5S", "4294967296s", "now"] {
        assert_eq!(parse_trigger(wrong), Err(TriggerError), "{wrong}");
    }
}
