//! The actions of a commit, as lines of JSON.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::files::{DataFile, RemovedFile};

/// What a commit says, as far as a sink has to know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commit {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) txns: Vec<Txn>,
    /// Files that it brings, also those whose deletion vector it changes.
    pub(crate) adds: Vec<DataFile>,
    /// Files that it takes out.
    pub(crate) removes: Vec<RemovedFile>,
    /// What the writer says of itself, which no reader depends on.
    pub(crate) info: Option<Value>,
}

/// A line of a commit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    protocol: Option<Protocol>,
    meta_data: Option<Metadata>,
    txn: Option<Txn>,
    add: Option<DataFile>,
    remove: Option<RemovedFile>,
    commit_info: Option<Value>,
}

/// What readers and writers of the table must be able to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reader_features: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) writer_features: Option<Vec<String>>,
}

/// What the table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) id: String,
    pub(crate) schema_string: String,
    #[serde(default)]
    pub(crate) partition_columns: Vec<String>,
    #[serde(default)]
    pub(crate) configuration: BTreeMap<String, String>,
}

/// The number that an application left last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: i64,
}

impl Commit {
    /// Reads the lines of a commit.
    ///
    /// # Errors
    /// A line that is no action.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut commit = Self::default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
        {
            let line: Line = serde_json::from_slice(line)?;
            commit.protocol = line.protocol.or(commit.protocol);
            commit.metadata = line.meta_data.or(commit.metadata);
            commit.info = line.commit_info.or(commit.info);
            commit.txns.extend(line.txn);
            commit.adds.extend(line.add);
            commit.removes.extend(line.remove);
        }
        Ok(commit)
    }

    /// What the writer calls its operation.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.info.as_ref()?.get("operation")?.as_str()
    }

    /// A parameter of the operation. Some writers give numbers as text.
    pub(crate) fn parameter(&self, name: &str) -> Option<i64> {
        let value = self.info.as_ref()?.get("operationParameters")?.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.trim_matches('"').parse().ok())
    }
}

/// Lines of a commit in the making.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, action: &Value) {
        self.0.extend_from_slice(action.to_string().as_bytes());
        self.0.push(b'\n');
    }

    /// What the writer says of itself.
    pub(crate) fn info(&mut self, now_ms: i64, operation: &str, parameters: &Value, append: bool) {
        self.push(&json!({"commitInfo": {
            "timestamp": now_ms,
            "operation": operation,
            "operationParameters": parameters,
            "isBlindAppend": append,
            "engineInfo": concat!("highwater/", env!("CARGO_PKG_VERSION")),
        }}));
    }

    pub(crate) fn protocol(&mut self, protocol: &Protocol) {
        self.push(&json!({"protocol": protocol}));
    }

    pub(crate) fn metadata(&mut self, metadata: &Metadata, now_ms: i64) {
        self.push(&json!({"metaData": {
            "id": metadata.id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": metadata.schema_string,
            "partitionColumns": metadata.partition_columns,
            "configuration": metadata.configuration,
            "createdTime": now_ms,
        }}));
    }

    pub(crate) fn txn(&mut self, app_id: &str, version: i64) {
        self.push(&json!({"txn": {"appId": app_id, "version": version}}));
    }

    /// A file that comes. `changes` says whether rows of the table change by it.
    pub(crate) fn add(&mut self, file: &DataFile, changes: bool) {
        self.push(&json!({"add": with(json!(file), "dataChange", Some(changes))}));
    }

    /// A file that goes, as for [`add`](Self::add).
    pub(crate) fn remove(&mut self, file: &DataFile, now_ms: i64, changes: bool) {
        let action = json!({
            "path": file.path,
            "deletionTimestamp": now_ms,
            "dataChange": changes,
            "extendedFileMetadata": true,
            "partitionValues": file.partition_values,
            "size": file.size,
        });
        let action = with(action, "tags", file.tags.as_ref());
        let action = with(action, "deletionVector", file.deletion_vector.as_ref());
        self.push(&json!({"remove": action}));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// An action with one more field, if that has a value.
fn with(mut action: Value, field: &str, value: Option<impl Serialize>) -> Value {
    if let Some((fields, value)) = action.as_object_mut().zip(value) {
        fields.insert(field.to_owned(), json!(value));
    }
    action
}

#[cfg(test)]
mod tests;
