//! Manifests and manifest lists as bytes. They are encoded in memory and stored by the caller, so
//! that several files can be on their way to the disk at once.

use std::sync::Arc;

use bytes::Bytes;
use iceberg::io::{MemoryStorage, OutputFile, Storage};
use iceberg::spec::{
    DataFile, FormatVersion, Manifest, ManifestFile, ManifestList, ManifestListWriter,
    ManifestStatus, ManifestWriterBuilder, PartitionSpecRef, SchemaRef, Snapshot,
};

/// Where encoding leaves its output in memory.
const PLACE: &str = "memory:/encoded";

/// What stands at the head of a manifest.
pub(crate) struct Heading {
    pub(crate) location: String,
    pub(crate) snapshot_id: i64,
    pub(crate) schema: SchemaRef,
    pub(crate) spec: PartitionSpecRef,
}

/// A live entry of a manifest, with what it inherits from the manifest list.
pub(crate) struct Live {
    pub(crate) file: DataFile,
    snapshot_id: i64,
    sequence: i64,
    file_sequence: i64,
}

/// A manifest of files that its snapshot adds, and of live files of earlier snapshots.
pub(crate) async fn encode_manifest(
    heading: Heading,
    added: Vec<DataFile>,
    existing: Vec<Live>,
) -> iceberg::Result<(ManifestFile, Bytes)> {
    let memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let output = OutputFile::new(Arc::clone(&memory), PLACE.to_owned());
    let spec = heading.spec.as_ref().clone();
    let mut writer =
        ManifestWriterBuilder::new(output, Some(heading.snapshot_id), heading.schema, spec)
            .build_v2_data();
    for file in added {
        // No sequence number yet: that of the snapshot is inherited, whichever it will be.
        writer.add_file(file, -1)?;
    }
    for Live { file, snapshot_id, sequence, file_sequence } in existing {
        writer.add_existing_file(file, snapshot_id, sequence, Some(file_sequence))?;
    }
    let mut manifest = writer.write_manifest_file().await?;
    manifest.manifest_path = heading.location;
    Ok((manifest, memory.read(PLACE).await?))
}

/// The manifest list of `snapshot`.
pub(crate) async fn encode_list(
    snapshot: &Snapshot,
    manifests: &[ManifestFile],
) -> iceberg::Result<Bytes> {
    let memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut writer = ManifestListWriter::v2(
        memory.writer(PLACE).await?,
        snapshot.snapshot_id(),
        snapshot.parent_snapshot_id(),
        snapshot.sequence_number(),
    );
    writer.add_manifests(manifests.iter().cloned())?;
    writer.close().await?;
    memory.read(PLACE).await
}

/// The manifests in a manifest list.
pub(crate) fn decode_list(
    bytes: &[u8],
    version: FormatVersion,
) -> iceberg::Result<Vec<ManifestFile>> {
    let list = ManifestList::parse_with_version(bytes, version)?;
    Ok(list.consume_entries().into_iter().collect())
}

/// The live entries of the manifest that `listed` names.
pub(crate) fn decode_manifest(listed: &ManifestFile, bytes: &[u8]) -> iceberg::Result<Vec<Live>> {
    let (entries, _) = Manifest::parse_avro(bytes)?.into_parts();
    let live = entries.into_iter().filter(|entry| entry.status != ManifestStatus::Deleted);
    let inherited = live.map(|entry| Live {
        snapshot_id: entry.snapshot_id.unwrap_or(listed.added_snapshot_id),
        sequence: entry.sequence_number.unwrap_or(listed.sequence_number),
        file_sequence: entry.file_sequence_number.unwrap_or(listed.sequence_number),
        file: entry.data_file.clone(),
    });
    Ok(inherited.collect())
}
