//! The next snapshot of a table: an append that carries on all manifests there are.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use futures::future::try_join_all;
use highwater_core::{Marker, MarkerId, Result, Staged};
use iceberg::spec::{
    DataFile, ManifestContentType, ManifestFile, Operation, PartitionSpecRef, SchemaRef, Snapshot,
    Summary,
};
use uuid::Uuid;

use super::data_file::data_file;
use super::manifest::{Heading, encode_list, encode_manifest};
use super::manifests::{Manifests, merge};
use super::{ExpiryRule, Next, TableState};
use crate::error::{Cause, IcebergError};
use crate::layout::TableFiles;
use crate::marker::{Owner, Recorded, stamp};
use crate::settings::MergeRule;

/// A commit on its way: what stays the same over all its attempts.
#[derive(Debug)]
pub(crate) struct Attempt {
    marker: MarkerId,
    paths: Vec<String>,
    snapshot_id: i64,
    /// Part of the name of every file, so that no two commits ever write the same one.
    nonce: Uuid,
    tries: u32,
    /// The manifests of the staged files, once they are durable.
    added: Option<Vec<ManifestFile>>,
    /// How many partitions they are in.
    partitions: u64,
    /// The last merged manifest, and what went into it.
    merged: Option<(Vec<String>, ManifestFile)>,
}

/// All that the swap needs.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) next: Next,
    pub(crate) snapshot_id: i64,
    /// The manifest list, as a file of the metadata directory.
    pub(crate) list: String,
    /// What is in it.
    pub(crate) manifests: Manifests,
}

/// What one attempt is made on.
pub(crate) struct Base<'a> {
    pub(crate) files: &'a TableFiles,
    pub(crate) state: &'a TableState,
    pub(crate) location: String,
    pub(crate) carried: &'a Manifests,
    /// The ids of the columns that the rows have.
    pub(crate) columns: &'a [i32],
    pub(crate) merge: Option<MergeRule>,
    pub(crate) expiry: Option<ExpiryRule>,
    pub(crate) now_ms: i64,
}

type Encoded = (String, Bytes);

impl Attempt {
    /// A commit of `staged` under `marker`.
    pub(crate) fn new(marker: &Marker, staged: &[Staged]) -> Self {
        let nonce = Uuid::new_v4();
        let (high, low) = nonce.as_u64_pair();
        Self {
            marker: marker.id,
            paths: staged.iter().map(|file| file.path.clone()).collect(),
            snapshot_id: (high ^ low).cast_signed() & i64::MAX,
            nonce,
            tries: 0,
            added: None,
            partitions: 0,
            merged: None,
        }
    }

    /// Whether it is the commit of `staged` under `marker`.
    pub(crate) fn is_of(&self, marker: &Marker, staged: &[Staged]) -> bool {
        self.marker == marker.id && self.paths.iter().eq(staged.iter().map(|file| &file.path))
    }

    /// Writes the manifests and makes the metadata of the next attempt.
    pub(crate) async fn prepare(
        &mut self,
        base: &Base<'_>,
        owner: &Owner,
        marker: &Marker,
        staged: &[Staged],
    ) -> Result<Prepared> {
        self.tries = self.tries.saturating_add(1);
        let mut written = Vec::new();
        let added = match &self.added {
            Some(added) => {
                for manifest in added {
                    base.state.spec_by_id(manifest.partition_spec_id)?;
                }
                added.clone()
            }
            None => self.encode_added(base, owner, staged, &mut written).await?,
        };
        let mut manifests = added.clone();
        let carried = self.carry(base, added.len(), &mut written).await;
        manifests.extend(carried.merged.iter().map(|(_, manifest)| manifest.clone()));
        manifests.extend(carried.kept);
        let list = format!("snap-{}-{}-{}.avro", self.snapshot_id, self.tries, self.nonce);
        let parent = base.state.head();
        let sequence_number = base.state.next_sequence();
        let snapshot = Snapshot::builder()
            .with_snapshot_id(self.snapshot_id)
            .with_parent_snapshot_id(parent.map(|parent| parent.snapshot_id()))
            .with_sequence_number(sequence_number)
            .with_timestamp_ms(base.now_ms.max(base.state.updated_ms()))
            .with_manifest_list(base.files.metadata_location(&list))
            .with_summary(summary(base, marker, staged, self.partitions, &manifests))
            .with_schema_id(base.state.schema_id())
            .build();
        let failed = |cause: Cause| base.state.unmade(cause);
        let bytes =
            encode_list(&snapshot, &manifests).await.map_err(|cause| failed(cause.into()))?;
        written.push((list.clone(), bytes));
        let files = base.files;
        let writes: Vec<_> =
            written.iter().map(|(file, bytes)| files.write(file, bytes.clone())).collect();
        try_join_all(writes).await?;
        self.added = Some(added);
        self.merged = carried.merged;
        for manifest in &mut manifests {
            // As the list holds them: the numbers were assigned while it was encoded.
            if manifest.added_snapshot_id == self.snapshot_id {
                manifest.sequence_number = sequence_number;
                if manifest.min_sequence_number < 0 {
                    manifest.min_sequence_number = sequence_number;
                }
            }
        }
        let recorded = Recorded { sequence_number, marker: marker.clone() };
        let value = serde_json::to_string(&recorded).map_err(|cause| failed(cause.into()))?;
        let manifests = Manifests::of(snapshot.manifest_list(), manifests);
        let properties = HashMap::from([(owner.key(), value)]);
        let next = base.state.succeed(base.location.clone(), snapshot, properties, base.expiry)?;
        Ok(Prepared { next, snapshot_id: self.snapshot_id, list, manifests })
    }

