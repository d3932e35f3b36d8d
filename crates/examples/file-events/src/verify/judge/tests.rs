//! The second opinion agrees with the codec.

use highwater_codec::{Format as _, Json, Records, Span};
use highwater_datagen::{Events, Generator};

use super::super::tables::events_of;
use super::*;
use crate::columns;

#[test]
fn events_and_rejected_records_are_those_of_the_codec() {
    let generator = Generator::new(Events::default()).seed(11).bad(0.5);
    let mut decoder = Json::try_new(columns::events()).unwrap().decoder();
    let time = r#""timestamp":"2025-01-16T00:00:00""#;
    let with = |user: &str, value: &str, kind: &str| {
        format!(r#"{{"event_id":"a",{time},"user_id":{user},"event_type":{kind},"value":{value}}}"#)
    };
    let mut records: Vec<Vec<u8>> =
        ["", "{}", "[1,2,3,4,5]", r#"{"event_id":"a"}"#].map(Into::into).into();
    for (user, value, kind) in [
        ("1", "1", "\"x\""),
        ("1.0", "-0.0", "7"),
        ("1e3", "1e2", "\"\\u00e9\""),
        ("1.5", "1", "\"x\""),
        ("9223372036854775807", "1e-400", "\"x\""),
        ("9223372036854775808", "1", "\"x\""),
        ("-9223372036854775808", "0.1", "\"x\""),
        ("\"1\"", "1", "\"x\""),
        ("1", "\"1\"", "\"x\""),
        ("1", "1e400", "\"x\""),
        ("1", "true", "\"x\""),
        ("1", "-", "\"x\""),
        ("1", "01", "\"x\""),
        ("1", "1", "null"),
        ("null", "1", "\"x\""),
        ("1", "0.30000000000000004", "\"\""),
        ("1", "-0", "\"x\""),
        ("1", "9007199254740993", "\"x\",\"value\":1"),
        ("1", "2", "\"x\",\"more\":[{}]"),
    ] {
        records.push(with(user, value, kind).into());
    }
    for offset in 0..2_000 {
        let mut record = Vec::new();
        generator.write(offset, &mut record);
        records.push(record);
    }
    for record in &records {
        let values = [Some(Span { start: 0, end: u32::try_from(record.len()).unwrap() })];
        let mut outcomes = Vec::new();
        let rows = decoder.decode(&Records { data: record, values: &values }, &mut outcomes);
        let decoded: Vec<Event> = events_of(&rows.unwrap()).unwrap().collect();
        let text = String::from_utf8_lossy(record);
        assert_eq!(judge(Some(record)).as_slice(), decoded, "{text}: {outcomes:?}");
    }
    assert_eq!(judge(None), None);
}
