//! Which counts are kept.

use super::*;

/// For each aggregate how many columns of state it has, and where its count stands if that is another's.
fn kept(aggregates: &[Aggregation]) -> Vec<(usize, Option<usize>)> {
    let number = |name, nullable| Field::new(name, DataType::Float64, nullable);
    let input =
        Schema::new(vec![number("never", false), number("some", true), number("other", true)]);
    let mut counts = Counts::default();
    let resolve = |it: &Aggregation| it.resolve(&input, 0, &mut counts).unwrap();
    aggregates.iter().map(resolve).map(|it| (it.width, it.shared)).collect()
}

#[test]
fn what_is_counted_once_is_kept_once() {
    let all = [
        count("rows"),
        avg("never"),
        min("some"),
        avg("some"),
        sum("never"),
        count_of("some"),
        avg("other"),
    ];
    let expected =
        [(1, None), (1, Some(0)), (2, None), (2, None), (1, Some(0)), (0, Some(4)), (2, None)];
    assert_eq!(kept(&all), expected);
}

#[test]
fn the_first_of_those_that_count_the_same_keeps_the_count() {
    let all = [count_distinct("some"), sum("never"), count("rows"), count_of("never")];
    assert_eq!(kept(&all), [(1, None), (2, None), (0, Some(1)), (0, Some(1))]);
}
