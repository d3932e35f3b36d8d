//! The plan of an epoch as numbers by name: what a table keeps of it.
//!
//! Every number of a plan (offsets, `now`, watermarks) gets a name of its own, by its place. What
//! is left is text that hardly ever changes: it is cut into numbers too. Where files are staged is
//! left out, since whoever runs a plan again asks the tables.

use std::collections::BTreeMap;

use highwater_core::{EpochPlan, Target};
use serde_json::Value;

use crate::marker::Numbers;

/// The most bytes of text: some hundred partitions.
const TEXT: usize = 16 << 10;
/// The most numbers of a plan that has any room.
const NUMBERS: usize = 1024;
/// Bytes of text that go into one number.
const BYTES: usize = 7;
/// There is no plan.
const NONE: i64 = -1;

/// The numbers of `plan` below `key`. One that is missing or too large leaves word that there is
/// none.
pub(crate) fn numbers(plan: Option<&EpochPlan>, key: &str) -> Vec<(String, i64)> {
    let none = || vec![(key.to_owned(), NONE)];
    let Some(plan) = plan else { return none() };
    let Some(numbers) = flat(plan, key) else { return none() };
    let standing: Numbers = numbers.iter().cloned().collect();
    // Two names that fall together, or anything else that this cannot hold.
    if read(&standing, key).as_ref() == Some(&without_places(plan)) { numbers } else { none() }
}

/// The plan below `key`; none when there is none.
pub(crate) fn read(txns: &Numbers, key: &str) -> Option<EpochPlan> {
    let length = usize::try_from(*txns.get(key)?).ok()?;
    let mut text = Vec::new();
    for index in 0..length.div_ceil(BYTES) {
        let bytes = txns.get(&format!("{key}/text/{index}"))?.to_be_bytes();
        text.extend_from_slice(bytes.get(8 - BYTES..)?);
    }
    text.truncate(length);
    let mut value: Value = serde_json::from_slice(&text).ok()?;
    visit(&mut value, format!("{key}/at"), &mut |place, number| {
        *number = (*txns.get(place)?).into();
        Some(())
    })?;
    serde_json::from_value(value).ok()
}

fn flat(plan: &EpochPlan, key: &str) -> Option<Vec<(String, i64)>> {
    let mut value = serde_json::to_value(without_places(plan)).ok()?;
    let mut numbers = Vec::new();
    visit(&mut value, format!("{key}/at"), &mut |place, number| {
        numbers.push((place.to_owned(), number.as_i64()?));
        *number = 0.into();
        Some(())
    })?;
    let text = value.to_string();
    if numbers.len() > NUMBERS || text.len() > TEXT {
        return None;
    }
    for (index, piece) in text.as_bytes().chunks(BYTES).enumerate() {
        let mut bytes = [0; 8];
        bytes.get_mut(8 - BYTES..)?.get_mut(..piece.len())?.copy_from_slice(piece);
        numbers.push((format!("{key}/text/{index}"), i64::from_be_bytes(bytes)));
    }
    numbers.push((key.to_owned(), i64::try_from(text.len()).ok()?));
    Some(numbers)
}

/// The plan without where files are staged.
fn without_places(plan: &EpochPlan) -> EpochPlan {
    let mut plan = plan.clone();
    plan.targets.values_mut().for_each(|target| *target = Target::default());
    plan
}

/// Calls `act` with the place of every number in `value`, in a fixed order.
fn visit(
    value: &mut Value,
    place: String,
    act: &mut dyn FnMut(&str, &mut serde_json::Number) -> Option<()>,
) -> Option<()> {
    match value {
        Value::Number(number) => act(&place, number),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                visit(item, format!("{place}/{index}"), act)?;
            }
            Some(())
        }
        Value::Object(entries) => {
            let entries: BTreeMap<&String, &mut Value> = entries.iter_mut().collect();
            for (name, entry) in entries {
                visit(entry, format!("{place}/{name}"), act)?;
            }
            Some(())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Some(()),
    }
}
