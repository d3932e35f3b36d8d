//! Files that were written for a table and that nothing names.
//!
//! They come from epochs that were never prepared, and from commits that another one outran. What may
//! still be named stays: a prepared record outside of the table names only epochs after the marker of
//! its sink, so files of such epochs are never taken, however old they are.

use std::collections::HashSet;
use std::time::Duration;

use highwater_core::{Marker, Result};
use highwater_parquet::is_committed;

use crate::committer::now_ms;
use crate::error::IcebergError;
use crate::format::{Manifests, TableState};
use crate::layout::TableFiles;
use crate::marker::recorded;
use crate::settings::DATA_PATH;
use crate::table::IcebergTable;

/// How old an orphan is before it is taken, unless somebody knows better: three days, as other engines
/// have it.
pub const ORPHAN_AGE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A file that nothing names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// Where it is.
    pub location: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl IcebergTable {
    /// The orphans of the table as it is now, sorted by location: files that highwater wrote for it,
    /// that have not been written to for the time `older_than`, and that no snapshot names, neither in
    /// the current metadata nor in an older metadata file that is still there.
    ///
    /// Data files count by the sinks whose markers the table has, and only those of epochs that are
    /// committed. Files of other programs, metadata versions and the version hint never count.
    ///
    /// # Errors
    /// `Unsupported` when data files lie outside of the directory of the table, where others may have
    /// theirs; `Refused` or `Corrupt` when a file that the current metadata names is gone or cannot be
    /// read.
    ///
    /// # Example
    /// ```no_run
    /// use highwater_iceberg::{FileCatalog, ORPHAN_AGE};
    ///
    /// # async fn example() -> highwater_core::Result<()> {
    /// let table = FileCatalog::open("data/warehouse")?.table("demo.orders").read().await?;
    /// for orphan in table.orphans(ORPHAN_AGE).await? {
    ///     println!("{} ({} bytes)", orphan.location, orphan.bytes);
    /// }
    /// table.remove_orphans(ORPHAN_AGE).await?;
    /// # Ok(()) }
    /// ```
    pub async fn orphans(&self, older_than: Duration) -> Result<Vec<Orphan>> {
        let files = self.files();
        let found = find(self, older_than).await?;
        let orphan = |(path, bytes): (String, u64)| Orphan {
            location: files.warehouse().location(&path),
            bytes,
        };
        Ok(found.into_iter().map(orphan).collect())
    }

    /// Deletes the [`orphans`](Self::orphans), and tells which they were. Pipelines may go on writing
    /// meanwhile. What was deleted before an error stays so.
    ///
    /// # Errors
    /// As [`orphans`](Self::orphans), and as of [`Storage`](highwater_storage::Storage).
    pub async fn remove_orphans(&self, older_than: Duration) -> Result<Vec<Orphan>> {
        let files = self.files();
        let mut removed = Vec::new();
        for (path, bytes) in find(self, older_than).await? {
            files.warehouse().delete(&path).await?;
            removed.push(Orphan { location: files.warehouse().location(&path), bytes });
        }
        Ok(removed)
    }
}

