//! What a start makes of the newest record and of what the tables hold: a pure function.

use std::collections::BTreeMap;

use highwater_core::{Digest, Epoch, EpochPlan, Footing, Found, MarkerId, Name, Rule, Verdict};

use crate::manifest::{Fit, compare_steps};
use crate::{Head, RecordId, Share, StepState};

/// What to do about a table that somebody rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnRollback {
    /// Stop, and let a person choose.
    #[default]
    Refuse,
    /// Go on from here: the rows that were taken out stay out.
    Accept,
}

/// How a start goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Nothing was ever committed or prepared.
    Fresh,
    /// Every table holds `last`.
    Next {
        /// The epoch that is everywhere.
        last: Epoch,
        /// Its plan.
        plan: EpochPlan,
        /// What stands in each table, for the next record.
        standing: BTreeMap<Name, Footing>,
    },
    /// The newest record is not in every table: commit what it staged, if the files are still there.
    Finish(Pending),
    /// The plan must be run again, as a record of its own.
    Rerun(Rewritten),
}

/// A prepared record that some tables do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The sinks that lack it, in the order of their commit.
    pub lacking: Vec<Name>,
    /// What stands in each table.
    pub standing: BTreeMap<Name, Footing>,
}

/// An epoch whose plan is run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The record to be prepared.
    pub id: RecordId,
    /// The same plan, hence the same rows.
    pub plan: EpochPlan,
    /// The records of this plan so far, one of which a table may hold.
    pub replaces: Vec<Digest>,
    /// The sinks that do not hold the epoch yet. The others are done.
    pub lacking: Vec<Name>,
    /// What stands in each table.
    pub standing: BTreeMap<Name, Footing>,
}

/// Why a start stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// A table is ahead of the log.
    #[error("sink {sink} holds epoch {found}, which this log never prepared")]
    Fenced {
        /// The sink.
        sink: Name,
        /// The epoch in its table.
        found: Epoch,
    },
    /// A table was rolled back.
    #[error("the table of sink {sink} was rolled back: it held epoch {held}, now {}", or_none(*found))]
    RolledBack {
        /// The sink.
        sink: Name,
        /// The epoch that it held.
        held: Epoch,
        /// The epoch that stands in it.
        found: Option<Epoch>,
    },
    /// There is no log, and a side table is ahead of the primary.
    #[error("sink {sink} holds epoch {found}, but the primary {primary} holds {}", or_none(*holds))]
    SideAhead {
        /// The side sink.
        sink: Name,
        /// The epoch it holds.
        found: Epoch,
        /// The primary sink.
        primary: Name,
        /// The epoch the primary holds.
        holds: Option<Epoch>,
    },
    /// There is no log, and the marker is too small to stand in for it.
    #[error("the marker of sink {sink} holds no plan, so it cannot stand in for the lost log")]
    NoPlan {
        /// The primary sink.
        sink: Name,
    },
    /// There is no log, and a table cannot stand in for the state that was kept beside it.
    #[error(
        "sink {sink} holds epoch {found}, and the state of step {step} behind it is lost with the log"
    )]
    NoState {
        /// A step that keeps state.
        step: Name,
        /// The primary sink.
        sink: Name,
        /// The epoch it holds.
        found: Epoch,
    },
    /// The saved state is of other steps.
    #[error("step {step} kept {then}, and today it keeps {today}")]
    OtherState {
        /// The step.
        step: Name,
        /// What it was.
        then: String,
        /// What it is.
        today: String,
    },
    /// The log or table belongs to a pipeline with other sources or sinks.
    #[error(
        "the last epoch was prepared with the {what} [{then}], and this pipeline has [{today}]"
    )]
    OtherPipeline {
        /// Sources or sinks.
        what: &'static str,
        /// Their names then.
        then: String,
        /// Their names now.
        today: String,
    },
}

fn or_none(epoch: Option<Epoch>) -> String {
    epoch.map_or_else(|| "none".to_owned(), |epoch| format!("epoch {epoch}"))
}

/// Decides how to go on from the newest record of the log (none when it is lost or new) and from
/// what was found in the table of every sink, the primary first. `steps` are those of today that keep
/// state, with their tables as they are when they are empty.
///
/// # Errors
/// [`Stop`] when going on could lose or double rows.
pub fn decide(
    newest: Option<&Head>,
    sinks: &[(Name, Found)],
    on_rollback: OnRollback,
    steps: &BTreeMap<Name, StepState>,
) -> Result<Resume, Stop> {
    match newest {
        Some(head) => {
            check_names(head, sinks)?;
            check_steps(head, steps)?;
            from_log(head, sinks, on_rollback)
        }
        None => from_tables(sinks, on_rollback, steps),
    }
}

/// What a table says about one record.
enum Holds {
    Yes,
    Lacks,
    /// It lacks the record and no longer holds what the record follows: a person accepted that.
    LacksBase,
}

fn from_log(head: &Head, sinks: &[(Name, Found)], on_rollback: OnRollback) -> Result<Resume, Stop> {
    let record = &head.record;
    let mut lacking = Vec::new();
    let mut rewrite = false;
    for (sink, found) in sinks {
        match holds(head, sink, found, on_rollback)? {
            Holds::Yes => {}
            Holds::Lacks => lacking.push(sink.clone()),
            Holds::LacksBase => {
                lacking.push(sink.clone());
                rewrite = true;
            }
        }
    }
    let standing = standing(sinks);
    let last = record.id.epoch;
    if lacking.is_empty() {
        return Ok(Resume::Next { last, plan: record.plan.clone(), standing });
    }
    if rewrite {
        return Ok(Resume::Rerun(rewritten(head, lacking, standing)));
    }
    Ok(Resume::Finish(Pending { lacking, standing }))
}

