//! A table in memory that behaves as a real one: staged files, a swap on a version, markers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use highwater_core::{
    Batch, Committer, Epoch, Error, ErrorKind, Failpoint, Failpoints, Found, Marker, MarkerId,
    Name, Result, Routing, Sink, SinkContext, Staged, StreamInfo, Swap, Target, Writer,
    WriterContext,
};

/// A table in memory. Clones share it, so it outlives the pipelines that a test lets die.
///
/// It meets the failpoints that a real table meets, and it can be made to do what real tables
/// suffer: commits of others, rollbacks, lost and late answers, staged files that vanish.
///
/// # Example
/// ```
/// use highwater_testkit::memory::MemoryTable;
///
/// let table = MemoryTable::new("ledger");
/// table.lose_answers(1); // the first swap is applied and nobody learns of it
/// assert_eq!(table.row_count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryTable {
    name: String,
    shared: Arc<Mutex<Shared>>,
}

/// One commit of a table's history, for tests to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The sink and marker; absent when somebody else wrote it.
    pub marker: Option<(Name, MarkerId)>,
    /// Its rows.
    pub rows: usize,
}

#[derive(Debug, Default)]
struct Shared {
    schema: Option<SchemaRef>,
    version: u64,
    line: Vec<Commit>,
    /// The last marker of each pipeline and sink, with the version that committed it. A rollback
    /// leaves it alone.
    last: BTreeMap<(Name, Name), (Marker, u64)>,
    files: BTreeMap<String, RecordBatch>,
    lost_answers: usize,
    late_swaps: usize,
    late: Vec<Request>,
}

#[derive(Debug)]
struct Commit {
    version: u64,
    marker: Option<Marker>,
    files: Vec<String>,
}

#[derive(Debug)]
struct Request {
    base: u64,
    marker: Marker,
    files: Vec<String>,
}

impl MemoryTable {
    /// An empty table.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), shared: Arc::default() }
    }

    /// The rows in the table, in the order of their commits.
    pub fn rows(&self) -> Vec<RecordBatch> {
        let shared = self.shared();
        let paths = shared.line.iter().flat_map(|commit| &commit.files);
        paths.filter_map(|path| shared.files.get(path)).cloned().collect()
    }

    /// How many rows are in the table.
    pub fn row_count(&self) -> usize {
        self.rows().iter().map(RecordBatch::num_rows).sum()
    }

    /// The commits in the table, oldest first.
    pub fn commits(&self) -> Vec<Committed> {
        let shared = self.shared();
        let rows = |path: &String| shared.files.get(path).map_or(0, RecordBatch::num_rows);
        let committed = |commit: &Commit| Committed {
            marker: commit.marker.as_ref().map(|marker| (marker.sink.clone(), marker.id)),
            rows: commit.files.iter().map(rows).sum(),
        };
        shared.line.iter().map(committed).collect()
    }

    /// The last marker that stands in the table, of any pipeline and sink.
    pub fn marker(&self) -> Option<Marker> {
        self.shared().line.iter().rev().find_map(|commit| commit.marker.clone())
    }

    /// The staged files that no commit names.
    pub fn uncommitted(&self) -> Vec<String> {
        let shared = self.shared();
        shared.files.keys().filter(|path| !shared.names(path)).cloned().collect()
    }

    /// Commits rows as somebody else.
    pub fn foreign_append(&self, rows: RecordBatch) {
        let mut shared = self.shared();
        let path = format!("foreign/{}", shared.version);
        shared.files.insert(path.clone(), rows);
        shared.append(None, vec![path]);
    }

    /// Takes the newest `commits` out of the table, as a person does.
    pub fn roll_back(&self, commits: usize) {
        let mut shared = self.shared();
        let left = shared.line.len().saturating_sub(commits);
        shared.line.truncate(left);
        shared.version += 1;
    }

    /// Applies the next `swaps` and loses the answers.
    pub fn lose_answers(&self, swaps: usize) {
        self.shared().lost_answers = swaps;
    }

    /// Leaves the next `swaps` without an answer and does not apply them before
    /// [`deliver_late`](Self::deliver_late).
    pub fn delay_swaps(&self, swaps: usize) {
        self.shared().late_swaps = swaps;
    }

    /// Delivers the delayed swaps now, and says how many found their base still there.
    pub fn deliver_late(&self) -> usize {
        let mut shared = self.shared();
        let late = std::mem::take(&mut shared.late);
        late.into_iter().filter_map(|request| shared.swap(request).then_some(())).count()
    }

    /// Loses every staged file that no commit names.
    pub fn forget_staged(&self) {
        for path in self.uncommitted() {
            self.shared().files.remove(&path);
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn append(&mut self, marker: Option<Marker>, files: Vec<String>) {
        self.version += 1;
        if let Some(marker) = &marker {
            let key = (marker.pipeline.clone(), marker.sink.clone());
            self.last.insert(key, (marker.clone(), self.version));
        }
        self.line.push(Commit { version: self.version, marker, files });
    }

    fn swap(&mut self, request: Request) -> bool {
        if request.base != self.version {
            return false;
        }
        self.append(Some(request.marker), request.files);
        true
    }

    fn names(&self, path: &str) -> bool {
        self.line.iter().any(|commit| commit.files.iter().any(|file| file == path))
    }

    fn found(&self, pipeline: &Name, sink: &Name) -> Found {
        let Some((last, version)) = self.last.get(&(pipeline.clone(), sink.clone())) else {
            return Found::Nothing;
        };
        if self.line.iter().any(|commit| commit.version == *version) {
            return Found::Marker(last.clone());
        }
        let markers = self.line.iter().rev().filter_map(|commit| commit.marker.as_ref());
        let standing = markers
            .filter(|marker| marker.pipeline == *pipeline && marker.sink == *sink)
            .map(|marker| marker.id)
            .next();
        Found::RolledBack { last: last.clone(), standing }
    }
}

#[async_trait]
impl Sink for MemoryTable {
    fn describe(&self) -> String {
        format!("memory table {}", self.name)
    }

    fn resolve(&self, _input: &StreamInfo) -> Result<Routing> {
        Ok(Routing::Local)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        let mut shared = self.shared();
        let schema = shared.schema.get_or_insert_with(|| Arc::clone(&cx.input.schema));
        if *schema != cx.input.schema {
            let wrong = format!("table {} has other columns than sink {}", self.name, cx.sink);
            return Err(error(ErrorKind::Invalid, wrong));
        }
        Ok(Box::new(MemoryCommitter {
            table: self.clone(),
            pipeline: cx.pipeline.clone(),
            sink: cx.sink.clone(),
            failpoints: cx.failpoints.clone(),
            base: None,
        }))
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        if cx.target.0 != self.name {
            let wrong = format!("target {:?} is not table {}", cx.target.0, self.name);
            return Err(error(ErrorKind::Internal, wrong));
        }
        Ok(Box::new(MemoryWriter {
            table: self.clone(),
            prefix: prefix(&cx.run, &cx.sink, cx.epoch, cx.worker),
            failpoints: cx.failpoints.clone(),
            batches: Vec::new(),
        }))
    }
}

fn prefix(run: &str, sink: &Name, epoch: Epoch, worker: usize) -> String {
    format!("{run}/{sink}/{epoch}/{worker}")
}

fn error(kind: ErrorKind, what: String) -> Error {
    Error::new(kind, "testkit", what)
}

struct MemoryWriter {
    table: MemoryTable,
    prefix: String,
    failpoints: Failpoints,
    batches: Vec<RecordBatch>,
}

#[async_trait]
impl Writer for MemoryWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.batches.push(batch.rows);
        Ok(())
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        async move { self.stage() }.boxed()
    }
}