/// The paths and lengths of orphans, sorted.
async fn find(table: &IcebergTable, older_than: Duration) -> Result<Vec<(String, u64)>> {
    let (files, pointer) = (table.files(), table.pointer());
    // Files before metadata: what is committed in between is known to be named.
    let own = files.path(&format!("{}/data", files.location()))?;
    let listed = files.warehouse().list(&own).await?;
    let directory = files.path(&format!("{}/metadata", files.location()))?;
    let metadata = files.warehouse().list(&directory).await?;
    let Some(version) = pointer.current(None).await? else {
        let (table, location) = (files.name().to_owned(), pointer.place());
        return Err(IcebergError::Absent { table, location }.into());
    };
    let state = TableState::parse(files.name(), &version.location, &version.bytes)?;
    check_place(files, &state)?;
    let markers = recorded(state.properties(), files.name())?;
    let markers: Vec<Marker> = markers.into_iter().map(|recorded| recorded.marker).collect();

    let mut named = Named::default();
    named.add(files, &state, true).await?;
    for object in metadata.iter().filter(|object| is_version(file_of(&object.path))) {
        let location = files.warehouse().location(&object.path);
        // One that is deleted meanwhile names nothing any more.
        let Some(bytes) = files.warehouse().read(&object.path).await? else { continue };
        if location != version.location {
            named.add(files, &TableState::parse(files.name(), &location, &bytes)?, false).await?;
        }
    }

    let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    let before = now_ms().saturating_sub(age);
    let data = listed.into_iter().filter(|object| is_committed(file_of(&object.path), &markers));
    let metadata = metadata.into_iter().filter(|object| is_manifest(file_of(&object.path)));
    let orphan = data
        .chain(metadata)
        .filter(|object| object.modified_ms <= before && !named.paths.contains(&object.path));
    let mut orphans: Vec<_> = orphan.map(|object| (object.path, object.bytes)).collect();
    orphans.sort_unstable();
    Ok(orphans)
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether `file` is the metadata of a version, as directory catalogs (`v7`) or all others
/// (`00007-` and an id) name it.
fn is_version(file: &str) -> bool {
    let Some(name) = file.strip_suffix(".metadata.json") else { return false };
    let number = match name.strip_prefix('v') {
        Some(number) => Some(number),
        None => name.split_once('-').map(|(number, _)| number),
    };
    number.is_some_and(all_digits)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks that nobody else has data files where this table has them.
fn check_place(files: &TableFiles, state: &TableState) -> Result<(), IcebergError> {
    let here = files.path(&format!("{}/data", state.location())).ok();
    let own = files.path(&format!("{}/data", files.location())).ok();
    if here.is_none() || here != own || state.properties().contains_key(DATA_PATH) {
        let feature = "keeps data files in another place than its own directory".to_owned();
        return Err(IcebergError::Feature { table: files.name().to_owned(), feature });
    }
    Ok(())
}

/// The files that snapshots name.
#[derive(Default)]
struct Named {
    /// Their paths within the warehouse.
    paths: HashSet<String>,
}

impl Named {
    /// Adds what the snapshots of `state` name. Of metadata that is not `current`, files may be gone:
    /// another engine has expired the snapshots.
    async fn add(&mut self, files: &TableFiles, state: &TableState, current: bool) -> Result<()> {
        for location in state.statistics() {
            self.paths.insert(files.path(location)?);
        }
        for list in state.manifest_lists() {
            let new = self.paths.insert(files.path(list)?);
            if !new || (!current && !is_there(files, list).await?) {
                continue;
            }
            let manifests = Manifests::at(files, state, list).await?;
            for manifest in manifests.locations() {
                let new = self.paths.insert(files.path(manifest)?);
                if !new || (!current && !is_there(files, manifest).await?) {
                    continue;
                }
                for location in manifests.files_in(files, manifest).await? {
                    self.paths.insert(files.path(&location)?);
                }
            }
        }
        Ok(())
    }
}

async fn is_there(files: &TableFiles, location: &str) -> Result<bool> {
    Ok(files.warehouse().length(&files.path(location)?).await?.is_some())
}

/// Whether `file` is named like a manifest or manifest list of a commit of ours.
fn is_manifest(file: &str) -> bool {
    let nonce = |text: &str| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    let Some(name) = file.strip_suffix(".avro") else { return false };
    if let Some(rest) = name.strip_prefix("snap-") {
        let mut parts = rest.splitn(3, '-');
        let (snapshot, tries, rest) = (parts.next(), parts.next(), parts.next());
        return snapshot.is_some_and(all_digits)
            && tries.is_some_and(all_digits)
            && rest.is_some_and(nonce);
    }
    let name = name.strip_suffix("-merged").unwrap_or(name);
    name.rsplit_once("-m").is_some_and(|(rest, number)| nonce(rest) && all_digits(number))
}

#[cfg(test)]
mod tests;
