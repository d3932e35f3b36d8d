//! What people read.

use std::collections::BTreeMap;

use super::*;
use highwater_core::{Backlog, Epoch, Partition, Position, Positions, Timestamp};
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

/// An epoch that took so many records, and left so many in its source.
fn epoch(records: u64, behind: u64) -> Box<Progress> {
    let left = Backlog { partition: Partition::new("tx", 0), end: 0, behind };
    let source = SourceProgress {
        name: "transactions".parse().unwrap(),
        description: String::new(),
        start_offset: Positions::default(),
        end_offset: Positions::default(),
        num_input_rows: records,
        num_input_bytes: 0,
        backlog: vec![left],
        gaps: Vec::new(),
    };
    Box::new(Progress {
        name: "ledger".parse().unwrap(),
        run_id: String::new(),
        batch_id: Epoch(0),
        timestamp: Timestamp(0),
        num_input_rows: records,
        processed_rows_per_second: 0.0,
        duration_ms: Durations::default(),
        sources: vec![source],
        sink: None,
        side_sinks: Vec::new(),
        accounting: Accounting { records, rows: records, rejected: 0 },
    })
}

#[test]
fn the_bar_is_as_long_as_what_is_read_and_what_is_left() {
    let mut display = Display::new("ledger", ProgressKind::Bar);
    let mut bar = |records, behind| {
        display.epoch(epoch(records, behind)).unwrap();
        (display.bar.position(), display.bar.length())
    };
    assert_eq!(bar(100, 300), (100, Some(400)));
    assert_eq!(bar(100, 250), (200, Some(450)), "more has come");
    assert_eq!(bar(250, 0), (450, Some(450)));
    let message = display.bar.message();
    assert!(message.starts_with("epoch 0: 250 records in 0 ms, 0 waiting"), "{message}");
}
