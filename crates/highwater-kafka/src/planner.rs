//! Which offsets an epoch reads: a function of what the brokers hold, without I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use highwater_core::{
    Backlog, Gap, Limits, OnDataLoss, Partition, Planned, Positions, Range, RangeId, Withheld,
};

use crate::detail::{self, Detail};
use crate::error::KafkaError;
use crate::topics::Topics;

/// A topic as its brokers hold it now.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) topic: String,
    pub(crate) id: Option<String>,
    pub(crate) partitions: BTreeMap<i32, Held>,
    /// Where partitions begin that were never read, when that is not their first record.
    pub(crate) starts: BTreeMap<i32, i64>,
}

/// What one partition holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) epoch: i32,
    pub(crate) earliest: i64,
    /// The end for readers.
    pub(crate) latest: i64,
    /// The end for replication. It lies behind the one for readers while transactions are open.
    pub(crate) high_watermark: i64,
    /// For how long the end for readers has stayed where it is, where it lies before the other one.
    pub(crate) stuck: Option<Duration>,
    /// The end of what was written up to the leader's epoch that the position was planned in, when
    /// another broker has become the leader since.
    pub(crate) epoch_end: Option<i64>,
}

impl Held {
    fn withheld(&self) -> Option<Withheld> {
        let offsets = u64::try_from(self.high_watermark.saturating_sub(self.latest)).ok()?;
        let millis = u64::try_from(self.stuck?.as_millis()).unwrap_or(u64::MAX);
        Some(Withheld { offsets, millis })
    }
}

/// What there is to read of one partition.
#[derive(Clone, Copy, Debug)]
struct Open<'a> {
    view: &'a View,
    index: i32,
    from: i64,
    end: i64,
    gap: Option<i64>,
}

impl Open<'_> {
    fn backlog(&self) -> u64 {
        u64::try_from(self.end.saturating_sub(self.from)).unwrap_or(0)
    }
}

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) topics: &'a Topics,
    pub(crate) until: Option<&'a Positions>,
    pub(crate) limits: &'a Limits,
    pub(crate) on_data_loss: OnDataLoss,
    /// Topics that were read and are gone, which the policy lets go.
    pub(crate) gone: &'a BTreeSet<String>,
    /// An estimate, from what was read before.
    pub(crate) bytes_per_offset: u64,
}

/// Plans the ranges after `from`, as `views` hold them.
pub(crate) fn plan(
    views: &[View],
    from: &Positions,
    rules: Rules<'_>,
) -> Result<Planned, KafkaError> {
    check_identity(views, from, rules)?;
    let mut open = Vec::new();
    for view in views {
        for (&index, held) in &view.partitions {
            open.push(look(view, index, held, from, rules)?);
        }
    }
    let total: u64 = open.iter().map(Open::backlog).sum();
    let quota =
        rules.limits.records.min(rules.limits.bytes / rules.bytes_per_offset.max(1)).min(total);
    let mut planned = Planned::default();
    for open in &open {
        let partition = Partition::new(&open.view.topic, open.index);
        let taken = share(open.backlog(), total, quota);
        let to = open.from.saturating_add(i64::try_from(taken).unwrap_or(i64::MAX));
        if taken > 0 {
            if let Some(lost_from) = open.gap {
                planned.gaps.push(Gap {
                    partition: partition.clone(),
                    from: lost_from,
                    to: Some(open.from),
                });
            }
            let id = RangeId(u32::try_from(planned.ranges.len()).unwrap_or(u32::MAX));
            planned.ranges.push(range(id, partition.clone(), open, to));
        }
        let behind = open.backlog() - taken;
        let withheld = open.view.partitions.get(&open.index).and_then(Held::withheld);
        planned.backlog.push(Backlog { partition, end: open.end.max(open.from), behind, withheld });
    }
    remember(views, from, rules.gone, &mut planned)?;
    Ok(planned)
}

/// The same topics as before, and no partition less. A topic that is gone was let go by the policy.
fn check_identity(views: &[View], from: &Positions, rules: Rules<'_>) -> Result<(), KafkaError> {
    let views: BTreeMap<&str, &View> = views.iter().map(|view| (&*view.topic, view)).collect();
    for (partition, position) in from.iter() {
        if !rules.topics.hold(&partition.stream) {
            let (partition, topic) = (partition.clone(), rules.topics.to_string());
            return Err(KafkaError::OtherSource { partition, topic });
        }
        let Some(view) = views.get(&*partition.stream) else { continue };
        let was = Detail::of(partition, position)?.topic_id;
        if let (Some(was), Some(is)) = (was, &view.id)
            && was != *is
        {
            return Err(KafkaError::Recreated { topic: view.topic.clone(), was, is: is.clone() });
        }
        if !view.partitions.contains_key(&partition.index) {
            return Err(KafkaError::PartitionGone {
                topic: view.topic.clone(),
                partition: partition.index,
                position: position.next,
            });
        }
    }
    Ok(())
}

