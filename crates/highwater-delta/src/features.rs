//! What a table demands of those who write to it.
//!
//! An append adds files and nothing else. So it may be made to a table with features that only
//! deletes, updates or readers have to do with; a feature that asks something of every new row or
//! file is refused where it is used, and one that is not known is refused at sight. Whoever takes rows
//! out has to respect two properties more.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features>

use std::collections::BTreeMap;

use crate::actions::{Metadata, Protocol};
use crate::error::DeltaError;
use crate::key::KeyColumns;
use crate::mode::Mode;
use crate::schema::{NO_ZONE, TableSchema};

/// What an append may leave alone. What is asked only where it is used is looked for in the schema
/// and in the properties.
const KNOWN: &[&str] = &[
    "allowColumnDefaults",
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    VECTORS,
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

/// Rows may be deleted by deletion vectors.
pub(crate) const DELETION_VECTORS: &str = "delta.enableDeletionVectors";

/// The feature that goes with it.
const VECTORS: &str = "deletionVectors";

/// Properties by which no row can be taken out in the commit that replaces it.
const KEEPS: &[(&str, &str)] = &[
    ("delta.appendOnly", "its rows are to stay"),
    ("delta.enableChangeDataFeed", "others read its changes one by one"),
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
    let on = |(key, _): &&(&str, &str)| is_on(&metadata.configuration, key);
    if let Some((key, feature)) = PROPERTIES.iter().find(on) {
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

/// Whether a property is set to true.
fn is_on(properties: &BTreeMap<String, String>, key: &str) -> bool {
    properties.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Checks that rows can be taken out of a table with these properties, if `mode` does that.
///
/// # Errors
/// [`DeltaError::Keeps`].
pub(crate) fn check_properties(
    table: &str,
    properties: &BTreeMap<String, String>,
    mode: &Mode,
) -> Result<(), DeltaError> {
    let keeps = KEEPS.iter().find(|(key, _)| !mode.appends() && is_on(properties, key));
    keeps.map_or(Ok(()), |&(key, reason)| {
        Err(DeltaError::Keeps { table: table.to_owned(), key, reason })
    })
}

/// Checks that a table that is partitioned by `partition` has a column of the key in its files.
///
/// # Errors
/// [`DeltaError::Key`].
pub(crate) fn check_key(
    table: &str,
    key: &KeyColumns,
    partition: &[String],
) -> Result<(), DeltaError> {
    if key.names().any(|name| !partition.iter().any(|column| column == name)) {
        return Ok(());
    }
    let column = key.names().collect::<Vec<_>>().join(", ");
    let problem = "the table is partitioned by all of it";
    Err(DeltaError::Key { table: table.to_owned(), column, problem })
}

/// Whether rows of a table may be deleted by deletion vectors.
pub(crate) fn deletes_by_vectors(
    protocol: &Protocol,
    properties: &BTreeMap<String, String>,
) -> bool {
    let has = |features: &Option<Vec<String>>| {
        features.iter().flatten().any(|feature| feature == VECTORS)
    };
    is_on(properties, DELETION_VECTORS)
        && has(&protocol.reader_features)
        && has(&protocol.writer_features)
}

/// The oldest protocol of a new table of `schema` with these properties.
pub(crate) fn protocol_for(
    schema: &TableSchema,
    properties: &BTreeMap<String, String>,
) -> Protocol {
    let vectors = is_on(properties, DELETION_VECTORS).then_some(VECTORS);
    let no_zone = schema.has(NO_ZONE).then_some("timestampNtz");
    let features: Vec<_> = vectors.into_iter().chain(no_zone).collect();
    if features.is_empty() {
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
        reader_features: names(&features),
        writer_features: names(&[vec!["appendOnly", "invariants"], features.clone()].concat()),
    }
}

#[cfg(test)]
mod tests;
