//! Copy-on-write: files of which rows go are written anew without them.

use highwater_core::Result;
use highwater_parquet::data_file;
use uuid::Uuid;

use super::{Touched, Upsert};
use crate::changes::Changes;
use crate::copy::{Copier, Original};
use crate::files::DataFile;
use crate::index::KeyIndex;
use crate::key::KeyId;

/// What is left of a file.
struct Rest {
    file: DataFile,
    keys: Vec<KeyId>,
}

impl Upsert<'_> {
    /// Takes out the files of which rows go, and writes what is left of each into a new one.
    pub(super) async fn rewrite(&self, touched: Vec<Touched>, index: &KeyIndex) -> Result<Changes> {
        let mut changes = Changes::default();
        for touched in touched {
            if touched.deleted.len() < u64::from(touched.rows)
                && let Some(Rest { file, keys }) = self.rest(&touched, index).await?
            {
                changes.effects.moved.push((file.path.clone(), keys));
                changes.adds.push(file);
            }
            changes.effects.gone.push(touched.file.path.clone());
            changes.removes.push(touched.file);
        }
        Ok(changes)
    }

    /// Copies the rows that stay; none when there are none.
    async fn rest(&self, touched: &Touched, index: &KeyIndex) -> Result<Option<Rest>> {
        let Self { log, files, metadata, indexed, .. } = *self;
        let copier = Copier { log, files, metadata, indexed };
        let original = Original { file: &touched.file, doomed: &touched.doomed };
        // As staged files are named, so that orphans are known by it.
        let name = data_file(self.sink, self.epoch, Uuid::new_v4().simple(), 0, 0);
        let Some(copied) = copier.copy(&[original], name).await? else { return Ok(None) };
        let keys = self.scan().standing(&copied.file, &index.hasher).await?.keys;
        Ok(Some(Rest { file: copied.file, keys: keys.into_iter().flatten().collect() }))
    }
}
