//! What the steps of one worker save in an epoch, on its way into one object.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use highwater_checkpoint::{WorkerSave, Written, state_path};
use highwater_core::{
    EpochPlan, Error, ErrorKind, Failpoint, Failpoints, Groups, Name, Result, Section,
};
use highwater_state::{EncodedObject, StepSave, encode_object};
use highwater_storage::{Created, Storage};

use crate::executor::Job;
use crate::graph::Graph;
use crate::state::stateful;

/// Gathers what the steps of one worker save, epoch after epoch.
pub struct Gathering {
    steps: usize,
    saves: Vec<StepSave>,
}

impl Gathering {
    /// For a worker with an instance of every step of `graph`.
    pub fn new(graph: &Graph) -> Self {
        Self { steps: stateful(graph).count(), saves: Vec::new() }
    }

    /// Adds what one step saves. With the last of an epoch all of it comes back.
    pub fn add(&mut self, save: StepSave) -> Option<Gathered> {
        self.saves.push(save);
        if self.saves.len() < self.steps {
            return None;
        }
        let mut saves = std::mem::take(&mut self.saves);
        saves.sort_by(|one, other| one.step.cmp(&other.step));
        Some(Gathered(saves))
    }
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("steps", &self.steps)
            .field("saves", &self.saves.len())
            .finish()
    }
}

/// What all steps of one worker save in one epoch.
#[derive(Debug)]
pub struct Gathered(Vec<StepSave>);

impl Gathered {
    /// Writes it for worker `place` of so many, and waits until it is durable. Where nothing changed
    /// there is nothing to write.
    ///
    /// # Errors
    /// What the storage reports.
    pub fn write(
        self,
        job: &Job,
        plan: &EpochPlan,
        place: (usize, usize),
    ) -> BoxFuture<'static, Result<WorkerSave>> {
        let path = state_path(plan.epoch, place.0, &job.run);
        let to = Object { storage: job.state.storage().clone(), path };
        let (groups, failpoints) = (Groups::of_worker(place.0, place.1), job.failpoints.clone());
        async move {
            failpoints.hit(Failpoint::StateGathered)?;
            if self.0.iter().all(|save| save.sections.is_empty()) {
                return Ok(WorkerSave { groups, written: None });
            }
            let written = Some(to.write(&self.0, &failpoints).await?);
            Ok(WorkerSave { groups, written })
        }
        .boxed()
    }
}

/// The most bytes that are written at once.
const AT_ONCE: u64 = 1 << 20;

/// Where it goes.
struct Object {
    storage: Storage,
    path: String,
}

impl Object {
    async fn write(self, saves: &[StepSave], failpoints: &Failpoints) -> Result<Written> {
        let object = encode_object(saves)?;
        match object.length() <= AT_ONCE {
            true => self.create(object.whole()?).await?,
            false => self.upload(&object).await?,
        }
        failpoints.hit(Failpoint::StateSaved)?;
        let newest = saves.iter().map(|save| (save.step.clone(), newest(&save.sections)));
        let newest = newest.filter(|(_, tables)| !tables.is_empty()).collect();
        Ok(Written { path: self.path, bytes: object.length(), newest })
    }

    async fn create(&self, bytes: Bytes) -> Result<()> {
        if let Created::Exists = self.storage.create(&self.path, bytes.clone()).await? {
            // The name is of this run and epoch alone: a retry below may have met its first attempt.
            let stored = self.storage.read(&self.path).await?;
            if stored.as_ref() != Some(&bytes) {
                let location = self.storage.location(&self.path);
                let what = format!("{location} is there already and holds something else");
                return Err(Error::new(ErrorKind::Internal, "pipeline", what));
            }
        }
        Ok(())
    }

    /// No copy of it is made, and what was too much for memory stays out of it: a few parts at a time are on
    /// their way.
    async fn upload(&self, object: &EncodedObject) -> Result<()> {
        let mut upload = self.storage.upload(&self.path);
        for piece in object.pieces() {
            upload.push(piece?);
            upload.ready().await?;
        }
        upload.finish().await.map(drop)
    }
}

/// The newest bucket of each table.
fn newest(sections: &[Section]) -> BTreeMap<Name, i64> {
    let mut newest = BTreeMap::new();
    for section in sections {
        let bucket = newest.entry(section.table.clone()).or_insert(section.bucket);
        *bucket = section.bucket.max(*bucket);
    }
    newest
}

#[cfg(test)]
mod tests;
