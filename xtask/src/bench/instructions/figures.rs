//! Figures from the differences of runs, and what to say of those that grew.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bench::figures::{hundredths, thousands};

/// So many percent more than is recorded are too much.
const ALLOWED: u64 = 10;
/// So many allocations of a thousand rows are too many.
const ALLOCATIONS: u64 = 50;
/// The rows of an epoch when a pipeline has more to do than it can.
const FULL_EPOCH: u64 = 1_000_000;
/// Hundredths of a percent that the machinery of such an epoch may have.
const SHARE: u64 = 200;
/// So many stages are named when something grew.
const NAMED: usize = 5;

/// What one run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) epochs: u64,
    /// Instructions.
    pub(super) stages: BTreeMap<String, u64>,
    pub(super) allocations: u64,
    /// Instructions of all epochs around the work on their rows.
    pub(super) around: Option<u64>,
}

/// Instructions of a row or of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Share {
    total: u64,
    /// Those that have any.
    stages: BTreeMap<String, u64>,
}

/// What a row costs and what an epoch does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    row: Share,
    /// Besides its rows.
    epoch: Share,
    /// Of a thousand rows.
    row_allocations: u64,
    epoch_allocations: u64,
    /// Instructions of driver, log and commit, of an epoch; unknown where the compiler left no name.
    around: Option<u64>,
}

impl Figures {
    /// From a run, one over more rows in as many epochs, and one over as many rows in more epochs. What a run
    /// does once drops out.
    ///
    /// # Errors
    /// When the runs are not that.
    pub(super) fn of(base: &Counts, rows: &Counts, epochs: &Counts) -> Result<Self> {
        let more_rows = rows.rows.checked_sub(base.rows).filter(|more| *more > 0);
        let more_rows = more_rows.filter(|_| rows.epochs == base.epochs);
        let more_rows = more_rows.context("no two runs with more rows in as many epochs")?;
        let more_epochs = epochs.epochs.checked_sub(base.epochs).filter(|more| *more > 0);
        let more_epochs = more_epochs.filter(|_| epochs.rows == base.rows);
        let more_epochs = more_epochs.context("no two runs with as many rows in more epochs")?;
        let allocations = |more: &Counts| more.allocations.saturating_sub(base.allocations);
        let around = epochs.around.map(|around| around / epochs.epochs);
        Ok(Self {
            row: Share::of(base, rows, more_rows),
            epoch: Share::of(base, epochs, more_epochs),
            row_allocations: allocations(rows) * 1_000 / more_rows,
            epoch_allocations: allocations(epochs) / more_epochs,
            around,
        })
    }

    /// As they are kept.
    pub(super) fn json(&self) -> Value {
        json!({
            "row": self.row.json(),
            "epoch": self.epoch.json(),
            "allocationsOfThousandRows": self.row_allocations,
            "allocationsOfEpoch": self.epoch_allocations,
            "aroundRowsOfEpoch": self.around,
        })
    }

    /// As they were kept; none when something is missing.
    pub(super) fn from_json(kept: &Value) -> Option<Self> {
        Some(Self {
            row: Share::from_json(kept.get("row")?)?,
            epoch: Share::from_json(kept.get("epoch")?)?,
            row_allocations: kept.get("allocationsOfThousandRows")?.as_u64()?,
            epoch_allocations: kept.get("allocationsOfEpoch")?.as_u64()?,
            around: kept.get("aroundRowsOfEpoch")?.as_u64(),
        })
    }

    /// A table in Markdown, and below it what is not of stages.
    pub(crate) fn table(&self) -> String {
        let mut rows: Vec<(&str, u64, u64)> = self.row.each(&self.epoch);
        rows.push(("in all", self.row.total, self.epoch.total));
        let mut text =
            String::from("| stage | instructions of a row | of an epoch |\n|---|---|---|\n");
        for (stage, row, epoch) in rows {
            text.push_str(&format!("| {stage} | {} | {} |\n", thousands(row), thousands(epoch)));
        }
        let (rows, epoch) = (self.row_allocations, thousands(self.epoch_allocations));
        text.push_str(&format!("\nallocations: {rows} of 1,000 rows, {epoch} of an epoch\n"));
        let share = hundredths(self.share(self.epoch.total));
        text.push_str(&format!("an epoch of 1,000,000 rows: {share} % are not of its rows"));
        if let Some(around) = self.around {
            let (share, around) = (hundredths(self.share(around)), thousands(around));
            text.push_str(&format!("; driver, log and commit: {share} %, {around} instructions"));
        }
        text + "\n"
    }

