//! What a table demands of those who append to it.
//!
//! An append adds files and nothing else. So it may be made to a table with features that only
//! deletes, updates or readers have to do with; a feature that asks something of every new row or
//! file is refused where it is used, and one that is not known is refused at sight.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features>

use crate::actions::{Metadata, Protocol};
use crate::error::DeltaError;
use crate::schema::{NO_ZONE, TableSchema};

/// What an append may leave alone. What is asked only where it is used is looked for in the schema
/// and in the properties.
const KNOWN: &[&str] = &[
    "allowColumnDefaults",
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    "deletionVectors",
    "domainMetadata",
    "generatedColumns",
    "identityColumns",
    "inCommitTimestamp",
    "invariants",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// Keys in the metadata of a column by which new rows are tested or made.
const COLUMN_KEYS: &[(&str, &str)] = &[
    ("delta.invariants", "has an invariant on column"),
    ("delta.generationExpression", "generates column"),
    ("delta.identity.start", "has the identity column"),
    ("CURRENT_DEFAULT", "has a default for column"),
];

/// Properties that ask something of every commit when they are on.
const PROPERTIES: &[(&str, &str)] = &[
    ("delta.enableInCommitTimestamps", "wants timestamps in its commits"),
    ("delta.enableRowTracking", "tracks rows"),
    ("delta.enableIcebergCompatV1", "wants to be read as Iceberg"),
    ("delta.enableIcebergCompatV2", "wants to be read as Iceberg"),
    ("delta.enableIcebergCompatV3", "wants to be read as Iceberg"),
];

/// A property by which a table forgets what applications left, and with it our marker.
const FORGETS: &str = "delta.setTransactionRetentionDuration";

/// Checks that rows can be appended to the table.
///
/// # Errors
/// [`DeltaError::Feature`].
pub(crate) fn check(
    table: &str,
    protocol: &Protocol,
    metadata: &Metadata,
    schema: &TableSchema,
) -> Result<(), DeltaError> {
    match unsupported(protocol, metadata, schema) {
        None => Ok(()),
        Some(feature) => Err(DeltaError::Feature { table: table.to_owned(), feature }),
    }
}

/// The first thing that cannot be done, as the end of a sentence.
fn unsupported(protocol: &Protocol, metadata: &Metadata, schema: &TableSchema) -> Option<String> {
    let Protocol { min_reader_version: reader, min_writer_version: writer, .. } = protocol;
    if !(1..=3).contains(reader) || !(1..=7).contains(writer) {
        return Some(format!("has the protocol {reader}/{writer}"));
    }
    let features = [&protocol.reader_features, &protocol.writer_features];
    let mut features = features.into_iter().flatten().flatten();
    if let Some(feature) = features.find(|feature| !KNOWN.contains(&feature.as_str())) {
        return Some(format!("has the feature {feature}"));
    }
    let on = |key: &str| {
        metadata.configuration.get(key).is_some_and(|it| it.eq_ignore_ascii_case("true"))
    };
    if let Some((key, feature)) = PROPERTIES.iter().find(|(key, _)| on(key)) {
        return Some(format!("{feature} ({key})"));
    }
    let mut keys = metadata.configuration.iter();
    if let Some((key, _)) = keys.find(|(key, _)| key.starts_with("delta.constraints.")) {
        return Some(format!("has a constraint ({key})"));
    }
    let mapping = metadata.configuration.get("delta.columnMapping.mode");
    if let Some(mode) = mapping.filter(|mode| mode.as_str() != "none") {
        return Some(format!("maps columns by {mode}"));
    }
    if let Some(duration) = metadata.configuration.get(FORGETS) {
        return Some(format!("forgets markers after {duration} ({FORGETS})"));
    }
    schema.all().into_iter().find_map(|column| {
        let key = COLUMN_KEYS.iter().find(|(key, _)| column.metadata.contains_key(*key));
        key.map(|(_, feature)| format!("{feature} {}", column.name))
    })
}

/// The oldest protocol of a new table of `schema`.
pub(crate) fn protocol_for(schema: &TableSchema) -> Protocol {
    if !schema.has(NO_ZONE) {
        return Protocol {
            min_reader_version: 1,
            min_writer_version: 2,
            reader_features: None,
            writer_features: None,
        };
    }
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    Protocol {
        min_reader_version: 3,
        min_writer_version: 7,
        reader_features: names(&["timestampNtz"]),
        writer_features: names(&["appendOnly", "invariants", "timestampNtz"]),
    }
}

#[cfg(test)]
mod tests;
