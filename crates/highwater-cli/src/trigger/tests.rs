//! Triggers and texts that are none.

use std::time::Duration;

use super::*;

#[test]
fn a_trigger_is_an_interval_or_what_is_there() {
    assert_eq!(parse_trigger("100ms"), Ok(Trigger::Every(Duration::from_millis(100))));
    assert_eq!(parse_trigger("available-now"), Ok(Trigger::AvailableNow));
    for wrong in ["", "0s", "5", "now"] {
        assert_eq!(parse_trigger(wrong), Err(TriggerError), "{wrong}");
    }
}
