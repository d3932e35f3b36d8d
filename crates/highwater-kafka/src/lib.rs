//! Kafka topics as a source of rows.
//!
//! * [`KafkaSource`] reads a topic exactly: epochs end at planned offsets, found by the headers of
//!   record batches; what aborted transactions wrote is left out; data loss and topics made anew are
//!   refused, never passed over.
//! * [`Metadata`] is what Kafka knows of a record besides its value, for those who want columns of it.
//! * [`TopicWriter`] creates and fills topics for generators and tests.
//!
//! Records stay in the bytes of the broker's answer, or of one reused buffer when they were
//! compressed, until the format decodes them: nothing is allocated per record.
//!
//! # What is read
//! Message format 2, which Kafka has had since 0.11, uncompressed or with gzip, snappy, lz4 or zstd.
//!
//! # Security
//! `security.protocol` is `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`, with the mechanisms
//! `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` and `OAUTHBEARER`; certificates and keys are PEM. Who is
//! not let in, or does not trust the broker, ends at once and says why. Passwords, tokens and keys are
//! [`Secret`](highwater_core::Secret)s. TLS is rustls with ring, for these connections only.
#![forbid(unsafe_code)]

mod aborted;
mod authenticate;
mod batch;
mod cluster;
mod compression;
mod connection;
mod damage;
mod decoder;
mod detail;
mod error;
mod estimate;
mod fetch;
mod frames;
mod group;
mod hanging;
mod look;
mod metadata;
mod options;
mod planner;
mod probe;
mod producer;
mod reader;
mod retry;
mod security;
mod shape;
mod source;
mod starts;
mod topics;
mod transport;
mod versions;

pub use error::{Answer, BatchError, KafkaError, SecurityError, WireError};
pub use highwater_core::OnDataLoss;
pub use metadata::Metadata;
pub use options::{ClientProperties, PropertyProblem, Start};
pub use producer::TopicWriter;
pub use source::{KafkaSource, Undecoded};
