//! The source: where the files are, when they are taken, and how their lines are decoded.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use highwater_codec::Format;
use highwater_core::{
    Clock, Decoder, Limits, OnDataLoss, Partition, Payload, Planned, Positions, Range, RangeId,
    Result, Source, SourceColumns, StreamInfo, rejected_schema,
};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::clock::SystemClock;
use crate::decoder::FilesDecoder;
use crate::error::FilesError;
use crate::place::{Place, absolute};
use crate::reader;
use crate::watch::Watch;

mod planning;

/// Files of an epoch. So many of the smallest are listed, opened and noted in some tens of milliseconds.
const FILES: usize = 1_000;
/// Files that are remembered by name. Their names take about half a megabyte of the log.
const REMEMBERED: usize = 10_000;
/// Bytes of a range. So many are read in some hundredths of a second, beside which nothing is lost by opening
/// a file once more.
const PIECE: u64 = 8 << 20;
/// How long a file is left alone before it is taken.
const SETTLE: Duration = Duration::from_secs(1);

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
    piece: NonZeroU64,
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
            piece: NonZeroU64::new(PIECE).unwrap_or(NonZeroU64::MIN),
            settle: SETTLE,
            on_data_loss: OnDataLoss::default(),
            clock: Arc::new(SystemClock),
            source_columns: false,
            format: Undecoded,
            watch: Arc::default(),
        }
    }

    /// The same files with each line decoded by `format`.
    pub fn decode(self, format: impl Format + 'static) -> FileSource<Arc<dyn Format>> {
        FileSource {
            place: self.place,
            deep: self.deep,
            files: self.files,
            remember: self.remember,
            piece: self.piece,
            settle: self.settle,
            on_data_loss: self.on_data_loss,
            clock: self.clock,
            source_columns: self.source_columns,
            format: Arc::new(format),
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

    /// Plans what an epoch reads as ranges of about `bytes`, as they are stored, instead of 8 MiB, and at most
    /// about 32 of them. Workers share the ranges. A plain file of twice as many is read by several at once,
    /// each from line to line; a packed one by one.
    #[must_use]
    pub fn bytes_per_range(mut self, bytes: NonZeroU64) -> Self {
        self.piece = bytes;
        self
    }

    /// Takes a file when it was not written to for `settle`, instead of 1 s: by its own time, or as long
    /// as it was seen unchanged. Files that are moved in whole are taken at once if they are that old.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// What to do when records are gone before they were read, or may not be read. Who skips them goes on
    /// without a file that was planned and is gone, or that may not be read, which is a gap in a plan; and
    /// is told of a file that came late or grew later, which is left out.
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
}

// Of one format for all, so that what it does is compiled here, and not again in each program.
#[async_trait]
impl Source for FileSource<Arc<dyn Format>> {
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
            .field("piece", &self.piece)
            .field("settle", &self.settle)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
