//! The marker in a table: numbers by name, as `txn` actions of the same commit.
//!
//! A table keeps the last number of each name for ever, through checkpoints and the cleanup of the
//! log. So a commit says again what tells it from others, and of the rest only what has changed.

use std::collections::BTreeMap;

use highwater_core::{Digest, Epoch, Marker, MarkerId, Name};

use crate::error::DeltaError;
use crate::plan;

/// Stands behind the name of a sink for the beginning of the digest.
const DIGEST: &str = "#";
const VERSION: &str = "@";
const FOLLOWS: &str = "follows";
const PLAN: &str = "plan";

/// Hexadecimal digits of a digest that go into one number.
const DIGITS: usize = 15;
/// Numbers for the 64 digits of a digest.
const WORDS: usize = 5;
/// Where there is nothing.
const NONE: i64 = -1;

/// Whose marker it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pipeline: Name,
    pub(crate) sink: Name,
}

/// A marker, and the version whose commit brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) version: u64,
    pub(crate) marker: Marker,
}

/// Numbers by name.
pub(crate) type Numbers = BTreeMap<String, i64>;

impl Owner {
    /// The name under which the epoch is kept, and below which all else is.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.pipeline, self.sink)
    }

    fn below(&self, what: &str) -> String {
        format!("{}/{}/{what}", self.pipeline, self.sink)
    }
}

/// A pipeline other than `ours` that has its marker among `txns`.
pub(crate) fn other_pipeline<'a>(txns: &'a Numbers, ours: &Name) -> Option<&'a str> {
    owners(txns).map(|(pipeline, _)| pipeline).find(|pipeline| *pipeline != ours.as_str())
}

/// The markers among `txns`, by pipeline and sink.
pub(crate) fn recorded(table: &str, txns: &Numbers) -> Result<Vec<Recorded>, DeltaError> {
    let mut all = Vec::new();
    for (pipeline, sink) in owners(txns) {
        if let (Ok(pipeline), Ok(sink)) = (pipeline.parse(), sink.parse()) {
            all.extend(recorded_of(table, txns, &Owner { pipeline, sink })?);
        }
    }
    Ok(all)
}

/// The pipelines and sinks whose digests are among `txns`.
fn owners(txns: &Numbers) -> impl Iterator<Item = (&str, &str)> {
    txns.keys().filter_map(|key| key.strip_suffix("/#")?.split_once('/'))
}

/// The marker of `owner` among `txns`.
///
/// # Errors
/// [`DeltaError::MarkerUnreadable`] when a part of it is missing.
pub(crate) fn recorded_of(
    table: &str,
    txns: &Numbers,
    owner: &Owner,
) -> Result<Option<Recorded>, DeltaError> {
    if !txns.contains_key(&owner.key()) {
        return Ok(None);
    }
    let read = || {
        let version = u64::try_from(*txns.get(&owner.below(VERSION))?).ok()?;
        let follows = match *txns.get(&owner.below(FOLLOWS))? {
            NONE => None,
            epoch => Some(read_id(epoch, txns, &owner.below(FOLLOWS))?),
        };
        let marker = Marker {
            pipeline: owner.pipeline.clone(),
            sink: owner.sink.clone(),
            id: id_in(txns, owner)?,
            follows,
            plan: plan::read(txns, &owner.below(PLAN)),
        };
        Some(Recorded { version, marker })
    };
    let unreadable = || DeltaError::MarkerUnreadable { table: table.to_owned(), key: owner.key() };
    Ok(Some(read().ok_or_else(unreadable)?))
}

/// Which record of `owner` the numbers of a commit name.
pub(crate) fn id_in(txns: &Numbers, owner: &Owner) -> Option<MarkerId> {
    read_id(*txns.get(&owner.key())?, txns, &owner.key())
}

/// The numbers by which a commit to a table that has `standing` leaves `marker`, as the version
/// `version`.
pub(crate) fn numbers(
    owner: &Owner,
    marker: &Marker,
    version: u64,
    standing: &Numbers,
) -> Option<Vec<(String, i64)>> {
    let mut always = Vec::with_capacity(1 + WORDS);
    write_id(&mut always, &owner.key(), marker.id)?;
    let mut rest = Vec::new();
    rest.push((owner.below(VERSION), i64::try_from(version).ok()?));
    match marker.follows {
        Some(id) => write_id(&mut rest, &owner.below(FOLLOWS), id)?,
        None => rest.push((owner.below(FOLLOWS), NONE)),
    }
    rest.extend(plan::numbers(marker.plan.as_ref(), &owner.below(PLAN)));
    rest.retain(|(name, number)| standing.get(name) != Some(number));
    always.extend(rest);
    Some(always)
}

fn word(key: &str, index: usize) -> String {
    match index {
        0 => format!("{key}/{DIGEST}"),
        _ => format!("{key}/{DIGEST}{index}"),
    }
}

fn write_id(to: &mut Vec<(String, i64)>, key: &str, id: MarkerId) -> Option<()> {
    to.push((key.to_owned(), i64::try_from(id.epoch.0).ok()?));
    let digits = id.digest.to_string();
    let mut rest = digits.as_str();
    for index in 0..WORDS {
        let (digits, left) = rest.split_at_checked(DIGITS).unwrap_or((rest, ""));
        to.push((word(key, index), i64::from_str_radix(digits, 16).ok()?));
        rest = left;
    }
    Some(())
}

fn read_id(epoch: i64, txns: &Numbers, key: &str) -> Option<MarkerId> {
    let mut digits = String::new();
    let mut left = 64_usize;
    for index in 0..WORDS {
        let width = DIGITS.min(left);
        left = left.saturating_sub(width);
        let number = txns.get(&word(key, index))?;
        digits.push_str(&format!("{number:0width$x}"));
    }
    let digest: Digest = digits.parse().ok()?;
    Some(MarkerId { epoch: Epoch(u64::try_from(epoch).ok()?), digest })
}

#[cfg(test)]
mod tests;
