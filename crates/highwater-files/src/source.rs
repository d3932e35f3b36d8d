//! The source: where the files are, when they are taken, and how their lines are decoded.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use highwater_codec::Format;
use highwater_core::{
    Clock, Decoder, Limits, Partition, Payload, Planned, Positions, Range, RangeId, Result, Source,
    SourceColumns, StreamInfo, rejected_schema,
};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::time::{Instant, sleep};

use crate::clock::SystemClock;
use crate::decoder::FilesDecoder;
use crate::detail::{Found, Part, Seen, Taken, position};
use crate::error::FilesError;
use crate::options::OnDataLoss;
use crate::place::{Peek, Place, absolute};
use crate::planner::{self, Picture};
use crate::reader;
use crate::watch::{Rules, There, Watch};

/// Files of an epoch. So many of the smallest are listed, opened and noted in some tens of milliseconds.
const FILES: usize = 1_000;
/// Files that are remembered by name. Their names take about half a megabyte of the log.
const REMEMBERED: usize = 10_000;
/// How long a file is left alone before it is taken.
const SETTLE: Duration = Duration::from_secs(1);
/// For so many times `settle` a run up to what is there waits for files that are still written.
const PATIENCE: u32 = 10;

/// The lines of all files in a directory, or below a prefix of an object store: one partition.
///
/// Give it a format with [`decode`](FileSource::decode), and it is a [`Source`] of rows. A file is taken
/// whole and once, when it has [settled](FileSource::settle), in the order of times of writing and then
/// of paths. Names that begin with `_` or `.` do not count. Files whose names end in `.gz` and `.zst` are
/// unpacked. Each line is a record; lines of nothing but white space are none.
///
/// Rejected records have the file in `topic`, 0 in `partition`, in `offset` the byte in the (unpacked)
/// file at which the line begins, and the time of the file in `timestamp`.
///
/// # Example
/// ```
/// use highwater_codec::{Columns, Json, Type};
/// use highwater_core::{Limits, Positions, Source as _};
/// use highwater_files::FileSource;
///
/// # let events = tempfile::tempdir()?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// std::fs::write(events.path().join("a.json"), "{\"id\":1}\n{\"id\":2}\n")?;
/// let json = Json::try_new(Columns::new().required("id", Type::Long))?;
/// let source = FileSource::new(events.path()).settle(std::time::Duration::ZERO).decode(json);
/// let planned = runtime.block_on(source.plan(&Positions::default(), None, &Limits::default()))?;
/// assert_eq!(planned.ranges.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileSource<F = Undecoded> {
    place: Place,
    deep: bool,
    files: NonZeroUsize,
    remember: NonZeroUsize,
    settle: Duration,
    on_data_loss: OnDataLoss,
    clock: Arc<dyn Clock>,
    source_columns: bool,
    format: F,
    watch: Arc<Watch>,
}

/// A [`FileSource`] that was not yet told how its records are decoded.
#[derive(Clone, Copy, Debug)]
pub struct Undecoded;

impl FileSource {
    /// The files in `directory`. Nothing is looked at, and mistakes show at the first plan.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::at(Place::Directory(absolute(directory.into())))
    }

    /// The objects of `store` below `prefix`. Messages and columns name them by `location`, such as
    /// `s3://bucket/events`, and their paths below it; positions know the source by it again.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    /// use highwater_files::FileSource;
    /// use object_store::memory::InMemory;
    ///
    /// let source = FileSource::prefix(Arc::new(InMemory::new()), "events", "memory://events");
    /// assert_eq!(source.location(), "memory://events");
    /// ```
    pub fn prefix(store: Arc<dyn ObjectStore>, prefix: &str, location: impl Into<String>) -> Self {
        Self::at(Place::Prefix { store, prefix: Path::from(prefix), location: location.into() })
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            deep: false,
            files: NonZeroUsize::new(FILES).unwrap_or(NonZeroUsize::MIN),
            remember: NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN),
            settle: SETTLE,
            on_data_loss: OnDataLoss::default(),
            clock: Arc::new(SystemClock),
            source_columns: false,
            format: Undecoded,
            watch: Arc::default(),
        }
    }

    /// The same files with each line decoded by `format`.
    pub fn decode<F: Format>(self, format: F) -> FileSource<F> {
        FileSource {
            place: self.place,
            deep: self.deep,
            files: self.files,
            remember: self.remember,
            settle: self.settle,
            on_data_loss: self.on_data_loss,
            clock: self.clock,
            source_columns: self.source_columns,
            format,
            watch: self.watch,
        }
    }
}

