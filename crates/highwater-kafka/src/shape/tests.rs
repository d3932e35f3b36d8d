//! The layouts against the encoder of the protocol's own schemas.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData,
};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FetchResponse, ListOffsetsResponse, MetadataResponse,
    ProducerId, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use proptest::prelude::*;

use super::*;

fn encode<R: Encodable>(response: &R, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    response.encode(&mut bytes, version).unwrap();
    bytes.to_vec()
}

fn name() -> TopicName {
    TopicName(StrBytes::from_static_str("a-topic"))
}

fn metadata() -> MetadataResponse {
    let broker = MetadataResponseBroker::default()
        .with_host(StrBytes::from_static_str("localhost"))
        .with_rack(Some(StrBytes::from_static_str("rack")));
    let partition = MetadataResponsePartition::default()
        .with_replica_nodes(vec![BrokerId(1), BrokerId(2)])
        .with_isr_nodes(vec![BrokerId(1)]);
    let topic = MetadataResponseTopic::default()
        .with_name(Some(name()))
        .with_partitions(vec![partition.clone(), partition]);
    MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic.clone(), topic])
}

fn list_offsets() -> ListOffsetsResponse {
    let partition = ListOffsetsPartitionResponse::default().with_offset(7);
    let topic = ListOffsetsTopicResponse::default()
        .with_name(name())
        .with_partitions(vec![partition.clone(), partition]);
    ListOffsetsResponse::default().with_topics(vec![topic])
}

fn fetch(version: i16) -> FetchResponse {
    let aborted = AbortedTransaction::default().with_producer_id(ProducerId(3));
    let mut partition = PartitionData::default()
        .with_aborted_transactions(Some(vec![aborted.clone(), aborted]))
        .with_records(Some(Bytes::from_static(b"records")));
    if version >= 12 {
        let leader = LeaderIdAndEpoch::default().with_leader_epoch(4).with_leader_id(BrokerId(1));
        partition = partition.with_current_leader(leader);
    }
    let none = PartitionData::default();
    let topic =
        FetchableTopicResponse::default().with_topic(name()).with_partitions(vec![partition, none]);
    FetchResponse::default().with_responses(vec![topic])
}

fn answers() -> Vec<(Shape, i16, Vec<u8>)> {
    let api = ApiVersion::default().with_api_key(1).with_max_version(12);
    let versions = ApiVersionsResponse::default().with_api_keys(vec![api.clone(), api]);
    let mut all = vec![(API_VERSIONS, 0, encode(&versions, 0))];
    all.extend((4..=12).map(|version| (METADATA, version, encode(&metadata(), version))));
    all.extend((2..=8).map(|version| (LIST_OFFSETS, version, encode(&list_offsets(), version))));
    all.extend((4..=13).map(|version| (FETCH, version, encode(&fetch(version), version))));
    all
}

#[test]
fn whole_answers_fit_and_cut_ones_do_not() {
    for (shape, version, bytes) in answers() {
        assert!(shape.fits(&bytes, version), "version {version} of {shape:?}");
        for end in 0..bytes.len() {
            assert!(!shape.fits(&bytes[..end], version), "version {version} cut at {end}");
        }
    }
}

/// A decoder that trusted a count would reserve gigabytes here and be killed.
#[test]
fn damaged_answers_that_fit_can_be_decoded_in_little_memory() {
    let answers = answers();
    let config = ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() };
    proptest!(config, |(
        which in 0..answers.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    )| {
        let (shape, version, mut bytes) = answers[which].clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if shape.fits(&bytes, version) {
            let mut bytes = Bytes::from(bytes);
            match shape.fields.len() {
                fields if fields == METADATA.fields.len() => {
                    drop(MetadataResponse::decode(&mut bytes, version));
                }
                fields if fields == FETCH.fields.len() => {
                    drop(FetchResponse::decode(&mut bytes, version));
                }
                _ if version == 0 => drop(ApiVersionsResponse::decode(&mut bytes, version)),
                _ => drop(ListOffsetsResponse::decode(&mut bytes, version)),
            }
        }
    });
}
