//! Financial transactions, as the ledger example takes them.

use crate::python::{digits, isoformat};
use crate::{Draw, Records};

/// Transactions as JSON objects, with the spaces of Python's `json.dumps`:
/// `{"transaction_id": "TXN00000000", "account_from": "ACC4711", "account_to": "ACC1234", "amount":
/// "123.4", "currency": "USD", "transaction_type": "transfer", "timestamp":
/// "2025-01-16T00:00:00.000123"}`.
///
/// Amounts are texts from 10.0 to 10000.0 with one or two digits after the point, as Python's
/// `str(round(amount, 2))` has them. Row n comes n hundredths of a second after 2025-01-16 00:00:00,
/// and up to one more. Bad ones are cut off, lack their id, are no object, or have an amount or a
/// timestamp that is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transactions;

impl Records for Transactions {
    fn write(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        Transaction::draw(row, draw).write(out);
    }

    fn write_bad(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        let transaction = Transaction::draw(row, draw);
        match draw.below(9) {
            0 => {
                let begin = out.len();
                transaction.write(out);
                let written = out.len() - begin;
                let kept = draw.below(u64::try_from(written).unwrap_or(u64::MAX) - 1) + 1;
                out.truncate(begin + usize::try_from(kept).unwrap_or(1));
            }
            1 => transaction.write_with(None, |out| transaction.amount(out), Time::Good, out),
            2 => transaction.write_as(b"true", Time::Good, out),
            3 => transaction.write_as(b"null", Time::Good, out),
            4 => transaction.write_as(b"\"a lot\"", Time::Good, out),
            5 => {
                let finer = |out: &mut Vec<u8>| {
                    out.push(b'"');
                    transaction.whole_and_cents(out);
                    out.extend_from_slice(b"5\"");
                };
                transaction.write_with(Some(row), finer, Time::Good, out);
            }
            6 => transaction.write_as(b"\"99999999999999999999.99\"", Time::Good, out),
            7 => transaction.write_with(Some(row), |out| transaction.amount(out), Time::Bad, out),
            _ => out.extend_from_slice(b"[\"not an object\"]"),
        }
    }

    fn describe(&self) -> String {
        "transactions v1".to_owned()
    }
}

/// The values of one row.
struct Transaction {
    row: u64,
    from: u64,
    to: u64,
    cents: u64,
    currency: &'static str,
    kind: &'static str,
    micros: u64,
}

#[derive(Clone, Copy)]
enum Time {
    Good,
    /// A day that the calendar does not have.
    Bad,
}

/// After so many rows, three centuries of them, timestamps begin again.
const ROWS_IN_TIME: u64 = 1_000_000_000_000;
const MICROS_BETWEEN_ROWS: u64 = 10_000;

impl Transaction {
    fn draw(row: u64, draw: &mut Draw) -> Self {
        Self {
            row,
            from: 1_000 + draw.below(9_000),
            to: 1_000 + draw.below(9_000),
            cents: 1_000 + draw.below(999_001),
            currency: draw.choose(&["USD", "EUR", "GBP"]),
            kind: draw.choose(&["transfer", "payment", "withdrawal", "deposit"]),
            micros: (row % ROWS_IN_TIME) * MICROS_BETWEEN_ROWS + draw.below(MICROS_BETWEEN_ROWS),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.write_with(Some(self.row), |out| self.amount(out), Time::Good, out);
    }

    fn write_as(&self, amount: &[u8], time: Time, out: &mut Vec<u8>) {
        self.write_with(Some(self.row), |out| out.extend_from_slice(amount), time, out);
    }

    fn write_with(
        &self,
        id: Option<u64>,
        amount: impl FnOnce(&mut Vec<u8>),
        time: Time,
        out: &mut Vec<u8>,
    ) {
        out.push(b'{');
        if let Some(id) = id {
            out.extend_from_slice(b"\"transaction_id\": \"TXN");
            digits(id, 8, out);
            out.extend_from_slice(b"\", ");
        }
        out.extend_from_slice(b"\"account_from\": \"ACC");
        digits(self.from, 4, out);
        out.extend_from_slice(b"\", \"account_to\": \"ACC");
        digits(self.to, 4, out);
        out.extend_from_slice(b"\", \"amount\": ");
        amount(out);
        out.extend_from_slice(b", \"currency\": \"");
        out.extend_from_slice(self.currency.as_bytes());
        out.extend_from_slice(b"\", \"transaction_type\": \"");
        out.extend_from_slice(self.kind.as_bytes());
        out.extend_from_slice(b"\", \"timestamp\": \"");
        match time {
            Time::Good => isoformat(self.micros, out),
            Time::Bad => out.extend_from_slice(b"2025-02-30T00:00:00"),
        }
        out.extend_from_slice(b"\"}");
    }

    /// The amount as `str(round(amount, 2))`: at least one digit after the point, and no zero after it
    /// that says nothing.
    fn amount(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        self.whole_and_cents(out);
        if self.cents.is_multiple_of(10) {
            out.pop();
        }
        out.push(b'"');
    }

    fn whole_and_cents(&self, out: &mut Vec<u8>) {
        digits(self.cents / 100, 1, out);
        out.push(b'.');
        digits(self.cents % 100, 2, out);
    }
}

#[cfg(test)]
mod tests;
