//! Transactions are written as Python would.

use super::*;
use crate::Generator;
use highwater_codec::{parse_decimal, parse_timestamp};

fn with(row: u64, cents: u64, micros: u64) -> String {
    let transaction = Transaction {
        row,
        from: 1_000,
        to: 9_999,
        cents,
        currency: "USD",
        kind: "payment",
        micros,
    };
    let mut out = Vec::new();
    transaction.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn is_written_as_python_does() {
    assert_eq!(
        with(3, 12_340, 1_000_001),
        "{\"transaction_id\": \"TXN00000003\", \"account_from\": \"ACC1000\", \"account_to\": \
         \"ACC9999\", \"amount\": \"123.4\", \"currency\": \"USD\", \"transaction_type\": \
         \"payment\", \"timestamp\": \"2025-01-16T00:00:01.000001\"}"
    );
    let amount = |cents| {
        let text = with(0, cents, 0);
        text.split('"').nth(15).unwrap().to_owned()
    };
    assert_eq!(amount(1_000), "10.0");
    assert_eq!(amount(1_001), "10.01");
    assert_eq!(amount(1_000_000), "10000.0");
    assert!(with(123_456_789, 1_000, 0).contains("TXN123456789"));
    assert!(with(0, 1_000, 0).ends_with("2025-01-16T00:00:00\"}"));
}

#[test]
fn values_lie_in_their_bounds() {
    for row in 0..2_000 {
        let transaction = Transaction::draw(row, &mut Draw::new(5, row));
        assert!((1_000..10_000).contains(&transaction.from));
        assert!((1_000..=1_000_000).contains(&transaction.cents));
        let mut amount = Vec::new();
        transaction.amount(&mut amount);
        let text = std::str::from_utf8(&amount).unwrap().trim_matches('"');
        assert_eq!(parse_decimal(text, 18, 2), Ok(i128::from(transaction.cents)));
        let mut time = Vec::new();
        isoformat(transaction.micros, &mut time);
        let micros = parse_timestamp(std::str::from_utf8(&time).unwrap()).unwrap();
        let begin = parse_timestamp("2025-01-16T00:00:00").unwrap();
        assert_eq!(micros - begin, i64::try_from(transaction.micros).unwrap());
    }
}

#[test]
fn the_last_rows_there_can_be_are_written_too() {
    let generator = Generator::new(Transactions).bad(0.5);
    for row in u64::MAX - 100..u64::MAX {
        let mut out = Vec::new();
        generator.write(row, &mut out);
        assert!(!out.is_empty() && !out.contains(&b'\n'));
    }
}
