//! What the log says about a marker: does it hold, or was the table rolled back?
//!
//! A `RESTORE` takes files out and leaves `txn` actions in place, so only what the commits say of
//! themselves tells. The walk goes back from the head, and from a `RESTORE` on to the version that
//! it restored: reaching the version of the marker, it holds; passing it, it was taken out. Commits
//! that were cleaned up, as old ones are, take nothing away.

use std::collections::BTreeMap;

use highwater_core::{Found, MarkerId, Result};

use crate::actions::Commit;
use crate::log::Log;
use crate::marker::{Numbers, Owner, Recorded, id_in};

/// What a commit says that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    restore: Option<Restored>,
    /// The record of the sink that it brought.
    mine: Option<MarkerId>,
    timestamp: Option<i64>,
}

/// What a `RESTORE` went back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restored {
    Version(u64),
    /// The newest version that is not younger, in milliseconds since 1970.
    Time(i64),
    /// It does not say, or not in a way that is known.
    Unknown,
}

/// Commits of a table that were read since the last one of the sink.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    steps: BTreeMap<u64, Step>,
}

impl History {
    /// Remembers what the commit of `version` says.
    pub(crate) fn add(&mut self, owner: &Owner, version: u64, commit: &Commit) {
        self.steps.insert(version, step(owner, commit));
    }

    /// Forgets everything: the head is a commit of the sink.
    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    /// Judges the marker of `owner` in a table of the version `head`.
    ///
    /// # Errors
    /// As of [`Log::commit`].
    pub(crate) async fn judge(
        &mut self,
        log: &Log,
        owner: &Owner,
        head: u64,
        recorded: Option<Recorded>,
    ) -> Result<Found> {
        let Some(Recorded { version, marker: last }) = recorded else { return Ok(Found::Nothing) };
        let mut at = Some(head);
        let mut restored = false;
        while let Some(now) = at {
            if now == version {
                return Ok(Found::Marker(last));
            }
            let Some(step) = self.step(log, owner, now).await? else { break };
            if let (Some(standing), true) = (step.mine, now < version) {
                return Ok(Found::RolledBack { last, standing: Some(standing) });
            }
            at = match step.restore {
                None => now.checked_sub(1),
                Some(restore) => {
                    restored = true;
                    self.target(log, owner, now, restore).await?
                }
            };
        }
        Ok(match restored {
            true => Found::RolledBack { last, standing: None },
            false => Found::Marker(last),
        })
    }

    /// The version that the `RESTORE` at `from` went back to.
    async fn target(
        &mut self,
        log: &Log,
        owner: &Owner,
        from: u64,
        restore: Restored,
    ) -> Result<Option<u64>> {
        let time = match restore {
            Restored::Version(version) => return Ok((version < from).then_some(version)),
            Restored::Unknown => return Ok(None),
            Restored::Time(time) => time,
        };
        let mut at = from.checked_sub(1);
        while let Some(now) = at {
            let Some(step) = self.step(log, owner, now).await? else { return Ok(None) };
            match step.timestamp {
                None => return Ok(None),
                Some(written) if written <= time => return Ok(Some(now)),
                Some(_) => at = now.checked_sub(1),
            }
        }
        Ok(None)
    }

    async fn step(&mut self, log: &Log, owner: &Owner, version: u64) -> Result<Option<Step>> {
        if let Some(step) = self.steps.get(&version) {
            return Ok(Some(step.clone()));
        }
        let Some(commit) = log.commit(version).await? else { return Ok(None) };
        self.add(owner, version, &commit);
        Ok(self.steps.get(&version).cloned())
    }
}

fn step(owner: &Owner, commit: &Commit) -> Step {
    let numbers: Numbers =
        commit.txns.iter().map(|txn| (txn.app_id.clone(), txn.version)).collect();
    let restores = commit.operation().is_some_and(|it| it.eq_ignore_ascii_case("restore"));
    let version = || Some(Restored::Version(u64::try_from(commit.parameter("version")?).ok()?));
    let time = || {
        let time = commit.parameter("datetime").or_else(|| commit.parameter("timestamp"))?;
        Some(Restored::Time(time))
    };
    Step {
        restore: restores.then(|| version().or_else(time).unwrap_or(Restored::Unknown)),
        mine: id_in(&numbers, owner),
        timestamp: commit.info.as_ref().and_then(|info| info.get("timestamp")?.as_i64()),
    }
}