    /// Encodes one manifest for each partition spec that files were staged under.
    async fn encode_added(
        &mut self,
        base: &Base<'_>,
        owner: &Owner,
        staged: &[Staged],
        written: &mut Vec<Encoded>,
    ) -> Result<Vec<ManifestFile>, IcebergError> {
        let mut by_spec: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
        let mut partitions = HashSet::new();
        for file in staged {
            let (spec_id, file) = data_file(owner.sink.as_str(), file, base.state, base.columns)?;
            partitions.insert((spec_id, file.partition().clone()));
            by_spec.entry(spec_id).or_default().push(file);
        }
        self.partitions = u64::try_from(partitions.len()).unwrap_or(u64::MAX);
        let mut manifests = Vec::new();
        for (number, (spec_id, added)) in by_spec.into_iter().enumerate() {
            let file = format!("{}-m{number}.avro", self.nonce);
            let heading = self.heading(base, &file, spec_id)?;
            let encoded = encode_manifest(heading, added, Vec::new()).await;
            let (manifest, bytes) = encoded.map_err(|cause| base.state.unmade(cause.into()))?;
            written.push((file, bytes));
            manifests.push(manifest);
        }
        Ok(manifests)
    }

    fn heading(&self, base: &Base<'_>, file: &str, spec_id: i32) -> Result<Heading, IcebergError> {
        let (spec, schema) = base.state.spec_by_id(spec_id)?;
        Ok(Heading {
            location: base.files.metadata_location(file),
            snapshot_id: self.snapshot_id,
            schema: SchemaRef::clone(schema),
            spec: PartitionSpecRef::clone(spec),
        })
    }

    /// The manifests of the base, with many small ones merged into one.
    async fn carry(&self, base: &Base<'_>, added: usize, written: &mut Vec<Encoded>) -> Carried {
        let (kept, inputs) = base.carried.to_merge(base.merge, base.state.spec_id(), added);
        if inputs.is_empty() {
            return Carried { kept, merged: None };
        }
        let names: Vec<_> = inputs.iter().map(|input| input.manifest_path.clone()).collect();
        if let Some((_, manifest)) = self.merged.as_ref().filter(|(from, _)| *from == names) {
            return Carried { kept, merged: Some((names, manifest.clone())) };
        }
        let file = format!("{}-m{}-merged.avro", self.nonce, self.tries);
        let merged = match self.heading(base, &file, base.state.spec_id()) {
            Ok(heading) => merge(base.files, heading, &inputs).await,
            Err(error) => Err(error.into()),
        };
        match merged {
            Ok((manifest, bytes)) => {
                written.push((file, bytes));
                Carried { kept, merged: Some((names, manifest)) }
            }
            Err(error) => {
                tracing::warn!(table = base.files.name(), %error, "manifests stay unmerged");
                Carried { kept: [kept, inputs].concat(), merged: None }
            }
        }
    }
}

/// The manifests of the base as the next snapshot lists them.
struct Carried {
    kept: Vec<ManifestFile>,
    merged: Option<(Vec<String>, ManifestFile)>,
}

/// The summary of the snapshot, with totals counted from its manifests.
///
/// Sizes and kinds of deletes do not stand in a manifest list: they follow from the summary before,
/// and are left out once a writer has left them out.
fn summary(
    base: &Base<'_>,
    marker: &Marker,
    staged: &[Staged],
    partitions: u64,
    manifests: &[ManifestFile],
) -> Summary {
    let bytes: u64 = staged.iter().map(|file| file.bytes).sum();
    let rows: u64 = staged.iter().map(|file| file.rows).sum();
    let mut entries = HashMap::from(stamp(marker));
    let mut put = |key: &str, value: Option<u64>| {
        if let Some(value) = value {
            entries.insert(key.to_owned(), value.to_string());
        }
    };
    if !staged.is_empty() {
        put("added-data-files", u64::try_from(staged.len()).ok());
        put("added-records", Some(rows));
        put("added-files-size", Some(bytes));
        put("changed-partition-count", Some(partitions));
    }
    let before = |key: &str| match base.state.head() {
        None => Some(0),
        Some(head) => head.summary().additional_properties.get(key)?.parse::<u64>().ok(),
    };
    let data = ManifestContentType::Data;
    put("total-data-files", sum(manifests, data, live_files));
    put("total-records", sum(manifests, data, live_rows));
    put("total-delete-files", sum(manifests, ManifestContentType::Deletes, live_files));
    put("total-files-size", before("total-files-size").map(|size| size.saturating_add(bytes)));
    put("total-position-deletes", before("total-position-deletes"));
    put("total-equality-deletes", before("total-equality-deletes"));
    Summary { operation: Operation::Append, additional_properties: entries }
}

fn sum(
    manifests: &[ManifestFile],
    content: ManifestContentType,
    of: fn(&ManifestFile) -> Option<u64>,
) -> Option<u64> {
    manifests.iter().filter(|manifest| manifest.content == content).map(of).sum()
}

fn live_files(manifest: &ManifestFile) -> Option<u64> {
    Some(u64::from(manifest.added_files_count?) + u64::from(manifest.existing_files_count?))
}

fn live_rows(manifest: &ManifestFile) -> Option<u64> {
    manifest.added_rows_count?.checked_add(manifest.existing_rows_count?)
}
