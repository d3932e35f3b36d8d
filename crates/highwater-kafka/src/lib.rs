//! Kafka topics as a source of rows.
//!
//! * [`KafkaSource`] reads a topic exactly: epochs end at planned offsets, found by the headers of
//!   record batches; what aborted transactions wrote is left out; data loss and topics made anew are
//!   refused, never passed over.
//! * [`TopicWriter`] creates and fills topics for generators and tests.
//!
//! Records stay in the bytes of the broker's answer, or of one reused buffer when they were
//! compressed, until the format decodes them: nothing is allocated per record.
//!
//! # What is read
//! Message format 2, which Kafka has had since 0.11, uncompressed or with gzip, snappy, lz4 or zstd.
//! Connections are plaintext.
#![forbid(unsafe_code)]

mod aborted;
mod batch;
mod cluster;
mod compression;
mod connection;
mod decoder;
mod detail;
mod error;
mod estimate;
mod fetch;
mod options;
mod planner;
mod producer;
mod reader;
mod retry;
mod shape;
mod source;
mod versions;

pub use error::{Answer, BatchError, KafkaError, WireError};
pub use options::{OnDataLoss, PropertyProblem, Start};
pub use producer::TopicWriter;
pub use source::{KafkaSource, Undecoded};
