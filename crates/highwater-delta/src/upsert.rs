//! What an update does to its base: each staged row takes the place of those with its key.
//!
//! Writers never read the table: what they stage are the rows alone. Which older rows go is found
//! here, against the base that is about to be swapped, and anew whenever that is another one. Files
//! that are written for it have names of their own; when the swap fails, nobody names them.

use std::collections::{BTreeMap, HashSet};

use highwater_core::{Epoch, Name, Result};

use crate::actions::Metadata;
use crate::changes::Changes;
use crate::contents::Contents;
use crate::deletions;
use crate::error::DeltaError;
use crate::files::DataFile;
use crate::index::KeyIndex;
use crate::kernel::{DeletedRows, Files};
use crate::key::{KeyColumns, KeyId};
use crate::log::Log;
use crate::stats::loosened;

mod rewrite;
mod scan;

use scan::{Keyed, Scan};

/// An update of one table, as of one version.
#[derive(Debug)]
pub(crate) struct Upsert<'a> {
    pub(crate) log: &'a Log,
    pub(crate) files: &'a Files,
    pub(crate) key: &'a KeyColumns,
    pub(crate) metadata: &'a Metadata,
    /// Whether rows are deleted by deletion vectors; else their files are written anew.
    pub(crate) vectors: bool,
    /// Of how many leaf columns there are statistics.
    pub(crate) indexed: Option<usize>,
    pub(crate) sink: &'a Name,
    pub(crate) epoch: Epoch,
}

/// A file of the base of which rows go.
struct Touched {
    file: DataFile,
    /// How many rows are in it.
    rows: u32,
    /// All of its rows that are deleted then.
    deleted: DeletedRows,
    /// Those of them that go now, growing.
    doomed: Vec<u64>,
}

impl Upsert<'_> {
    /// What the rows in `staged` files do to `contents`, which know the files of the base.
    ///
    /// # Errors
    /// Files that cannot be read or written; two staged rows of one key.
    pub(crate) async fn changes(
        &self,
        contents: &mut Contents,
        staged: Vec<DataFile>,
    ) -> Result<Changes> {
        self.follow(contents).await?;
        let fresh = self.staged(contents.index(), &staged).await?;
        let touched = self.touched(contents, &fresh);
        let mut changes = match self.vectors {
            true => self.delete(touched).await?,
            false => self.rewrite(touched, contents.index()).await?,
        };
        changes.effects.fresh = fresh;
        changes.adds.extend(staged);
        Ok(changes)
    }

    fn scan(&self) -> Scan<'_> {
        Scan { log: self.log, files: self.files, key: self.key, metadata: self.metadata }
    }

    /// Reads the keys of the files that the index does not know as they are.
    async fn follow(&self, contents: &mut Contents) -> Result<()> {
        let (index, behind) = contents.behind();
        let Some(files) = behind else { return Ok(()) };
        for file in index.follow(files) {
            let scanned = self.scan().standing(&file, &index.hasher).await?;
            let too_long = || self.feature(format!("has more rows in {} than fit", file.path));
            index.take_up(&file, scanned).ok_or_else(too_long)?;
        }
        contents.indexed();
        Ok(())
    }

    fn feature(&self, feature: String) -> DeltaError {
        DeltaError::Feature { table: self.log.name().to_owned(), feature }
    }

    /// The keys in staged files.
    async fn staged(
        &self,
        index: &KeyIndex,
        staged: &[DataFile],
    ) -> Result<Vec<(String, Vec<KeyId>)>> {
        let (mut seen, mut fresh) = (HashSet::new(), Vec::with_capacity(staged.len()));
        let scan = self.scan();
        for file in staged {
            let mut keys = Vec::new();
            let mut rows = scan.open(file)?;
            while let Some(Keyed { columns, ids }) = rows.next(&index.hasher).await? {
                if let Some(row) = ids.iter().position(|id| !seen.insert(*id)) {
                    let key = self.key.show(&columns, row);
                    let table = self.log.name().to_owned();
                    return Err(DeltaError::SameKey { table, key }.into());
                }
                keys.extend(ids);
            }
            fresh.push((file.path.clone(), keys));
        }
        Ok(fresh)
    }

    /// The files in which there are rows of fresh keys.
    fn touched(&self, contents: &Contents, fresh: &[(String, Vec<KeyId>)]) -> Vec<Touched> {
        let index = contents.index();
        let rows: BTreeMap<_, _> = index.rows_of(fresh.iter().flat_map(|(_, keys)| keys));
        let touched = rows.into_iter().filter_map(|(path, mut doomed)| {
            doomed.sort_unstable();
            let file = contents.files()?.get(&path)?.clone();
            let indexed = index.file(&path)?;
            let mut deleted = indexed.deleted.clone();
            deleted.add(&doomed);
            Some(Touched { file, rows: indexed.rows, deleted, doomed })
        });
        touched.collect()
    }

    /// Deletes rows by new deletion vectors, and files of which nothing is left.
    async fn delete(&self, touched: Vec<Touched>) -> Result<Changes> {
        let mut changes = Changes::default();
        let (gone, left): (Vec<_>, Vec<_>) =
            touched.into_iter().partition(|it| it.deleted.len() >= u64::from(it.rows));
        for Touched { file, .. } in gone {
            changes.effects.gone.push(file.path.clone());
            changes.removes.push(file);
        }
        if left.is_empty() {
            return Ok(changes);
        }
        let deleted: Vec<_> = left.iter().map(|touched| touched.deleted.clone()).collect();
        let vectors = deletions::write(self.log.table(), &deleted).await?;
        for ((touched, vector), deleted) in left.into_iter().zip(vectors).zip(deleted) {
            let mut file = touched.file.clone();
            let stats = loosened(file.stats.as_deref(), touched.rows.into());
            let stats = stats.map_err(|cause| DeltaError::Unreadable {
                location: format!("the statistics of {}", self.log.table().location(&file.path)),
                source: cause.into(),
            })?;
            (file.stats, file.deletion_vector) = (Some(stats), Some(vector.clone()));
            changes.effects.shrunk.push((file.path.clone(), vector, deleted));
            changes.removes.push(touched.file);
            changes.adds.push(file);
        }
        Ok(changes)
    }
}
