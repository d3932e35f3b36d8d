//! From what steps observed to the watermarks of the next plan. No I/O and no clock.

use std::collections::{BTreeMap, BTreeSet};

use highwater_checkpoint::Observed;
use highwater_core::{
    EpochPlan, Latest, Name, Origin, Partition, Planned, Positions, Timestamp, Watermarks,
};

use crate::graph::Graph;
use crate::{Options, Outcome, WatermarkPolicy};

/// How far event time has come, as of the epochs that are prepared.
#[derive(Debug)]
pub(crate) struct EventTime {
    policy: WatermarkPolicy,
    /// In microseconds.
    idle_after: i64,
    steps: Vec<Step>,
    /// Some step keeps state that event time moves.
    moves_state: bool,
    observed: Observed,
    /// The watermarks of the last plan.
    last: BTreeMap<Name, Watermarks>,
    /// Every partition that has or had something to be read.
    filled: BTreeSet<Origin>,
    /// Since when a partition has been read to its end.
    caught_up: BTreeMap<Origin, Timestamp>,
}

/// A step that declares event time.
#[derive(Debug)]
struct Step {
    name: Name,
    /// In microseconds.
    delay: i64,
    sources: BTreeSet<Name>,
}

impl EventTime {
    /// Before the first epoch.
    pub(crate) fn new(graph: &Graph, options: &Options) -> Self {
        let steps = graph.watermark_steps().map(|(id, name, delay)| Step {
            name: name.clone(),
            delay: i64::try_from(delay.as_micros()).unwrap_or(i64::MAX),
            sources: graph.sources_of(id).into_iter().cloned().collect(),
        });
        Self {
            policy: options.watermarks,
            idle_after: i64::try_from(options.idle_after.as_micros()).unwrap_or(i64::MAX),
            steps: steps.collect(),
            moves_state: graph.is_stateful(),
            observed: Observed::new(),
            last: BTreeMap::new(),
            filled: BTreeSet::new(),
            caught_up: BTreeMap::new(),
        }
    }

    /// Goes on behind an epoch, with what was observed up to it.
    pub(crate) fn resume(&mut self, plan: &EpochPlan, observed: Observed) {
        self.last = plan.watermarks.clone();
        self.observed = observed;
    }

    /// Notes which partitions there are, and which of them have been read to their ends.
    pub(crate) fn look(
        &mut self,
        planned: &BTreeMap<Name, Planned>,
        positions: &BTreeMap<Name, Positions>,
        now: Timestamp,
    ) {
        for (source, planned) in planned {
            let origin = |partition: &Partition| Origin {
                source: source.clone(),
                partition: partition.clone(),
            };
            let known = positions.get(source).into_iter().flat_map(Positions::iter);
            self.filled.extend(known.map(|(partition, _)| origin(partition)));
            self.filled.extend(planned.ranges.iter().map(|range| origin(&range.partition)));
            for part in &planned.backlog {
                let origin = origin(&part.partition);
                let reads = planned.ranges.iter().any(|range| range.partition == part.partition);
                if part.behind > 0 || reads {
                    self.filled.insert(origin.clone());
                    self.caught_up.remove(&origin);
                } else {
                    self.caught_up.entry(origin).or_insert(now);
                }
            }
        }
    }

    /// The watermarks of the next plan.
    pub(crate) fn next(&self, now: Timestamp) -> BTreeMap<Name, Watermarks> {
        let reached = self.steps.iter().map(|step| match self.policy {
            WatermarkPolicy::PerPartition => self.slowest(step, now),
            WatermarkPolicy::Global => self.fastest(step),
        });
        let mut reached: Vec<_> = reached.collect();
        if self.policy == WatermarkPolicy::Global {
            let least = reached.iter().copied().min().flatten();
            reached.fill(least.map(|time| Timestamp(time.0 - time.0.rem_euclid(1_000))));
        }
        let next = |(step, reached): (&Step, Option<Timestamp>)| {
            let late_before = self.last.get(&step.name).copied().unwrap_or_default().watermark;
            let watermark = reached.map_or(late_before, |reached| reached.max(late_before));
            (step.name.clone(), Watermarks { late_before, watermark })
        };
        self.steps.iter().zip(reached).map(next).collect()
    }

    /// The watermarks of the last plan of all.
    pub(crate) fn end(&self) -> BTreeMap<Name, Watermarks> {
        let end = |step: &Step| {
            let late_before = self.last.get(&step.name).copied().unwrap_or_default().watermark;
            (step.name.clone(), Watermarks { late_before, watermark: Timestamp::MAX })
        };
        self.steps.iter().map(end).collect()
    }

    /// Whether an epoch would be worth while without any data: event time has moved since the last
    /// plan, and that may close windows and expire state.
    pub(crate) fn moves(&self, now: Timestamp) -> bool {
        let ahead = |watermarks: Watermarks| watermarks.watermark > watermarks.late_before;
        self.moves_state && self.next(now).into_values().any(ahead)
    }

    /// Takes in what an epoch observed.
    pub(crate) fn passed(&mut self, plan: &EpochPlan, outcome: &Outcome) {
        self.last = plan.watermarks.clone();
        self.observed = self.with(outcome);
    }

    /// What was observed, with that of one more epoch.
    pub(crate) fn with(&self, outcome: &Outcome) -> Observed {
        let mut observed = self.observed.clone();
        for (step, told) in &outcome.steps {
            for (origin, latest) in &told.observed {
                let partitions = observed.entry(step.clone()).or_default();
                let sum = partitions.entry(origin.clone()).or_insert(*latest);
                *sum = sum.and(*latest);
            }
        }
        observed
    }

    /// The least time among the partitions of a step that are not idle; none while all are, or while
    /// one has data of which nothing was seen yet.
    fn slowest(&self, step: &Step, now: Timestamp) -> Option<Timestamp> {
        let observed = self.observed.get(&step.name);
        let mine = self.filled.iter().filter(|origin| step.sources.contains(&origin.source));
        let awake = mine.filter(|origin| !self.is_idle(origin, now));
        let time = |origin| {
            let latest = observed.and_then(|observed| observed.get(origin));
            latest.map_or(Timestamp::MIN, |latest| latest.credible)
        };
        let least = awake.map(time).min()?;
        (least > Timestamp::MIN).then(|| least.minus(step.delay))
    }

    fn fastest(&self, step: &Step) -> Option<Timestamp> {
        let observed = self.observed.get(&step.name)?;
        let latest = observed.values().copied().reduce(Latest::and)?;
        Some(latest.any.minus(step.delay))
    }

    fn is_idle(&self, origin: &Origin, now: Timestamp) -> bool {
        let since = self.caught_up.get(origin);
        since.is_some_and(|since| now.0.saturating_sub(since.0) >= self.idle_after)
    }
}

#[cfg(test)]
mod tests;
