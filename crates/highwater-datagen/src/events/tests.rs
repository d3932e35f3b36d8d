//! Events are written as Python would.

use super::*;
use crate::Generator;
use highwater_codec::parse_timestamp;

fn with(row: u64, micros: u64, value: f64) -> String {
    let mut out = Vec::new();
    Event { row, micros, user: 17, kind: "view", value }.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn is_written_as_python_does() {
    assert_eq!(
        with(12_345, 1_000_001, 12.5),
        "{\"event_id\": \"123_45\", \"timestamp\": \"2025-01-16T00:00:01.000001\", \"user_id\": 17, \
         \"event_type\": \"view\", \"value\": 12.5}"
    );
    assert!(with(7, 0, 10.0).ends_with("\"value\": 10.0}"), "a whole number keeps its point");
    assert!(with(7, 0, 0.1 + 0.2).ends_with("\"value\": 0.30000000000000004}"));
    assert!(with(0, 0, 10.0).starts_with("{\"event_id\": \"0_0\", "));
}

#[test]
fn values_lie_in_their_bounds() {
    assert_eq!(uniform(0).to_bits(), 10.0_f64.to_bits());
    assert!(uniform(u64::MAX) < 1000.0);
    let (mut latest, mut earliest) = (0, u64::MAX);
    for row in 0..5_000 {
        let event = Events::default().event(row, &mut Draw::new(5, row));
        assert!((1..=1_000).contains(&event.user));
        assert!((10.0..1000.0).contains(&event.value));
        let made = LATE * SECOND + row * MICROS_BETWEEN_ROWS;
        let late = (made + MICROS_BETWEEN_ROWS).saturating_sub(event.micros).div_ceil(SECOND) - 1;
        (latest, earliest) = (latest.max(late), earliest.min(late));
        let mut time = Vec::new();
        isoformat(event.micros, &mut time);
        let micros = parse_timestamp(std::str::from_utf8(&time).unwrap()).unwrap();
        let begin = parse_timestamp("2025-01-16T00:00:00").unwrap();
        assert_eq!(micros - begin, i64::try_from(event.micros).unwrap());
    }
    assert_eq!((earliest, latest), (0, 60));
}

#[test]
fn events_never_change() {
    let digest = |generator: &Generator<Events>| {
        let mut out = Vec::new();
        (0..1_000).for_each(|offset| generator.write(offset, &mut out));
        highwater_core::Digest::of(&out).short()
    };
    let events = Generator::new(Events::default()).seed(7);
    let shares = Generator::new(Events::default()).seed(7).bad(0.1).duplicates(0.1);
    assert_eq!((digest(&events).as_str(), digest(&shares).as_str()), ("6ad58bbc", "4c50125d"));
}

#[test]
fn the_last_rows_there_can_be_are_written_too() {
    let generator = Generator::new(Events::default()).bad(0.5);
    for row in u64::MAX - 100..u64::MAX {
        let mut out = Vec::new();
        generator.write(row, &mut out);
        assert!(!out.is_empty() && !out.contains(&b'\n'));
    }
}

#[test]
fn there_are_as_many_users_and_as_much_time_as_asked_for() {
    let events = Events::default().users(3).per_second(4_000);
    let users = (0..100).map(|row| events.event(row, &mut Draw::new(5, row)).user);
    assert_eq!(users.collect::<std::collections::BTreeSet<_>>().len(), 3);
    let last = events.event(4_000_000, &mut Draw::new(5, 4_000_000)).micros;
    assert!((1_000 * SECOND..=(1_000 + LATE) * SECOND).contains(&last), "{last}");
    assert_eq!(events.describe(), "events v1 of 3 users every 250 us");
    assert_eq!(Events::default().users(1_000).per_second(20).describe(), "events v1");
}
