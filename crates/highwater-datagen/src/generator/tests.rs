//! The same offset always has the same record.

use super::*;
use crate::Transactions;

fn record(generator: &Generator<Transactions>, offset: u64) -> String {
    let mut out = Vec::new();
    generator.write(offset, &mut out);
    String::from_utf8(out).unwrap()
}

fn generator() -> Generator<Transactions> {
    Generator::new(Transactions).seed(7)
}

#[test]
fn records_never_change() {
    let expected = "{\"transaction_id\": \"TXN00000042\", ";
    assert!(record(&generator(), 42).starts_with(expected));
    let digest = |generator: &Generator<Transactions>| {
        let mut out = Vec::new();
        (0..1_000).for_each(|offset| generator.write(offset, &mut out));
        highwater_core::Digest::of(&out).short()
    };
    let shares = generator().bad(0.1).duplicates(0.1);
    assert_eq!((digest(&generator()).as_str(), digest(&shares).as_str()), ("e805ee77", "b17b4105"));
}

#[test]
fn the_seed_decides() {
    assert_ne!(record(&generator(), 3), record(&generator().seed(8), 3));
    assert_ne!(generator().describe(), generator().seed(8).describe());
    assert_eq!(generator().describe(), generator().rows(5).describe());
}

#[test]
fn duplicates_repeat_the_record_before_them() {
    let generator = generator().duplicates(0.25);
    let repeats = (1..4_000).filter(|at| record(&generator, *at) == record(&generator, at - 1));
    let repeats = repeats.count();
    assert!((900..1_100).contains(&repeats), "{repeats} of 4,000");
}

#[test]
fn a_share_of_one_repeats_a_long_time_but_not_for_ever() {
    let generator = generator().duplicates(1.0);
    assert_eq!(record(&generator, 900), record(&generator, 0));
    assert_eq!(generator.row(u64::MAX), u64::MAX - 1_000);
}

#[test]
fn shares_are_kept_within_their_bounds() {
    assert_eq!(billionths(-1.0), 0);
    assert_eq!(billionths(f64::NAN), 0);
    assert_eq!(billionths(2.0), BILLION);
    assert_eq!(billionths(0.001), 1_000_000);
}