fn look<'a>(
    view: &'a View,
    index: i32,
    held: &Held,
    from: &Positions,
    rules: Rules<'_>,
) -> Result<Open<'a>, KafkaError> {
    let partition = Partition::new(&view.topic, index);
    let read = from.get(&partition).map(|position| position.next);
    let position = read.or_else(|| view.starts.get(&index).copied()).unwrap_or(held.earliest);
    let topic = || view.topic.clone();
    // Readers may see an end before the position after `isolation.level` was changed.
    if position > held.latest.max(held.high_watermark) {
        let (partition, latest) = (index, held.latest);
        return Err(KafkaError::Truncated { topic: topic(), partition, position, latest });
    }
    if let Some(end) = held.epoch_end.filter(|end| *end < position) {
        let epoch = from.get(&partition).map(|position| Detail::of(&partition, position));
        let epoch = epoch.transpose()?.map_or(-1, |detail| detail.epoch);
        let (topic, partition) = (topic(), index);
        return Err(KafkaError::Diverged { topic, partition, position, epoch, end });
    }
    let lost = held.earliest.saturating_sub(position).max(0);
    if lost > 0 && rules.on_data_loss == OnDataLoss::Fail {
        let (partition, earliest) = (index, held.earliest);
        return Err(KafkaError::DataLoss { topic: topic(), partition, position, earliest, lost });
    }
    let until = rules.until.map(|until| until.get(&partition).map_or(i64::MIN, |to| to.next));
    let start = position.max(held.earliest);
    Ok(Open {
        view,
        index,
        from: start,
        end: held.latest.min(until.unwrap_or(i64::MAX)),
        gap: (lost > 0).then_some(position),
    })
}

/// A part of `quota` in proportion, at least one of what is not empty.
fn share(backlog: u64, total: u64, quota: u64) -> u64 {
    if backlog == 0 {
        return 0;
    }
    let part = u128::from(backlog) * u128::from(quota) / u128::from(total.max(1));
    u64::try_from(part).unwrap_or(u64::MAX).clamp(1, backlog)
}

fn range(id: RangeId, partition: Partition, open: &Open<'_>, to: i64) -> Range {
    let epoch = open.view.partitions.get(&open.index).map_or(-1, |held| held.epoch);
    let detail = Detail { topic_id: open.view.id.clone(), epoch, ..Detail::default() };
    Range { id, partition, from: detail.at(open.from), to: detail.at(to) }
}

/// Lets the first range remember what no position of its own can: where partitions begin that stay
/// without one, and which topics are gone, whose gaps are recorded with it.
fn remember(
    views: &[View],
    from: &Positions,
    gone: &BTreeSet<String>,
    planned: &mut Planned,
) -> Result<(), KafkaError> {
    let Some(first) = planned.ranges.first() else { return Ok(()) };
    let mut others = waiting(views, from, &planned.ranges);
    let mut known = detail::gone(from)?;
    for name in gone.iter().filter(|name| !known.contains(*name)) {
        let left = from.iter().filter(|(partition, _)| partition.stream == *name);
        planned.gaps.extend(left.map(|(partition, position)| Gap {
            partition: partition.clone(),
            from: position.next,
            to: None,
        }));
    }
    known.extend(gone.iter().cloned());
    if others.is_empty() && known.is_empty() {
        return Ok(());
    }
    let starts = others.remove(&first.partition.stream).unwrap_or_default();
    let detail = Detail::of(&first.partition, &first.to)?;
    let to = Detail { starts, others, gone: known, ..detail }.at(first.to.next);
    if let Some(first) = planned.ranges.first_mut() {
        first.to = to;
    }
    Ok(())
}

/// Where partitions begin that stay without a position, by topic.
fn waiting(
    views: &[View],
    from: &Positions,
    ranges: &[Range],
) -> BTreeMap<String, BTreeMap<i32, i64>> {
    let mut waiting = BTreeMap::new();
    for view in views.iter().filter(|view| !view.starts.is_empty()) {
        let positioned = |index: &i32| {
            let partition = Partition::new(&view.topic, *index);
            from.get(&partition).is_some()
                || ranges.iter().any(|range| range.partition == partition)
        };
        let starts = view.starts.iter().filter(|(index, _)| !positioned(index));
        let starts: BTreeMap<i32, i64> = starts.map(|(&index, &start)| (index, start)).collect();
        if !starts.is_empty() {
            waiting.insert(view.topic.clone(), starts);
        }
    }
    waiting
}

#[cfg(test)]
mod tests;
