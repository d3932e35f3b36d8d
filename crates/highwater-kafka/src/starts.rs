//! Where a first run begins, as offsets.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{At, Cluster, Told, Topic};
use crate::error::KafkaError;
use crate::options::Start;
use crate::planner::Held;

/// Stand for the first record and for the end of a partition, as with Spark.
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// The offsets of `start` for the partitions of `topic` that are not to begin at their first record.
pub(crate) async fn resolve(
    start: &Start,
    cluster: &Cluster,
    topic: &mut Topic,
    held: &BTreeMap<i32, Held>,
) -> Result<BTreeMap<i32, i64>, KafkaError> {
    match start {
        Start::Earliest => Ok(BTreeMap::new()),
        Start::Latest => Ok(held.iter().map(|(&index, held)| (index, held.latest)).collect()),
        Start::Offsets(offsets) => checked(&topic.name, offsets, held),
        Start::TopicOffsets(topics) => match topics.get(&topic.name) {
            Some(offsets) => checked(&topic.name, offsets, held),
            None => Ok(BTreeMap::new()),
        },
        Start::Timestamp(millis) => {
            let all: BTreeSet<i32> = held.keys().copied().collect();
            let found = cluster.offsets(topic, &all, At::Time(*millis)).await?;
            let start = |(index, told): (i32, Told)| {
                let end = held.get(&index).map_or(0, |held| held.latest);
                (index, if told.offset < 0 { end } else { told.offset.min(end) })
            };
            Ok(found.into_iter().map(start).collect())
        }
    }
}

fn checked(
    topic: &str,
    offsets: &BTreeMap<i32, i64>,
    held: &BTreeMap<i32, Held>,
) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let check = |(&partition, &start): (&i32, &i64)| {
        let there = held.get(&partition);
        let (earliest, latest) = there.map_or((0, 0), |held| (held.earliest, held.latest));
        match start {
            EARLIEST if there.is_some() => Ok((partition, earliest)),
            LATEST if there.is_some() => Ok((partition, latest)),
            _ if there.is_some() && (earliest..=latest).contains(&start) => Ok((partition, start)),
            _ => {
                let topic = topic.to_owned();
                Err(KafkaError::Start { topic, partition, start, earliest, latest })
            }
        }
    };
    offsets.iter().map(check).collect()
}
