//! What a source knows of its files from one plan to the next.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highwater_core::OnDataLoss;

use crate::detail::{Found, Part, Taken};
use crate::error::FilesError;
use crate::place::Place;
use crate::settle::Settling;

/// The files of one look, each kind in the order in which files are taken.
#[derive(Debug, Default)]
pub(crate) struct There {
    pub(crate) settled: Vec<Found>,
    pub(crate) unsettled: Vec<Found>,
}

impl There {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Found> {
        self.settled.iter().chain(&self.unsettled)
    }
}

/// What is remembered. Nothing of it is needed to read a plan again.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    settling: Settling,
    there: Option<Arc<There>>,
    /// The hashes of all paths of the last look.
    paths: Option<HashSet<u64>>,
    /// Files that were planned and are gone, which the policy lets go.
    lost: Vec<Found>,
    /// How many plans were asked for.
    plans: u64,
    /// Planned files that were met gone or changed, and behind which plan that was first.
    met: BTreeMap<(String, u64, i64), u64>,
}

/// When a planned file was met gone or changed before, by the last plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Never,
    SinceThePlan,
    BeforeThePlan,
}

/// How a look is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) place: &'a Place,
    pub(crate) taken: &'a Taken,
    pub(crate) on_data_loss: OnDataLoss,
    pub(crate) settle: Duration,
    pub(crate) now: i64,
}

impl Watch {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a plan is made.
    pub(crate) fn plan(&self) {
        self.known().plans += 1;
    }

    /// The files of the last look, unless it proved wrong since.
    pub(crate) fn last(&self) -> Option<Arc<There>> {
        self.known().there.clone()
    }

    /// Forgets the last look: a file was not as it showed it.
    pub(crate) fn look_again(&self) {
        self.known().there = None;
    }

    /// Whether there was a look before.
    pub(crate) fn has_looked(&self) -> bool {
        self.known().paths.is_some()
    }

    /// Takes in a look: refuses it when records would be passed over, and sorts the files.
    pub(crate) fn take_in(
        &self,
        mut files: Vec<Found>,
        rules: Rules<'_>,
    ) -> Result<Arc<There>, FilesError> {
        let mut known = self.known();
        known.check(&files, rules)?;
        known.paths = Some(files.iter().map(|file| hash(&file.path)).collect());
        files.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let (settled, unsettled) = known.settling.sort(files, rules.now, rules.settle);
        let there = Arc::new(There { settled, unsettled });
        known.there = Some(Arc::clone(&there));
        Ok(there)
    }

    /// The planned files that are gone for good.
    pub(crate) fn lost(&self) -> Vec<Found> {
        self.known().lost.clone()
    }

    /// The error to end with when a planned file could not be read. What is met for the first time
    /// passes by itself if another plan can do without that file, or take it as it is. It may be met by
    /// all workers that read the file: until there is another plan, it is the first time.
    pub(crate) fn failed(
        &self,
        error: FilesError,
        part: &Part,
        on_data_loss: OnDataLoss,
    ) -> FilesError {
        let version = part.version();
        let mut known = self.known();
        known.there = None;
        let place = (part.path().to_owned(), version.bytes, version.modified);
        match error {
            FilesError::Gone { file, planned, .. } if on_data_loss == OnDataLoss::Skip => {
                let met = known.meet(place);
                if met == Met::Never {
                    known.lost.push(Found { path: part.path().to_owned(), version });
                }
                FilesError::Gone { file, planned, skip: met != Met::BeforeThePlan }
            }
            FilesError::Changed { file, planned, found, .. } => {
                let first = known.meet(place) != Met::BeforeThePlan;
                FilesError::Changed { file, planned, found, first }
            }
            error => error,
        }
    }
}

impl Known {
    /// Notes that a planned file was met gone or changed, and tells when that was before.
    fn meet(&mut self, place: (String, u64, i64)) -> Met {
        match self.met.entry(place) {
            Entry::Occupied(met) if *met.get() < self.plans => Met::BeforeThePlan,
            Entry::Occupied(_) => Met::SinceThePlan,
            Entry::Vacant(new) => {
                new.insert(self.plans);
                Met::Never
            }
        }
    }

    fn check(&self, files: &[Found], rules: Rules<'_>) -> Result<(), FilesError> {
        let index = rules.taken.index();
        let mut below = 0;
        let mut late = Vec::new();
        for file in files {
            if let Some(seen) = index.get(&file.path) {
                if seen.version() != file.version {
                    let file_name = rules.place.name(&file.path);
                    let (then, now) = (seen.version(), file.version);
                    rules.lose(FilesError::Rewritten { file: file_name, then, now })?;
                }
            } else if rules.taken.passed(file.order()) {
                below += 1;
                if self.paths.as_ref().is_some_and(|paths| !paths.contains(&hash(&file.path))) {
                    late.push(file.path.as_str());
                }
            }
        }
        let count = match self.paths {
            Some(_) => u64::try_from(late.len()).unwrap_or(u64::MAX),
            // Which ones came late nobody knows any more, only that there are more than there were.
            None => u64::saturating_sub(below, rules.taken.below),
        };
        if count == 0 {
            return Ok(());
        }
        late.sort_unstable();
        let names = late.iter().take(3).map(|path| rules.place.name(path)).collect();
        let directory = rules.place.location()?.to_owned();
        rules.lose(FilesError::Late { directory, count, names })
    }
}

impl Rules<'_> {
    /// Ends with this loss, or only tells of it, as the policy has it.
    pub(crate) fn lose(&self, loss: FilesError) -> Result<(), FilesError> {
        match self.on_data_loss {
            OnDataLoss::Fail => Err(loss),
            OnDataLoss::Skip => {
                tracing::warn!(%loss, "skipped");
                Ok(())
            }
        }
    }
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
