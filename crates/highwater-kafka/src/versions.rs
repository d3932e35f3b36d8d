//! Which version of each API is spoken with a broker.

use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FindCoordinatorRequest,
    ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetForLeaderEpochRequest,
    SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Request, VersionRange};

use crate::shape::{self, Shape};

/// A request of this crate.
pub(crate) trait Call: Request {
    /// What it is called in messages.
    const NAME: &'static str;
    /// The versions this crate can fill in and understand.
    const SPOKEN: VersionRange;
    /// The layout of the answer.
    const SHAPE: Shape;
}

impl Call for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersions";
    /// Every broker answers version 0, and no later one says more that is needed.
    const SPOKEN: VersionRange = VersionRange { min: 0, max: 0 };
    const SHAPE: Shape = shape::API_VERSIONS;
}

impl Call for MetadataRequest {
    const NAME: &'static str = "Metadata";
    /// From 4 on a request can forbid that the topic is created by asking for it.
    const SPOKEN: VersionRange = VersionRange { min: 4, max: 12 };
    const SHAPE: Shape = shape::METADATA;
}

impl Call for ListOffsetsRequest {
    const NAME: &'static str = "ListOffsets";
    /// From 2 on it knows isolation levels, from 8 on what lies in tiered storage.
    const SPOKEN: VersionRange = VersionRange { min: 2, max: 8 };
    const SHAPE: Shape = shape::LIST_OFFSETS;
}

impl Call for OffsetForLeaderEpochRequest {
    const NAME: &'static str = "OffsetForLeaderEpoch";
    /// From 3 on a client may ask that is no broker.
    const SPOKEN: VersionRange = VersionRange { min: 3, max: 4 };
    const SHAPE: Shape = shape::OFFSET_FOR_LEADER_EPOCH;
}

impl Call for FetchRequest {
    const NAME: &'static str = "Fetch";
    /// From 4 on it gives message format 2. From 13 on topics go by id, so that one made anew while
    /// its predecessor is read does not answer.
    const SPOKEN: VersionRange = VersionRange { min: 4, max: 13 };
    const SHAPE: Shape = shape::FETCH;
}

impl Call for SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshake";
    /// From 1 on what follows are requests, not bare messages.
    const SPOKEN: VersionRange = VersionRange { min: 1, max: 1 };
    const SHAPE: Shape = shape::SASL_HANDSHAKE;
}

impl Call for SaslAuthenticateRequest {
    const NAME: &'static str = "SaslAuthenticate";
    /// From 1 on the answer says when the broker forgets.
    const SPOKEN: VersionRange = VersionRange { min: 0, max: 2 };
    const SHAPE: Shape = shape::SASL_AUTHENTICATE;
}

impl Call for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinator";
    /// From 1 on it can say what is wrong; from 4 on it is about several groups.
    const SPOKEN: VersionRange = VersionRange { min: 1, max: 3 };
    const SHAPE: Shape = shape::FIND_COORDINATOR;
}

impl Call for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommit";
    /// From 2 on time is the broker's.
    const SPOKEN: VersionRange = VersionRange { min: 2, max: 8 };
    const SHAPE: Shape = shape::OFFSET_COMMIT;
}

/// What a broker speaks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions(Vec<(i16, VersionRange)>);

impl Versions {
    pub(crate) fn of(response: &ApiVersionsResponse) -> Self {
        let known = |key| ApiKey::try_from(key).is_ok();
        let apis = response.api_keys.iter().filter(|api| known(api.api_key));
        Self(
            apis.map(|api| {
                (api.api_key, VersionRange { min: api.min_version, max: api.max_version })
            })
            .collect(),
        )
    }

    /// The newest version of `R` that both sides speak, or what the broker speaks of it.
    pub(crate) fn pick<R: Call>(&self) -> Result<i16, Option<VersionRange>> {
        let theirs = self.0.iter().find(|(key, _)| *key == R::KEY).map(|(_, range)| *range);
        let common = theirs.map(|theirs| theirs.intersect(&R::SPOKEN));
        match common {
            Some(common) if !common.is_empty() => Ok(common.max),
            _ => Err(theirs),
        }
    }
}
