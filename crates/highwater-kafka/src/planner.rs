//! Which offsets an epoch reads: a function of what the brokers hold, without I/O.

use std::collections::BTreeMap;

use highwater_core::{Backlog, Gap, Limits, Partition, Planned, Positions, Range, RangeId};

use crate::detail::Detail;
use crate::error::KafkaError;
use crate::options::OnDataLoss;
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
    /// The end for replication, when it was asked for because the readers' end lies before the position.
    pub(crate) high_watermark: Option<i64>,
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
                    to: open.from,
                });
            }
            let id = RangeId(u32::try_from(planned.ranges.len()).unwrap_or(u32::MAX));
            planned.ranges.push(range(id, partition.clone(), open, to));
        }
        let behind = open.backlog() - taken;
        planned.backlog.push(Backlog { partition, end: open.end.max(open.from), behind });
    }
    remember_starts(views, from, &mut planned)?;
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
    if position > held.latest.max(held.high_watermark.unwrap_or(i64::MIN)) {
        let (partition, latest) = (index, held.latest);
        return Err(KafkaError::Truncated { topic: topic(), partition, position, latest });
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

/// Lets the first range remember where partitions begin that stay without a position.
fn remember_starts(
    views: &[View],
    from: &Positions,
    planned: &mut Planned,
) -> Result<(), KafkaError> {
    let mut waiting: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
    for view in views.iter().filter(|view| !view.starts.is_empty()) {
        let positioned = |index: &i32| {
            let partition = Partition::new(&view.topic, *index);
            from.get(&partition).is_some()
                || planned.ranges.iter().any(|range| range.partition == partition)
        };
        let starts = view.starts.iter().filter(|(index, _)| !positioned(index));
        let starts: BTreeMap<i32, i64> = starts.map(|(&index, &start)| (index, start)).collect();
        if !starts.is_empty() {
            waiting.insert(view.topic.clone(), starts);
        }
    }
    if let Some(first) = planned.ranges.first_mut()
        && !waiting.is_empty()
    {
        let detail = Detail::of(&first.partition, &first.to)?;
        let starts = waiting.remove(&first.partition.stream).unwrap_or_default();
        first.to = Detail { starts, others: waiting, ..detail }.at(first.to.next);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
