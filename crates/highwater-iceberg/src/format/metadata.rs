//! The metadata of a table as of one version.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use iceberg::spec::{
    FormatVersion, MAIN_BRANCH, PartitionSpecRef, Schema, SchemaRef, Snapshot, SnapshotRef,
    SortOrder, TableMetadata, TableMetadataBuilder, TableProperties, Transform,
};

use super::columns::field_ids;
use super::expiry::{ExpiryRule, Refs, expired};
use super::order::sort_order;
use super::partition::{obstacle, partition_spec};
use super::schema::read_schema;
use crate::decode::decode;
use crate::error::{Cause, IcebergError};
use crate::history::Ancestor;
use crate::marker::read_stamp;
use crate::sink::Layout;
use crate::target::FieldId;

/// The metadata of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    table: Arc<str>,
    metadata: Arc<TableMetadata>,
    refs: Arc<Refs>,
}

/// Metadata that follows another.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) state: TableState,
    /// As it is stored.
    pub(crate) bytes: Vec<u8>,
    /// Metadata files that have left the log.
    pub(crate) expired: Vec<String>,
}

impl TableState {
    /// Reads the metadata file at `location`.
    pub(crate) fn parse(table: &str, location: &str, bytes: &[u8]) -> Result<Self, IcebergError> {
        let metadata = decode(location, || serde_json::from_slice::<TableMetadata>(bytes))?;
        let refs = decode(location, || serde_json::from_slice::<Refs>(bytes))?;
        Ok(Self { table: table.into(), metadata: Arc::new(metadata), refs: Arc::new(refs) })
    }

    /// The first metadata of a new table.
    pub(crate) fn create(
        table: &str,
        location: String,
        schema: Schema,
        layout: &Layout,
        properties: HashMap<String, String>,
    ) -> Result<Next, IcebergError> {
        let spec = partition_spec(table, &schema, &layout.partition)?;
        let order = sort_order(table, &schema, &layout.sort)?;
        let built =
            TableMetadataBuilder::new(schema, spec, order, location, FormatVersion::V2, properties);
        Next::of(table, Arc::default(), built)
    }

