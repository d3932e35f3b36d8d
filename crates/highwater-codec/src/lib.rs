//! Bytes to Arrow rows, strictly: a value that does not fit its column exactly rejects its record,
//! and nothing but its record. Or, if asked to, as Spark does it.
//!
//! * [`Format`] and [`RecordDecoder`] are what a source needs to know of an encoding.
//! * [`Json`] decodes JSON objects into declared [`Columns`], by one of two [`Semantics`].
//! * [`Avro`] decodes Avro records, of whatever schema [`Schemas`] knows, into columns or by a reader's schema.
//! * [`parse_decimal`] and [`parse_timestamp`] are the exact parsers behind it.
//! * [`sha256_concat_ws`] and [`sha256_canonical`] hash rows.
//!
//! # Example
//! ```
//! use highwater_codec::{Column, Columns, Format, Json, Records, Span, Type};
//!
//! let transactions = Columns::new()
//!     .required("transaction_id", Type::Text)
//!     .optional("account_from", Type::Text)
//!     .column(Column::required("amount_text", Type::Text).key("amount"))
//!     .required("amount", Type::Decimal(18, 2))
//!     .column(Column::required("event_timestamp", Type::Timestamp).key("timestamp"));
//! let json = Json::try_new(transactions)?;
//!
//! let data = br#"{"transaction_id":"TXN1","amount":"12.5","timestamp":"2025-01-16T12:30:00"}oops"#;
//! let values = [Some(Span { start: 0, end: 75 }), Some(Span { start: 75, end: 79 }), None];
//! let mut outcomes = Vec::new();
//! let rows = json.decoder().decode(&Records { data, values: &values }, &mut outcomes)?;
//!
//! assert_eq!(rows.num_rows(), 1);
//! let reasons: Vec<String> = outcomes.iter().flatten().map(ToString::to_string).collect();
//! assert_eq!(reasons, ["byte 0: oops is not a JSON object", "the record has no value"]);
//! # Ok::<(), highwater_core::Error>(())
//! ```
#![forbid(unsafe_code)]

mod avro;
mod columns;
mod decimal;
mod error;
mod format;
mod hash;
mod json;
mod push;
mod reason;
mod semantics;
mod timestamp;

pub use avro::{Avro, AvroSchema, KnownSchemas, SchemaId, Schemas, Writer};
pub use columns::{Column, Columns, Type};
pub use decimal::parse_decimal;
pub use error::CodecError;
pub use format::{Format, RecordDecoder, Records, Span};
pub use hash::{sha256_canonical, sha256_concat_ws};
pub use json::Json;
pub use reason::{Fault, Problem, Reason};
pub use semantics::Semantics;
pub use timestamp::parse_timestamp;
