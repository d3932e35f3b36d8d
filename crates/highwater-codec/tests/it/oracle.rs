//! Decimals and timestamps against tables that Python computed.

use highwater_codec::{Problem, parse_decimal, parse_timestamp};

fn problem(name: &str) -> Problem {
    match name {
        "Mismatch" => Problem::Mismatch,
        "OutOfRange" => Problem::OutOfRange,
        "Inexact" => Problem::Inexact,
        other => panic!("unknown problem {other}"),
    }
}

fn cells(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

#[test]
fn decimals_are_those_of_python() {
    let mut seen = 0;
    for cells in cells(include_str!("../data/decimals.tsv")) {
        let [text, precision, scale, answer] = cells[..] else { panic!("{cells:?}") };
        let found = parse_decimal(text, precision.parse().unwrap(), scale.parse().unwrap());
        let expected = answer.parse::<i128>().ok().ok_or_else(|| problem(answer));
        assert_eq!(found, expected, "{text:?} as decimal({precision},{scale})");
        seen += 1;
    }
    assert!(seen > 1_500);
}

#[test]
fn timestamps_are_those_of_python() {
    let mut seen = 0;
    for cells in cells(include_str!("../data/timestamps.tsv")) {
        let [text, answer] = cells[..] else { panic!("{cells:?}") };
        let expected = answer.parse::<i64>().ok().ok_or_else(|| problem(answer));
        assert_eq!(parse_timestamp(text), expected, "{text:?}");
        seen += 1;
    }
    assert!(seen > 700);
}