    /// The metadata that follows this one by one snapshot on the main branch, whose retention stays
    /// as it is, without the snapshots that `expiry` lets go.
    pub(crate) fn succeed(
        &self,
        location: String,
        snapshot: Snapshot,
        properties: HashMap<String, String>,
        expiry: Option<ExpiryRule>,
    ) -> Result<Next, IcebergError> {
        let now_ms = snapshot.timestamp_ms();
        let old = expiry.map(|rule| expired(&self.metadata, &self.refs, rule, now_ms));
        let built = TableMetadataBuilder::new_from_metadata(
            TableMetadata::clone(&self.metadata),
            Some(location),
        )
        .set_branch_snapshot(snapshot, MAIN_BRANCH)
        .and_then(|builder| builder.set_properties(properties))
        .map(|builder| builder.remove_snapshots(&old.unwrap_or_default()));
        Next::of(&self.table, Arc::clone(&self.refs), built)
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn uuid(&self) -> String {
        self.metadata.uuid().to_string()
    }

    pub(crate) fn location(&self) -> &str {
        self.metadata.location()
    }

    pub(crate) fn properties(&self) -> &HashMap<String, String> {
        self.metadata.properties()
    }

    pub(crate) fn updated_ms(&self) -> i64 {
        self.metadata.last_updated_ms()
    }

    pub(crate) fn next_sequence(&self) -> i64 {
        self.metadata.next_sequence_number()
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.current_schema()
    }

    pub(crate) fn schema_id(&self) -> i32 {
        self.metadata.current_schema_id()
    }

    pub(crate) fn spec(&self) -> &PartitionSpecRef {
        self.metadata.default_partition_spec()
    }

    pub(crate) fn order(&self) -> &SortOrder {
        self.metadata.default_sort_order()
    }

    pub(crate) fn has_order(&self, id: i32) -> bool {
        self.metadata.sort_order_by_id(id.into()).is_some()
    }

    pub(crate) fn spec_id(&self) -> i32 {
        self.metadata.default_partition_spec_id()
    }

    /// A partition spec that the table knows, and a schema that has its columns: the current one, or
    /// the newest that still had them.
    ///
    /// # Errors
    /// [`IcebergError::SpecRemoved`] when the table does not know it.
    pub(crate) fn spec_by_id(
        &self,
        id: i32,
    ) -> Result<(&PartitionSpecRef, &SchemaRef), IcebergError> {
        let removed = || IcebergError::SpecRemoved { table: self.table.to_string(), spec: id };
        let spec = self.metadata.partition_spec_by_id(id).ok_or_else(removed)?;
        let has_columns = |schema: &&SchemaRef| spec.partition_type(schema).is_ok();
        let current = Some(self.schema()).filter(has_columns);
        let newest = || {
            let schemas = self.metadata.schemas_iter().filter(has_columns);
            schemas.max_by_key(|schema| schema.schema_id())
        };
        Ok((spec, current.or_else(newest).ok_or_else(removed)?))
    }

    pub(crate) fn version(&self) -> FormatVersion {
        self.metadata.format_version()
    }

    pub(crate) fn head(&self) -> Option<&SnapshotRef> {
        self.metadata.current_snapshot()
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.metadata.snapshots().len()
    }

    /// The manifest lists of all snapshots.
    pub(crate) fn manifest_lists(&self) -> impl Iterator<Item = &str> {
        self.metadata.snapshots().map(|snapshot| snapshot.manifest_list())
    }

    /// The statistics files that the table names.
    pub(crate) fn statistics(&self) -> impl Iterator<Item = &str> {
        let partitions = self.metadata.partition_statistics_iter();
        let partitions = partitions.map(|statistics| statistics.statistics_path.as_str());
        let whole = self.metadata.statistics_iter();
        whole.map(|statistics| statistics.statistics_path.as_str()).chain(partitions)
    }

    /// The summary of the current snapshot.
    pub(crate) fn summary(&self) -> Option<&HashMap<String, String>> {
        self.head().map(|head| &head.summary().additional_properties)
    }

    pub(crate) fn has_snapshot(&self, id: i64) -> bool {
        self.snapshot(id).is_some()
    }

    /// A snapshot that the table keeps, on whatever branch.
    pub(crate) fn snapshot(&self, id: i64) -> Option<&SnapshotRef> {
        self.metadata.snapshot_by_id(id)
    }

    /// The ids of the columns that each spec of the table partitions by as they are.
    pub(crate) fn identities(&self) -> HashMap<i32, HashSet<i32>> {
        let of = |spec: &PartitionSpecRef| {
            let fields = spec.fields().iter();
            let identities = fields.filter(|field| field.transform == Transform::Identity);
            (spec.spec_id(), identities.map(|field| field.source_id).collect())
        };
        self.metadata.partition_specs_iter().map(of).collect()
    }

    /// Whether a snapshot of this sequence number is still there, on whatever branch.
    pub(crate) fn has_sequence(&self, sequence: i64) -> bool {
        self.metadata.snapshots().any(|snapshot| snapshot.sequence_number() == sequence)
    }

    /// The Arrow schema of rows that are read, with field ids.
    pub(crate) fn read_schema(&self) -> Result<ArrowSchema, IcebergError> {
        read_schema(self.schema()).map_err(|cause| self.unmade(cause.into()))
    }

    /// The same of a schema that the table keeps; none if it does not.
    pub(crate) fn read_schema_by_id(&self, id: i32) -> Result<Option<ArrowSchema>, IcebergError> {
        let schema = self.metadata.schema_by_id(id).map(|schema| read_schema(schema));
        schema.transpose().map_err(|cause| self.unmade(cause.into()))
    }

    /// The ids of the columns of `input`: those that are `known`, or else those of the same names.
    ///
    /// # Errors
    /// All columns that do not fit.
    pub(crate) fn field_ids(
        &self,
        input: &ArrowSchema,
        known: Option<&[FieldId]>,
    ) -> Result<Vec<FieldId>, IcebergError> {
        field_ids(&self.table, input, self.schema(), known)
    }

    /// Whether rows can be appended as highwater does.
    ///
    /// # Errors
    /// [`IcebergError::Feature`] when the table has more than that.
    pub(crate) fn check_features(&self) -> Result<(), IcebergError> {
        let feature = if self.version() != FormatVersion::V2 {
            format!("has format version {}, and highwater writes version 2", self.version())
        } else if let Some(obstacle) = obstacle(self.spec()) {
            obstacle
        } else {
            return Ok(());
        };
        Err(IcebergError::Feature { table: self.table.to_string(), feature })
    }

    /// The snapshots of the main branch, newest first.
    pub(crate) fn ancestry(&self) -> impl Iterator<Item = Ancestor> {
        let mut seen = HashSet::new();
        let mut next = self.metadata.current_snapshot_id();
        std::iter::from_fn(move || {
            // A history that bites its own tail ends where it was before.
            let id = next.take().filter(|id| seen.insert(*id))?;
            let Some(snapshot) = self.metadata.snapshot_by_id(id) else {
                return Some(Ancestor::Expired);
            };
            next = snapshot.parent_snapshot_id();
            Some(Ancestor::Snapshot {
                sequence: snapshot.sequence_number(),
                stamp: read_stamp(&snapshot.summary().additional_properties),
            })
        })
    }

    pub(crate) fn unmade(&self, cause: Cause) -> IcebergError {
        IcebergError::Metadata { table: self.table.to_string(), source: cause }
    }
}

/// Whether a key stands for a part of the metadata, so that no property can have it.
pub(crate) fn is_reserved(key: &str) -> bool {
    TableProperties::RESERVED_PROPERTIES.contains(&key)
}

impl Next {
    fn of(
        table: &str,
        refs: Arc<Refs>,
        built: iceberg::Result<TableMetadataBuilder>,
    ) -> Result<Self, IcebergError> {
        let failed =
            |cause: Cause| IcebergError::Metadata { table: table.to_owned(), source: cause };
        let built = built.and_then(TableMetadataBuilder::build).map_err(|e| failed(e.into()))?;
        let bytes = serde_json::to_vec(&built.metadata).map_err(|e| failed(e.into()))?;
        let expired =
            built.expired_metadata_logs.into_iter().map(|log| log.metadata_file).collect();
        let state = TableState { table: table.into(), metadata: Arc::new(built.metadata), refs };
        Ok(Self { state, bytes, expired })
    }
}