impl MemoryWriter {
    fn stage(self) -> Result<Vec<Staged>> {
        let mut staged = Vec::with_capacity(self.batches.len());
        for (number, rows) in self.batches.into_iter().enumerate() {
            let path = format!("{}/{number}", self.prefix);
            staged.push(describe(path.clone(), &rows));
            if self.table.shared().files.insert(path.clone(), rows).is_some() {
                return Err(error(ErrorKind::Internal, format!("file {path} was there already")));
            }
            self.failpoints.hit(Failpoint::FileStaged)?;
        }
        Ok(staged)
    }
}

fn describe(path: String, rows: &RecordBatch) -> Staged {
    let bytes = u64::try_from(rows.get_array_memory_size()).unwrap_or(u64::MAX);
    let rows = u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
    Staged { path, bytes, rows, detail: String::new() }
}

struct MemoryCommitter {
    table: MemoryTable,
    pipeline: Name,
    sink: Name,
    failpoints: Failpoints,
    base: Option<u64>,
}

impl MemoryCommitter {
    fn before(&self) -> Result<u64> {
        self.failpoints.hit(Failpoint::ManifestsWritten)?;
        self.failpoints.hit(Failpoint::BeforeSwap)?;
        self.base.ok_or_else(|| error(ErrorKind::Internal, "a swap before a load".to_owned()))
    }

    fn send(&self, request: Request) -> Result<bool> {
        let mut shared = self.table.shared();
        let late = Err(error(ErrorKind::Transient, "the answer to a swap was lost".to_owned()));
        if shared.late_swaps > 0 {
            shared.late_swaps -= 1;
            shared.late.push(request);
            return late;
        }
        let applied = shared.swap(request);
        if shared.lost_answers > 0 {
            shared.lost_answers -= 1;
            return late;
        }
        Ok(applied)
    }
}

#[async_trait]
impl Committer for MemoryCommitter {
    async fn load(&mut self) -> Result<Found> {
        let found = {
            let shared = self.table.shared();
            self.base = Some(shared.version);
            shared.found(&self.pipeline, &self.sink)
        };
        self.failpoints.hit(Failpoint::Loaded)?;
        Ok(found)
    }

    fn target(&self) -> Target {
        Target(self.table.name.clone())
    }

    async fn swap(&mut self, marker: &Marker, staged: &[Staged]) -> Swap {
        let base = match self.before() {
            Ok(base) => base,
            Err(error) if error.kind() == ErrorKind::Transient => return Swap::Unknown(error),
            Err(error) => return Swap::Failed(error),
        };
        let files: Vec<_> = staged.iter().map(|file| file.path.clone()).collect();
        if let Some(lost) = files.iter().find(|path| !self.table.shared().files.contains_key(*path))
        {
            return Swap::Failed(error(ErrorKind::Refused, format!("staged file {lost} is gone")));
        }
        match self.send(Request { base, marker: marker.clone(), files }) {
            Ok(false) => Swap::Conflicted,
            Ok(true) => match self.failpoints.hit(Failpoint::AfterSwap) {
                Ok(()) => Swap::Committed,
                Err(error) => Swap::Unknown(error),
            },
            Err(error) => Swap::Unknown(error),
        }
    }

    async fn check(&mut self, staged: &[Staged]) -> Result<bool> {
        let shared = self.table.shared();
        let there = |file: &Staged| {
            shared
                .files
                .get(&file.path)
                .is_some_and(|rows| describe(String::new(), rows).bytes == file.bytes)
        };
        Ok(staged.iter().all(there))
    }
}
