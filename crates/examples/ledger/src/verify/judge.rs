//! What should become of a record, found without the codec that the pipeline uses: by `serde_json`,
//! `sha2` and what highwater-cli has for this.

use std::fmt::Write as _;

use highwater_cli::verify::{decimal, micros, object, text};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The row that a record should become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) id: String,
    /// Lower-case hexadecimal digits.
    pub(super) hash: String,
    pub(super) cents: i128,
    /// Microseconds since 1970 UTC.
    pub(super) micros: i64,
}

#[derive(Deserialize)]
struct Transaction<'a> {
    #[serde(borrow)]
    transaction_id: Option<&'a RawValue>,
    #[serde(borrow)]
    account_from: Option<&'a RawValue>,
    #[serde(borrow)]
    account_to: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<&'a RawValue>,
    #[serde(borrow)]
    transaction_type: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

/// The row of a record; nothing when it should be rejected.
pub(super) fn judge(record: Option<&[u8]>) -> Option<Expected> {
    let transaction: Transaction<'_> = serde_json::from_slice(object(record?)?).ok()?;
    let id = text(transaction.transaction_id?)?;
    let amount = text(transaction.amount?)?;
    optional(transaction.transaction_type)?;
    let cents = cents(&amount)?;
    let timestamp: &RawValue = transaction.timestamp?;
    let time: String = serde_json::from_str(timestamp.get()).ok()?;
    let micros = micros(&time)?;
    let hashed = [
        Some(id.clone()),
        optional(transaction.account_from)?,
        optional(transaction.account_to)?,
        Some(amount),
        optional(transaction.currency)?,
    ];
    let hashed: Vec<String> = hashed.into_iter().flatten().collect();
    Some(Expected { id, hash: hex(&Sha256::digest(hashed.join("|"))), cents, micros })
}

/// Nothing when the value is neither null nor text.
fn optional(value: Option<&RawValue>) -> Option<Option<String>> {
    match value {
        None => Some(None),
        Some(value) => text(value).map(Some),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

/// A decimal of 18 digits, two of them after the point, in hundredths.
fn cents(text: &str) -> Option<i128> {
    decimal(text, 18, 2)
}

#[cfg(test)]
mod tests;