/// The record's plan, to be run again: its staged files are gone, or its base is.
fn rewritten(head: &Head, lacking: Vec<Name>, standing: BTreeMap<Name, Footing>) -> Rewritten {
    let record = &head.record;
    let mut replaces = record.replaces.clone();
    replaces.push(head.digest);
    let id = RecordId { epoch: record.id.epoch, attempt: record.id.attempt.saturating_add(1) };
    Rewritten { id, plan: record.plan.clone(), replaces, lacking, standing }
}

impl Pending {
    /// What to do instead when staged files of `head` are gone.
    pub fn rerun(self, head: &Head) -> Rewritten {
        rewritten(head, self.lacking, self.standing)
    }
}

fn check_names(head: &Head, sinks: &[(Name, Found)]) -> Result<(), Stop> {
    let then: Vec<_> = head.record.sinks.iter().map(|share| share.sink.as_str()).collect();
    let today: Vec<_> = sinks.iter().map(|(sink, _)| sink.as_str()).collect();
    if then == today {
        return Ok(());
    }
    Err(Stop::OtherPipeline { what: "sinks", then: then.join(", "), today: today.join(", ") })
}

/// State is kept by the names of steps, and only the step that wrote it can read it.
fn check_steps(head: &Head, steps: &BTreeMap<Name, StepState>) -> Result<(), Stop> {
    let saved = head.record.state.as_ref().map(|state| &state.steps);
    let fits = compare_steps(saved.unwrap_or(&BTreeMap::new()), steps);
    fits.into_iter().try_for_each(|(step, fit)| match fit {
        Fit::Refuse { then, today } => Err(Stop::OtherState { step, then, today }),
        Fit::Compatible | Fit::Migrate { .. } => Ok(()),
    })
}

fn holds(head: &Head, sink: &Name, found: &Found, on_rollback: OnRollback) -> Result<Holds, Stop> {
    let record = &head.record;
    let share = record.sinks.iter().find(|share| share.sink == *sink).map(|share| &share.share);
    let commits = matches!(share, Some(Share::Commit { .. }));
    let rule = Rule {
        mine: MarkerId { epoch: record.id.epoch, digest: head.digest },
        on: share.map(Share::on).unwrap_or_default(),
        replaces: record.replaces.clone(),
    };
    match rule.judge(found) {
        Verdict::Committed(_) => Ok(Holds::Yes),
        Verdict::Swap if commits => Ok(Holds::Lacks),
        Verdict::Swap => Ok(Holds::Yes),
        Verdict::Fenced { found } => Err(Stop::Fenced { sink: sink.clone(), found: found.epoch }),
        Verdict::RolledBack { found: standing } => {
            if on_rollback == OnRollback::Refuse {
                let held =
                    found.last().map(|last| last.id).or(rule.on.follows).unwrap_or(rule.mine);
                let found = standing.map(|marker| marker.epoch);
                return Err(Stop::RolledBack { sink: sink.clone(), held: held.epoch, found });
            }
            let taken_out = found.last().is_some_and(|last| rule.covers(last.id));
            Ok(if taken_out || !commits { Holds::Yes } else { Holds::LacksBase })
        }
    }
}

fn from_tables(
    sinks: &[(Name, Found)],
    on_rollback: OnRollback,
    steps: &BTreeMap<Name, StepState>,
) -> Result<Resume, Stop> {
    let Some(((primary, found), sides)) = sinks.split_first() else { return Ok(Resume::Fresh) };
    let holds = found.last().map(|last| last.id.epoch);
    for (sink, side) in sides {
        let ahead = |epoch: &Epoch| holds.is_none_or(|holds| *epoch > holds);
        if let Some(found) = side.standing().map(|marker| marker.epoch).filter(ahead) {
            let (sink, primary) = (sink.clone(), primary.clone());
            return Err(Stop::SideAhead { sink, found, primary, holds });
        }
    }
    let Some(last) = found.last() else { return Ok(Resume::Fresh) };
    if let Some(step) = steps.keys().next() {
        let (step, sink, found) = (step.clone(), primary.clone(), last.id.epoch);
        return Err(Stop::NoState { step, sink, found });
    }
    for (sink, found) in sinks {
        if let (Found::RolledBack { last, standing }, OnRollback::Refuse) = (found, on_rollback) {
            let found = standing.map(|marker| marker.epoch);
            return Err(Stop::RolledBack { sink: sink.clone(), held: last.id.epoch, found });
        }
    }
    let Some(plan) = &last.plan else { return Err(Stop::NoPlan { sink: primary.clone() }) };
    let epoch = last.id.epoch;
    let lacking: Vec<_> = sides
        .iter()
        .filter(|(_, side)| side.last().is_none_or(|side| side.id.epoch < epoch))
        .map(|(sink, _)| sink.clone())
        .collect();
    let standing = standing(sinks);
    if lacking.is_empty() {
        return Ok(Resume::Next { last: epoch, plan: plan.clone(), standing });
    }
    let id = RecordId { epoch, attempt: 1 };
    let replaces = vec![last.id.digest];
    Ok(Resume::Rerun(Rewritten { id, plan: plan.clone(), replaces, lacking, standing }))
}

fn standing(sinks: &[(Name, Found)]) -> BTreeMap<Name, Footing> {
    sinks.iter().map(|(sink, found)| (sink.clone(), found.footing())).collect()
}

#[cfg(test)]
mod tests;