    /// What instructions of an epoch are of a full one, in hundredths of a percent.
    fn share(&self, of_epoch: u64) -> u64 {
        let all = self.row.total * FULL_EPOCH + self.epoch.total;
        of_epoch * 10_000 / all.max(1)
    }

    /// What is worse than it was `before`, or than it may be.
    pub(super) fn complaints(&self, before: &Self) -> Vec<String> {
        let mut complaints = Vec::new();
        complaints.extend(self.row.complaint(&before.row, "a row"));
        complaints.extend(self.epoch.complaint(&before.epoch, "an epoch"));
        if self.row_allocations > ALLOCATIONS {
            complaints.push(format!(
                "1,000 rows take {} allocations, {ALLOCATIONS} are allowed and {} were recorded",
                self.row_allocations, before.row_allocations
            ));
        }
        let share = self.share(self.epoch.total);
        if share > SHARE {
            complaints.push(format!(
                "{} % of an epoch of 1,000,000 rows are not of its rows, {} % are allowed",
                hundredths(share),
                hundredths(SHARE)
            ));
        }
        complaints
    }

    /// Whether it is so much better than `before` that a later loss would not show.
    pub(super) fn outran(&self, before: &Self) -> bool {
        before.row.complaint(&self.row, "a row").is_some()
            || before.epoch.complaint(&self.epoch, "an epoch").is_some()
    }
}

impl Share {
    /// Of one of the `more` rows or epochs that `with` has beyond `without`.
    fn of(without: &Counts, with: &Counts, more: u64) -> Self {
        let total = |counts: &Counts| counts.stages.values().sum::<u64>();
        let before = |stage: &String| without.stages.get(stage).copied().unwrap_or(0);
        let each = with.stages.iter().map(|(stage, count)| {
            // Threads that wait are never the same twice: a stage with next to nothing may have less.
            (stage.clone(), count.saturating_sub(before(stage)) / more)
        });
        let total = total(with).saturating_sub(total(without)) / more;
        Self { total, stages: each.filter(|(_, count)| *count > 0).collect() }
    }

    fn json(&self) -> Value {
        json!({"total": self.total, "stages": self.stages})
    }

    fn from_json(kept: &Value) -> Option<Self> {
        let stages = kept.get("stages")?.as_object()?.iter();
        let stages = stages.map(|(stage, count)| Some((stage.clone(), count.as_u64()?)));
        Some(Self { total: kept.get("total")?.as_u64()?, stages: stages.collect::<Option<_>>()? })
    }

    fn stage(&self, name: &str) -> u64 {
        self.stages.get(name).copied().unwrap_or(0)
    }

    /// Each stage with what it has here and there, most first.
    fn each<'a>(&'a self, there: &'a Self) -> Vec<(&'a str, u64, u64)> {
        let names = self.stages.keys().chain(there.stages.keys());
        let mut each: Vec<_> =
            names.map(|name| (name.as_str(), self.stage(name), there.stage(name))).collect();
        each.sort_unstable_by_key(|(name, here, there)| (u64::MAX - here, u64::MAX - there, *name));
        each.dedup();
        each
    }

    /// By how much the total grew, and where.
    fn complaint(&self, before: &Self, of: &str) -> Option<String> {
        if self.total * 100 <= before.total * (100 + ALLOWED) {
            return None;
        }
        let mut grown: Vec<(u64, String)> = self
            .each(before)
            .into_iter()
            .filter(|(_, now, before)| now > before)
            .map(|(name, now, before)| {
                let (more, now) = (now - before, thousands(now));
                (more, format!("{name} +{} to {now}", thousands(more)))
            })
            .collect();
        grown.sort_unstable_by_key(|(more, _)| u64::MAX - more);
        let grown: Vec<String> = grown.into_iter().take(NAMED).map(|(_, text)| text).collect();
        let percent = (self.total - before.total) * 10_000 / before.total.max(1);
        Some(format!(
            "{of} takes {} instructions, {} % more than the {} that are recorded and {ALLOWED} % are \
             allowed: {}",
            thousands(self.total),
            hundredths(percent),
            thousands(before.total),
            grown.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests;
