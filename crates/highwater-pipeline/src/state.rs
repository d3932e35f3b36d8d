//! The state of steps on its way between their instances and the checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use highwater_checkpoint::{Levels, StateManifest, StateObject, StepState, add_tables};
use highwater_core::{
    Error, ErrorKind, Groups, Level, Name, OperatorSpec, ReadAt, Resolved, Result, Routing,
    SavedSection, StateReader, StateRoom, StateWriter,
};
use highwater_state::{ObjectFooter, ObjectSection};
use highwater_storage::Storage;

use crate::graph::{Graph, NodeId, NodeKind};
use crate::parts::Stepping;

/// How many objects are opened at a time.
const AT_A_TIME: usize = 8;

/// Where the steps of a pipeline keep their state, and what of it was saved before.
#[derive(Clone, Debug)]
pub struct StateStore {
    storage: Storage,
    /// For all steps of one worker.
    room: StateRoom,
    levels: Levels,
    saved: Arc<Saved>,
}

/// What an earlier epoch left.
#[derive(Debug, Default)]
struct Saved {
    /// From the oldest to the newest.
    objects: Vec<OpenObject>,
    steps: BTreeMap<Name, StepState>,
}

#[derive(Debug)]
struct OpenObject {
    level: Level,
    groups: Groups,
    sections: Vec<ObjectSection>,
    object: Arc<dyn ReadAt>,
}

impl StateStore {
    /// Keeps state in `storage`, in which there is none yet, and has room without bounds.
    pub fn new(storage: Storage) -> Self {
        let levels = Levels::default();
        Self { storage, room: StateRoom::default(), levels, saved: Arc::default() }
    }

    /// The same with room for the steps of each worker.
    pub(crate) fn with_room(self, room: StateRoom) -> Self {
        Self { room, ..self }
    }

    /// The state that `manifest` names, for epochs that save at these levels. Every object is opened, and none
    /// of it read but its footer.
    pub(crate) async fn open(
        storage: Storage,
        manifest: &StateManifest,
        levels: Levels,
    ) -> Result<Self> {
        let objects = stream::iter(&manifest.objects).map(|object| open(&storage, object));
        let objects = objects.buffered(AT_A_TIME).try_collect().await?;
        let saved = Arc::new(Saved { objects, steps: manifest.steps.clone() });
        Ok(Self { levels, saved, ..Self::new(storage) })
    }

    /// Takes what was saved before out of it, for the steps to be restored from and then to be dropped.
    #[must_use]
    pub fn take_saved(&mut self) -> Self {
        let saved = std::mem::take(&mut self.saved);
        Self { saved, ..self.clone() }
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Lets an instance of a step take up its state, if the step keeps any: that of the groups of its
    /// worker, the `place`-th of so many.
    ///
    /// # Errors
    /// What the step reports.
    pub fn restore(
        &self,
        graph: &Graph,
        node: NodeId,
        place: (usize, usize),
        step: &mut Stepping,
    ) -> Result<()> {
        let Some((_, name, _, resolved)) = stateful(graph).find(|(id, ..)| *id == node) else {
            return Ok(());
        };
        let of = Part::of_worker(resolved.routing(), place);
        let tables = self.saved.steps.get(name).map(|step| step.tables.clone());
        let state = StateReader {
            room: self.room_of(place.0, name, stateful(graph).count()),
            sections: self.sections(name, of),
            notes: tables.unwrap_or_default(),
        };
        step.restore(&state, self.levels)
    }

    fn sections(&self, step: &Name, part: Part) -> Vec<SavedSection> {
        let of_object = |it: &OpenObject| {
            let (level, object, groups) =
                (it.level, Arc::clone(&it.object), part.within(it.groups));
            let sections = it.sections.iter().filter(|it| it.step == *step && !groups.is_empty());
            let section = |it: &ObjectSection| SavedSection {
                table: it.table.clone(),
                bucket: it.bucket,
                rows: it.rows,
                level,
                groups,
                range: it.range.clone(),
                object: Arc::clone(&object),
            };
            sections.map(section).collect::<Vec<_>>()
        };
        self.saved.objects.iter().flat_map(of_object).collect()
    }

    fn room_of(&self, worker: usize, step: &Name, steps: usize) -> StateRoom {
        let steps = u64::try_from(steps.max(1)).unwrap_or(u64::MAX);
        let bytes = match self.room.bytes {
            u64::MAX => u64::MAX,
            bytes => bytes / steps,
        };
        let own = |spill: &PathBuf| spill.join(worker.to_string()).join(step.as_str());
        StateRoom { bytes, spill: self.room.spill.as_ref().map(own) }
    }
}

/// What of saved state is one worker's.
#[derive(Clone, Copy)]
enum Part {
    /// The rows of some key groups.
    Groups(Groups),
    /// All rows, of whatever key: those that the first worker saved, which has the first group among
    /// however many.
    First,
    /// None.
    Nothing,
}

impl Part {
    fn of_worker(routing: &Routing, (worker, workers): (usize, usize)) -> Self {
        match (routing, worker) {
            (Routing::Single, 0) => Self::First,
            (Routing::Single, _) => Self::Nothing,
            _ => Self::Groups(Groups::of_worker(worker, workers)),
        }
    }

