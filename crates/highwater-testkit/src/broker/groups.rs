//! Offsets of consumer groups, as those who are no members commit them.

use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, FindCoordinatorResponse, OffsetCommitRequest, OffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::State;

/// The broker that keeps the offsets of every group: the last one.
fn keeper(state: &State) -> usize {
    state.ports.len().saturating_sub(1)
}

pub(super) fn coordinator(state: &State) -> FindCoordinatorResponse {
    let keeper = keeper(state);
    FindCoordinatorResponse::default()
        .with_node_id(BrokerId(i32::try_from(keeper).unwrap_or(-1)))
        .with_host(StrBytes::from_static_str("127.0.0.1"))
        .with_port(state.ports.get(keeper).copied().unwrap_or_default().into())
}

pub(super) fn commit(
    request: &OffsetCommitRequest,
    node: usize,
    state: &mut State,
) -> OffsetCommitResponse {
    let of_a_member = request.generation_id_or_member_epoch != -1 || !request.member_id.is_empty();
    let code = match node == keeper(state) {
        false => 16,
        true if of_a_member => 25,
        true => 0,
    };
    let mut topics = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::new();
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let known = usize::try_from(index)
                .is_ok_and(|index| state.partition(&topic.name, index).is_some());
            let code = if known { code } else { 3 };
            if code == 0 {
                let key = (request.group_id.to_string(), topic.name.to_string(), index);
                state.groups.insert(key, partition.committed_offset);
            }
            let answer = OffsetCommitResponsePartition::default();
            partitions.push(answer.with_partition_index(index).with_error_code(code));
        }
        let answer = OffsetCommitResponseTopic::default().with_name(topic.name.clone());
        topics.push(answer.with_partitions(partitions));
    }
    OffsetCommitResponse::default().with_topics(topics)
}
