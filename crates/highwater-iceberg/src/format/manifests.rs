//! The manifests of a snapshot: which there are, which are merged, and which files they hold.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use highwater_core::Result;
use iceberg::spec::{DataFileFormat, ManifestContentType, ManifestFile};

use super::TableState;
use super::manifest::{Heading, Live, decode_list, decode_manifest, encode_manifest};
use crate::decode::decode;
use crate::error::IcebergError;
use crate::layout::TableFiles;
use crate::settings::MergeRule;

/// How many manifests are read at once.
const READS: usize = 8;

/// The manifests of a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Manifests {
    /// The location of the manifest list; none before the first snapshot.
    list: Option<String>,
    entries: Vec<ManifestFile>,
}

/// A data file of a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct FoundFile {
    pub(crate) location: String,
    pub(crate) rows: u64,
    /// The partition spec that it was written by.
    pub(crate) spec_id: i32,
}

impl Manifests {
    /// The manifests that are in the list at `location`.
    pub(crate) fn of(location: &str, entries: Vec<ManifestFile>) -> Self {
        Self { list: Some(location.to_owned()), entries }
    }

    /// Reads the manifest list of the current snapshot.
    pub(crate) async fn load(files: &TableFiles, state: &TableState) -> Result<Self> {
        let Some(head) = state.head() else { return Ok(Self { list: None, entries: Vec::new() }) };
        Self::at(files, state, head.manifest_list()).await
    }

    /// Reads the manifest list at `location`.
    pub(crate) async fn at(files: &TableFiles, state: &TableState, location: &str) -> Result<Self> {
        let bytes = files.read(location).await?;
        let entries = decode(location, || decode_list(&bytes, state.version()))?;
        Ok(Self::of(location, entries))
    }

    /// The locations of the manifests.
    pub(crate) fn locations(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|manifest| manifest.manifest_path.as_str())
    }

    /// The locations of the live files in the manifest at `location`, one of these.
    pub(crate) async fn files_in(&self, files: &TableFiles, location: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for manifest in self.entries.iter().filter(|it| it.manifest_path == location) {
            let entries = live_entries(files, manifest).await?;
            found.extend(entries.iter().map(|entry| entry.file.file_path().to_owned()));
        }
        Ok(found)
    }

    /// Whether these are the manifests of the current snapshot.
    pub(crate) fn are_of(&self, state: &TableState) -> bool {
        self.list.as_deref() == state.head().map(|head| head.manifest_list())
    }

    /// The manifests to keep and those to merge into one, when `added` more are coming.
    ///
    /// Those with the fewest files are merged, each with at most twice as many as all before it have: so
    /// a file is written down again only when its manifest grows by half, not at every merge. The length
    /// says little of that: most of a small manifest is its heading.
    pub(crate) fn to_merge(
        &self,
        rule: Option<MergeRule>,
        spec_id: i32,
        added: usize,
    ) -> (Vec<ManifestFile>, Vec<ManifestFile>) {
        let Some(rule) = rule else { return (self.entries.clone(), Vec::new()) };
        let (mut candidates, mut kept): (Vec<_>, Vec<_>) =
            self.entries.iter().cloned().partition(|manifest| {
                manifest.content == ManifestContentType::Data
                    && manifest.partition_spec_id == spec_id
                    && manifest.key_metadata.is_none()
            });
        candidates.sort_by_key(files_in);
        let (mut total, mut length) = (0_u64, 0_u64);
        let fits = |manifest: &ManifestFile| {
            let files = files_in(manifest);
            let pays = total == 0 || files <= total.saturating_mul(2);
            total = total.saturating_add(files);
            length = length.saturating_add(manifest.manifest_length.try_into().unwrap_or(u64::MAX));
            pays && length <= rule.bytes
        };
        let run = candidates.iter().map(fits).take_while(|fits| *fits).count();
        if run < 2 || run.saturating_add(added) < rule.count {
            return (self.entries.clone(), Vec::new());
        }
        kept.extend(candidates.split_off(run));
        (kept, candidates)
    }

    /// Every live data file.
    ///
    /// # Errors
    /// Deletes, which are not applied here, and files of another format than Parquet.
    pub(crate) async fn data_files(
        &self,
        files: &TableFiles,
        state: &TableState,
    ) -> Result<Vec<FoundFile>> {
        let feature = |feature: &str| {
            let feature = feature.to_owned();
            IcebergError::Feature { table: state.table().to_owned(), feature }
        };
        let mut live = Vec::new();
        for manifest in &self.entries {
            if manifest.content == ManifestContentType::Deletes {
                return Err(feature("has deletes, which highwater does not read yet").into());
            }
            for entry in live_entries(files, manifest).await? {
                if entry.file.file_format() != DataFileFormat::Parquet {
                    return Err(feature("has data files that are not Parquet").into());
                }
                live.push(FoundFile {
                    location: entry.file.file_path().to_owned(),
                    rows: entry.file.record_count(),
                    spec_id: manifest.partition_spec_id,
                });
            }
        }
        Ok(live)
    }
}

/// How many files a manifest names; one that does not say so comes last.
fn files_in(manifest: &ManifestFile) -> u64 {
    let counts = [manifest.added_files_count, manifest.existing_files_count];
    counts.into_iter().map(|count| count.map(u64::from)).sum::<Option<u64>>().unwrap_or(u64::MAX)
}

/// One manifest with the live entries of `inputs`.
pub(crate) async fn merge(
    files: &TableFiles,
    heading: Heading,
    inputs: &[ManifestFile],
) -> Result<(ManifestFile, Bytes)> {
    let reads: Vec<_> = inputs.iter().map(|input| live_entries(files, input)).collect();
    let entries = futures::stream::iter(reads).buffered(READS).try_concat().await?;
    let encoded = encode_manifest(heading, Vec::new(), entries).await;
    Ok(encoded.map_err(|cause| {
        let table = files.name().to_owned();
        IcebergError::Metadata { table, source: cause.into() }
    })?)
}

/// The live entries of a manifest.
async fn live_entries(files: &TableFiles, listed: &ManifestFile) -> Result<Vec<Live>> {
    let location = &listed.manifest_path;
    let bytes = files.read(location).await?;
    Ok(decode(location, || decode_manifest(listed, &bytes))?)
}

#[cfg(test)]
mod tests;
