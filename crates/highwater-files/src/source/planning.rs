//! What of the files that are there an epoch reads, and where a run up to what is there ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use highwater_codec::Format;
use highwater_core::{Limits, Partition, Planned, Positions};
use tokio::time::{Instant, sleep};

use super::FileSource;
use crate::detail::{Found, Part, Seen, Taken, position};
use crate::error::FilesError;
use crate::place::Peek;
use crate::planner::{self, Picture};
use crate::watch::{Rules, There};

/// For so many times `settle` a run up to what is there waits for files that are still written.
const PATIENCE: u32 = 10;

impl FileSource<Arc<dyn Format>> {
    /// Where `from` says to go on.
    fn begin(&self, from: &Positions) -> Result<(Partition, i64, Taken), FilesError> {
        let ours = self.partition()?;
        if let Some((other, _)) = from.iter().find(|(partition, _)| **partition != ours) {
            let (partition, directory) = (other.clone(), ours.stream);
            return Err(FilesError::OtherSource { partition, directory });
        }
        let Some(at) = from.get(&ours) else { return Ok((ours, 0, Taken::default())) };
        let taken = Taken::of(&ours, at)?;
        Ok((ours, at.next, taken))
    }

    fn rules<'a>(&'a self, taken: &'a Taken) -> Rules<'a> {
        Rules {
            place: &self.place,
            taken,
            on_data_loss: self.on_data_loss,
            settle: self.settle,
            now: self.clock.now().0,
        }
    }

    /// What is there now.
    async fn look(&self, taken: &Taken) -> Result<Arc<There>, FilesError> {
        let listing = self.place.list(self.deep).await.map_err(|error| match error {
            FilesError::Missing { directory } if self.watch.has_looked() => {
                FilesError::Away { directory }
            }
            error => error,
        })?;
        let rules = self.rules(taken);
        listing.problems.into_iter().try_for_each(|problem| rules.lose(problem))?;
        self.watch.take_in(listing.files, rules)
    }

    /// What is there, as of a moment ago if that is more than an epoch takes.
    async fn there(
        &self,
        taken: &Taken,
        until: Option<&Taken>,
        limits: planner::Limits,
    ) -> Result<Arc<There>, FilesError> {
        if let Some(there) = self.watch.last() {
            let until = until.map(Taken::index);
            if planner::is_plenty(&planner::left(&there, &taken.index(), until.as_ref()), limits) {
                return Ok(there);
            }
        }
        self.look(taken).await
    }

    /// Looks into the first files that are left. Those that cannot be read are lost, if they may be.
    async fn pick(
        &self,
        left: &[&Found],
        taken: &Taken,
        limits: planner::Limits,
    ) -> Result<(Vec<Part>, Vec<Found>), FilesError> {
        let (mut parts, mut closed) = (Vec::new(), Vec::new());
        let mut passed = HashSet::new();
        while parts.is_empty() {
            let open = left.iter().copied().filter(|file| !passed.contains(file.path.as_str()));
            let chosen = planner::choose(open, limits);
            if chosen.is_empty() {
                break;
            }
            passed.extend(chosen.iter().map(|file| file.path.as_str()));
            let chosen = chosen.into_iter().cloned().collect();
            for (file, peek) in self.place.peek(chosen).await? {
                match peek {
                    Peek::Head(head) => parts.push(Part::new(&file, &head)),
                    Peek::Other => self.watch.look_again(),
                    Peek::Closed(problem) => {
                        self.rules(taken).lose(problem)?;
                        closed.push(file);
                    }
                }
            }
        }
        Ok((parts, closed))
    }

    /// What an epoch reads.
    pub(super) async fn plan_files(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned, FilesError> {
        let (partition, next, taken) = self.begin(from)?;
        let until = match until {
            Some(until) => Some(self.begin(until)?.2),
            None => None,
        };
        let (files, remember, piece) = (self.files.get(), self.remember.get(), self.piece.get());
        let limits = planner::Limits { files, bytes: limits.bytes, remember, piece };
        self.watch.plan();
        let there = self.there(&taken, until.as_ref(), limits).await?;
        let index = taken.index();
        let left = planner::left(&there, &index, until.as_ref().map(Taken::index).as_ref());
        let (parts, mut lost) = self.pick(&left, &taken, limits).await?;
        let gone = self.watch.lost().into_iter();
        lost.extend(
            gone.filter(|file| !index.holds(file) && !there.all().any(|it| it.path == file.path)),
        );
        let picture =
            Picture { partition: &partition, next, taken: &taken, there: &there, left: &left };
        Ok(planner::plan(picture, parts, &lost, limits))
    }

    /// The position behind all files that are there now. Those that are still written to are waited for,
    /// for a while.
    pub(super) async fn ends_of_files(&self, from: &Positions) -> Result<Positions, FilesError> {
        let (partition, next, taken) = self.begin(from)?;
        let until = Instant::now() + self.settle * PATIENCE;
        let mut there = self.look(&taken).await?;
        let mut names: HashSet<String> = there.all().map(|file| file.path.clone()).collect();
        loop {
            let waiting = there.unsettled.iter().filter(|file| names.contains(&file.path));
            let waiting: Vec<&str> = waiting.map(|file| file.path.as_str()).collect();
            if waiting.is_empty() {
                break;
            }
            if Instant::now() >= until {
                let count = waiting.len();
                tracing::warn!(
                    count,
                    first = waiting.first(),
                    "still written to, and left for the next run"
                );
                let waiting: HashSet<String> = waiting.into_iter().map(ToOwned::to_owned).collect();
                names.retain(|name| !waiting.contains(name));
                break;
            }
            sleep((self.settle / 8).clamp(Duration::from_millis(5), Duration::from_millis(250)))
                .await;
            there = self.look(&taken).await?;
        }
        let index = taken.index();
        let left = planner::left(&there, &index, None).into_iter();
        let left: Vec<&Found> = left.filter(|file| names.contains(&file.path)).collect();
        let end = left.iter().map(|file| file.span()).fold(next, i64::saturating_add);
        let mut all = taken.clone();
        all.seen.extend(left.into_iter().map(Seen::of));
        Ok(Positions::from_iter([(partition, position(end, &all))]))
    }
}
