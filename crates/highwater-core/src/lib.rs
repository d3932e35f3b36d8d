//! Vocabulary and contracts of highwater: what a source, an operator, a sink and a table commit are.
//!
//! This crate does no I/O, reads no clock and starts no thread. Every other crate of the workspace
//! hangs off it and off nothing beside it, so the four files to read first are here:
//!
//! * [`Source`] plans ranges on the control plane and reads them on the data plane.
//! * [`Operator`] is the synchronous step between them.
//! * [`Sink`] stages files on the data plane and commits them on the control plane.
//! * [`CommitMachine`] is the commit rule that makes it exactly once.
#![forbid(unsafe_code)]

mod batch;
mod commit;
mod context;
mod digest;
mod error;
mod failpoint;
mod keys;
mod marker;
mod name;
mod operator;
mod permit;
mod plan;
mod positions;
mod rejected;
mod resolved;
mod secret;
mod sink;
mod source;
mod source_columns;
mod state;
mod time;

pub use batch::{Batch, Offsets, Origin};
pub use commit::{CommitMachine, Ended, Move, Rule, Verdict};
pub use context::{Context, Emitted, Moment, StepCounts, Told};
pub use digest::{Digest, ParseDigestError};
pub use error::{Error, ErrorKind, Result};
pub use failpoint::{Failpoint, FailpointHook, Failpoints, Phase};
pub use keys::{KEY_GROUPS, KeyError, KeyGroups};
pub use marker::{Footing, Found, Marker, MarkerId};
pub use name::{Name, NameError};
pub use operator::{Description, Flow, Operator, OperatorSpec, Output, Port, StreamInfo};
pub use permit::Permit;
pub use plan::{EpochPlan, SourcePlan};
pub use positions::{
    Backlog, Gap, Limits, Partition, Planned, Position, Positions, Range, RangeId, Withheld,
};
pub use rejected::{RejectedRecords, rejected_schema};
pub use resolved::{Resolved, Routing, Side, StateBound, Unread};
pub use secret::Secret;
pub use sink::{
    Committer, Patience, Sink, SinkContext, Staged, Swap, Target, Writer, WriterContext,
};
pub use source::{Decoded, Decoder, OnDataLoss, Payload, Source};
pub use source_columns::SourceColumns;
pub use state::{
    Groups, Level, ReadAt, SavedSection, Section, SectionBytes, StateReader, StateRoom,
    StateWriter, TableNote,
};
pub use time::{Clock, Epoch, Latest, Timestamp, Watermarks};

/// The arrow of every signature in highwater.
pub use arrow;