impl<F> FileSource<F> {
    /// Reads the files of directories within the directory as well, at any depth. Links to directories
    /// are not followed.
    #[must_use]
    pub fn subdirectories(mut self) -> Self {
        self.deep = true;
        self
    }

    /// Takes at most `files` in an epoch, instead of 1,000. One is taken however large it is, and further
    /// ones as long as all of them have no more bytes, as they are stored, than the epoch may take.
    #[must_use]
    pub fn max_files_per_epoch(mut self, files: NonZeroUsize) -> Self {
        self.files = files;
        self
    }

    /// Remembers the names of the newest `files` that were taken, instead of 10,000. What is older than
    /// those counts as taken: a file that comes with such an old time is refused, not read. The names are
    /// in each record of the log; those of some 200 files fit into the marker of a table as well.
    #[must_use]
    pub fn remember(mut self, files: NonZeroUsize) -> Self {
        self.remember = files;
        self
    }

    /// Takes a file when it was not written to for `settle`, instead of 1 s: by its own time, or as long
    /// as it was seen unchanged. Files that are moved in whole are taken at once if they are that old.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// What to do when records are gone before they were read, or may not be read.
    #[must_use]
    pub fn on_data_loss(mut self, choice: OnDataLoss) -> Self {
        self.on_data_loss = choice;
        self
    }

    /// Takes the time of day by which files settle from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds `_topic` (text, the file), `_partition` (i32, 0) and `_offset` (i64, the byte in the unpacked
    /// file at which the line begins) behind the columns of the format.
    #[must_use]
    pub fn source_columns(mut self) -> Self {
        self.source_columns = true;
        self
    }

    /// The directory as an absolute path, or the location of the prefix.
    pub fn location(&self) -> String {
        match &self.place {
            Place::Directory(root) => root.to_string_lossy().into_owned(),
            Place::Prefix { location, .. } => location.clone(),
        }
    }

    fn partition(&self) -> Result<Partition, FilesError> {
        Ok(Partition::new(self.place.location()?, 0))
    }

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

    async fn plan_files(
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
        let (files, remember) = (self.files.get(), self.remember.get());
        let limits = planner::Limits { files, bytes: limits.bytes, remember };
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
    async fn ends_of_files(&self, from: &Positions) -> Result<Positions, FilesError> {
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

#[async_trait]
impl<F: Format + 'static> Source for FileSource<F> {
    fn describe(&self) -> String {
        format!("files in {}", self.location())
    }

    fn output(&self) -> StreamInfo {
        let schema = self.format.schema();
        StreamInfo::new(match self.source_columns {
            true => SourceColumns::behind(&schema),
            false => schema,
        })
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned> {
        Ok(self.plan_files(from, until, limits).await?)
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        Ok(self.ends_of_files(from).await?)
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let watch = Arc::clone(&self.watch);
        reader::read(self.place.clone(), watch, self.on_data_loss, ranges)
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        let ours = self.partition()?;
        if range.partition != ours {
            let (partition, directory) = (range.partition.clone(), ours.stream);
            return Err(FilesError::OtherSource { partition, directory }.into());
        }
        let columns = self.source_columns.then(|| SourceColumns::behind(&self.format.schema()));
        Ok(Box::new(FilesDecoder::new(range, self.place.clone(), self.format.decoder(), columns)?))
    }
}

impl<F: fmt::Debug> fmt::Debug for FileSource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("place", &self.place)
            .field("files", &self.files)
            .field("remember", &self.remember)
            .field("settle", &self.settle)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
