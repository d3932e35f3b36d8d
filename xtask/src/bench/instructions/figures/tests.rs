//! Figures of made-up runs.

use super::*;

fn counts(rows: u64, epochs: u64, codec: u64, log: u64) -> Counts {
    let stages = [("codec", codec), ("log", log), ("once", 9_000)];
    let stages = stages.map(|(stage, count)| (stage.to_owned(), count)).into();
    Counts { rows, epochs, stages, allocations: rows / 50 + epochs * 7, around: Some(epochs * 30) }
}

/// A row has 40 instructions in the codec, an epoch 200 there and 5,000 in the log.
fn figures() -> Figures {
    let base = counts(100, 1, 4_200, 5_000);
    let rows = counts(1_100, 1, 44_200, 5_000);
    let epochs = counts(100, 11, 6_200, 55_000);
    Figures::of(&base, &rows, &epochs).unwrap()
}

#[test]
fn what_a_run_does_once_drops_out() {
    let figures = figures();
    let table = figures.table();
    assert_eq!(
        table,
        "| stage | instructions of a row | of an epoch |\n|---|---|---|\n\
         | codec | 40 | 200 |\n| log | 0 | 5,000 |\n| in all | 40 | 5,200 |\n\n\
         allocations: 20 of 1,000 rows, 7 of an epoch\n\
         an epoch of 1,000,000 rows: 0.01 % are not of its rows; driver, log and commit: 0.00 %, \
         30 instructions\n"
    );
    assert_eq!(Figures::from_json(&figures.json()), Some(figures));
}

#[test]
fn runs_that_differ_otherwise_are_refused() {
    let base = counts(100, 1, 1, 1);
    let (rows, epochs) = (counts(200, 1, 2, 1), counts(100, 3, 1, 2));
    assert!(Figures::of(&base, &rows, &epochs).is_ok());
    for (rows, epochs) in [(&base, &epochs), (&rows, &base), (&rows, &rows), (&epochs, &epochs)] {
        assert!(Figures::of(&base, rows, epochs).is_err());
    }
}

#[test]
fn ten_percent_more_is_a_complaint_that_says_where() {
    let before = figures();
    assert_eq!(before.complaints(&before), Vec::<String>::new());
    let mut worse = figures();
    worse.row.total = 44;
    assert_eq!(worse.complaints(&before), Vec::<String>::new());
    worse.row.total = 45;
    worse.row.stages.insert("codec".to_owned(), 41);
    worse.row.stages.insert("copies".to_owned(), 4);
    worse.epoch.total = 5_721;
    worse.epoch.stages.insert("codec".to_owned(), 150);
    worse.epoch.stages.insert("log".to_owned(), 5_571);
    assert_eq!(
        worse.complaints(&before),
        [
            "a row takes 45 instructions, 12.50 % more than the 40 that are recorded and 10 % are \
             allowed: copies +4 to 4, codec +1 to 41",
            "an epoch takes 5,721 instructions, 10.01 % more than the 5,200 that are recorded and 10 % are \
             allowed: log +571 to 5,571",
        ]
    );
    assert!(before.outran(&worse));
    assert!(!worse.outran(&before));
}

#[test]
fn allocations_and_the_share_have_limits_of_their_own() {
    let before = Figures { row_allocations: 60, ..figures() };
    let told = before.complaints(&before);
    assert_eq!(told, ["1,000 rows take 60 allocations, 50 are allowed and 60 were recorded"]);
    let mut heavy = figures();
    heavy.epoch.total = 850_000;
    let told = heavy.complaints(&heavy);
    assert_eq!(
        told,
        ["2.08 % of an epoch of 1,000,000 rows are not of its rows, 2.00 % are allowed"]
    );
}