    /// The groups whose rows it takes from an object that counts for `groups`.
    fn within(self, groups: Groups) -> Groups {
        match self {
            Self::Groups(mine) => groups.and(mine),
            Self::First if groups.contains(0) => Groups::ALL,
            Self::First | Self::Nothing => Groups::NONE,
        }
    }
}

async fn open(storage: &Storage, saved: &StateObject) -> Result<OpenObject> {
    let lost = |what: String| {
        Error::new(ErrorKind::Corrupt, "pipeline", what)
            .advise("restore the checkpoint from a copy, or begin anew under another pipeline name")
    };
    let found = storage.read_in_place(&saved.path).await?;
    let location = storage.location(&saved.path);
    let (object, bytes) = found.ok_or_else(|| {
        lost(format!("{location} is gone, and it holds state of epoch {}", saved.epoch))
    })?;
    if bytes != saved.bytes {
        let was = saved.bytes;
        return Err(lost(format!("{location} is damaged: it has {bytes} bytes and had {was}")));
    }
    let ObjectFooter { sections, .. } = ObjectFooter::read(object.as_ref(), bytes)?;
    Ok(OpenObject { level: saved.level, groups: saved.groups, sections, object })
}

/// The steps that keep state.
pub(crate) fn stateful(
    graph: &Graph,
) -> impl Iterator<Item = (NodeId, &Name, &Arc<dyn OperatorSpec>, &Resolved)> {
    graph.nodes().filter_map(|(id, node)| match &node.kind {
        NodeKind::Step(step, resolved) if resolved.state().is_some() => {
            Some((id, &node.name, step, resolved))
        }
        _ => None,
    })
}

/// The steps of today that keep state, with their tables as they are while there is nothing in them:
/// what saved state has to fit.
///
/// # Errors
/// What a step reports.
pub(crate) fn declared(graph: &Graph) -> Result<BTreeMap<Name, StepState>> {
    let declare = |(_, name, step, resolved): (_, &Name, &Arc<dyn OperatorSpec>, &Resolved)| {
        let mut operator = resolved.build()?;
        operator.restore(&StateReader::default())?;
        let mut empty = StateWriter::new(Level::WHOLE);
        operator.save(&mut empty)?;
        let mut tables = BTreeMap::new();
        add_tables(&mut tables, empty.into_parts().1);
        let is = step.describe();
        let description = format!("{} v{} {}", is.kind, is.version, is.settings);
        Ok((name.clone(), StepState { description: description.trim_end().to_owned(), tables }))
    };
    stateful(graph).map(declare).collect()
}

/// The files of one life that do not fit into memory. They go with it.
#[derive(Debug)]
pub(crate) struct SpillDirectory(PathBuf);

impl SpillDirectory {
    pub(crate) fn new(below: &Path, pipeline: &Name, run: &str) -> Self {
        Self(below.join(pipeline.as_str()).join(run))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl Drop for SpillDirectory {
    fn drop(&mut self) {
        // It may never have been made; what cannot be removed is no truth that anybody reads.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests;
