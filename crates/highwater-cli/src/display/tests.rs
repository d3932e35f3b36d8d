//! What people read.

use std::collections::BTreeMap;

use super::*;
use highwater_core::{Backlog, Epoch, Partition, Position, Positions, Timestamp, Withheld};
use highwater_pipeline::{Durations, SourceProgress};

#[test]
fn the_start_says_where_it_stands_and_from_where_it_knows() {
    let anew = Began { after: None, known_from: String::new(), positions: BTreeMap::new() };
    assert!(standing(&anew).starts_with("begins anew"));
    let places =
        [(Partition::new("tx", 0), Position::at(7)), (Partition::new("tx", 1), Position::at(9))];
    let positions = Positions::from_iter(places);
    let resumed = Began {
        after: Some(Epoch(3)),
        known_from: "the checkpoint /c".to_owned(),
        positions: BTreeMap::from([("transactions".parse().unwrap(), positions)]),
    };
    let expected = "resumes after epoch 3 (tx/0 at 7, tx/1 at 9), known from the checkpoint /c";
    assert_eq!(standing(&resumed), expected);
}

fn epoch(withheld: Option<Withheld>, throttled_ms: u64) -> Progress {
    let backlog = Backlog { partition: Partition::new("tx", 0), end: 50, behind: 40, withheld };
    let source = SourceProgress {
        name: "transactions".parse().unwrap(),
        description: String::new(),
        start_offset: Positions::default(),
        end_offset: Positions::default(),
        num_input_rows: 10,
        num_input_bytes: 0,
        records_behind: 40,
        backlog: vec![backlog],
        throttled_ms,
        gaps: Vec::new(),
    };
    Progress {
        event_time: Default::default(),
        name: "ledger".parse().unwrap(),
        run_id: String::new(),
        batch_id: Epoch(3),
        timestamp: Timestamp(0),
        num_input_rows: 10,
        processed_rows_per_second: 1.0,
        duration_ms: Durations { trigger_execution: 7, ..Durations::default() },
        sources: vec![source],
        sink: None,
        side_sinks: Vec::new(),
        accounting: Accounting::default(),
    }
}

#[test]
fn the_line_names_what_others_hold_up_once_it_is_long() {
    let plain = "epoch 3: 10 records in 7 ms, 40 waiting; 0 rows and 0 rejected so far";
    let line = |withheld, throttled| line(&epoch(withheld, throttled), &Accounting::default());
    let withheld = |millis| Some(Withheld { offsets: 1234, millis });
    assert_eq!(line(None, 0), plain);
    assert_eq!(line(withheld(9_000), 499), plain, "that is everyday");
    let hangs = "40 waiting, 1,234 withheld by transactions open for 75 s; ";
    assert!(line(withheld(75_000), 0).contains(hangs));
    assert!(line(withheld(1), 800).contains("40 waiting, throttled for 800 ms; "));
}

#[test]
fn json_tells_what_is_behind_withheld_and_throttled() {
    let progress = epoch(Some(Withheld { offsets: 6, millis: 9 }), 7);
    let text = serde_json::to_string(&progress).unwrap();
    let backlog = r#""recordsBehind":40,"backlog":[{"partition":"tx/0","end":50,"behind":40,"withheld":{"offsets":6,"millis":9}}],"throttledMs":7,"#;
    assert!(text.contains(backlog), "{text}");
}

#[test]
fn the_templates_of_line_and_bar_are_templates() {
    for template in [LINE, BAR] {
        assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
    }
}

#[test]
fn the_bar_is_as_long_as_what_is_read_and_what_is_left() {
    let mut display = Display::new("ledger", ProgressKind::Bar);
    let mut bar = |records, behind| {
        let mut progress = epoch(None, 0);
        progress.num_input_rows = records;
        progress.accounting = Accounting { records, rows: records, rejected: 0 };
        progress.sources[0].records_behind = behind;
        display.epoch(Box::new(progress)).unwrap();
        (display.bar.position(), display.bar.length())
    };
    assert_eq!(bar(100, 300), (100, Some(400)));
    assert_eq!(bar(100, 250), (200, Some(450)), "more has come");
    assert_eq!(bar(250, 0), (450, Some(450)));
    let message = display.bar.message();
    assert!(message.starts_with("epoch 3: 250 records in 7 ms, 0 waiting"), "{message}");
}

#[test]
fn while_nothing_can_be_read_the_line_says_what_keeps_it_back() {
    let mut display = Display::new("ledger", ProgressKind::Bar);
    let mut message = |withheld| {
        let sources = epoch(withheld, 0).sources;
        let (name, run_id) = ("ledger".parse().unwrap(), String::new());
        display.show(Event::Idle(Idle { name, run_id, timestamp: Timestamp(0), sources })).unwrap();
        display.bar.message()
    };
    assert_eq!(message(None), "waiting for records");
    let open = "waiting for records, 6 withheld by transactions open for 75 s";
    assert_eq!(message(Some(Withheld { offsets: 6, millis: 75_000 })), open);
}
