//! What becomes of answers that are not data: asked again within a grace, or final.

use std::collections::{BTreeMap, BTreeSet};

use highwater_core::{Payload, RangeId};
use kafka_protocol::messages::fetch_response::PartitionData;

use super::Reader;
use crate::cluster::{At, refused};
use crate::error::{Answer, BatchError, Class, KafkaError, WireError};
use crate::fetch::Scanned;
use crate::options::Isolation;

/// So many answers without anything of a partition asked for alone prove that there is nothing.
const PROOF: u32 = 6;

impl Reader {
    /// After the leader of a partition changed, whether it holds the records that were planned.
    pub(super) async fn check_leaders(&mut self) -> Result<(), KafkaError> {
        let changed = self
            .open
            .iter()
            .filter(|&(&index, open)| open.planned >= 0 && self.topic.epoch(index) > open.held);
        let epochs: BTreeMap<i32, i32> =
            changed.map(|(&index, open)| (index, open.planned)).collect();
        // Whoever answers for a topic made anew under this name is not read from.
        let mut topic = self.topic.clone();
        for (index, end) in self.cluster.epoch_ends(&mut topic, &epochs).await? {
            let Some(open) = self.open.get_mut(&index) else { continue };
            if end < open.to {
                let (topic, partition) = (self.topic.name.clone(), index);
                let (position, epoch) = (open.to, open.planned);
                return Err(KafkaError::Diverged { topic, partition, position, epoch, end });
            }
            open.held = topic.epoch(index);
        }
        Ok(())
    }

    /// An answer without a whole batch of a partition. Mostly others filled it; but the offsets up to
    /// the end of the range may also have been compacted away, and no record will ever come.
    pub(super) async fn nothing(
        &mut self,
        index: i32,
        data: &PartitionData,
        alone: bool,
        items: &mut Vec<(RangeId, Payload)>,
    ) -> Result<(), KafkaError> {
        let Some(open) = self.open.get_mut(&index) else { return Ok(()) };
        open.empty += 1;
        let (empty, position, to) = (open.empty, open.position, open.to);
        if !alone {
            return Ok(());
        }
        if data.records.as_ref().is_some_and(|records| !records.is_empty()) {
            let cut_off = BatchError::CutOff.at(&self.topic.name, index, position);
            return self.failed(index, cut_off);
        }
        if data.last_stable_offset.max(data.high_watermark) < to {
            return self.answered(index, Answer(78)).await;
        }
        // What lies in tiered storage may be slow to come, and then an answer is empty too.
        if empty >= PROOF
            && data.last_stable_offset >= to
            && let Some(local) = self.cluster.earliest_local(&self.topic, index).await
            && local <= position
        {
            self.move_on(index, Scanned { next: to, ..Scanned::default() }, items);
            return Ok(());
        }
        if empty > PROOF { self.answered(index, Answer(78)).await } else { Ok(()) }
    }

    /// A partition answered with an error.
    pub(super) async fn answered(&mut self, index: i32, answer: Answer) -> Result<(), KafkaError> {
        let error = refused("Fetch", &self.topic, index, answer);
        match answer.class() {
            Class::Fine | Class::Again | Class::Unknown => self.failed(index, error),
            Class::Position => {
                let error = self.outside(index).await?.unwrap_or(error);
                match error {
                    KafkaError::Answer { .. } => self.failed(index, error),
                    error => Err(error),
                }
            }
            Class::Fatal => Err(error),
        }
    }

    /// Why a position is out of range; none when by now it is not.
    async fn outside(&mut self, index: i32) -> Result<Option<KafkaError>, KafkaError> {
        let Some(position) = self.open.get(&index).map(|open| open.position) else {
            return Ok(None);
        };
        let one = BTreeSet::from([index]);
        let mut ends = [0; 2];
        let latest = At::Latest(Isolation::Uncommitted);
        // Whoever answers for a topic made anew under this name is not read from.
        let mut topic = self.topic.clone();
        for (end, at) in ends.iter_mut().zip([At::Earliest, latest]) {
            let found = self.cluster.offsets(&mut topic, &one, at).await?;
            *end = found.get(&index).map_or(position, |told| told.offset);
        }
        let [earliest, latest] = ends;
        let (topic, partition) = (self.topic.name.clone(), index);
        Ok(if position < earliest {
            let lost = earliest - position;
            Some(KafkaError::DataLoss { topic, partition, position, earliest, lost })
        } else if position > latest {
            Some(KafkaError::Truncated { topic, partition, position, latest })
        } else {
            None
        })
    }

    pub(super) fn all_failed(
        &mut self,
        partitions: &[i32],
        error: WireError,
    ) -> Result<(), KafkaError> {
        self.stale = true;
        let mut late = false;
        for index in partitions {
            late |= self.open.get_mut(index).is_some_and(|open| !open.retry.failed());
        }
        if late { Err(error.into()) } else { Ok(()) }
    }

    /// Notes a failure, which is final when the grace is over.
    pub(super) fn failed(&mut self, index: i32, error: KafkaError) -> Result<(), KafkaError> {
        self.stale = true;
        let late = self.open.get_mut(&index).is_some_and(|open| !open.retry.failed());
        if late { Err(error) } else { Ok(()) }
    }
}
