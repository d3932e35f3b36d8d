//! A large object, written piece by piece in bounded memory.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use highwater_core::{Error, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, UploadPart};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use crate::Storage;
use crate::error::{Action, StorageError};

/// The size of every part but the last. S3 wants at least 5 MiB and takes 10,000 of them; some
/// stores want them all alike.
const PART_BYTES: usize = 5 << 20;

/// How many parts are uploaded at a time. One more may be waiting for its turn.
const PARTS_IN_FLIGHT: usize = 2;

/// A large object that is being written. Visible and durable only once [`finish`](Self::finish) has
/// returned; dropped before, nothing of it is ever visible.
///
/// Pieces are collected into parts of 5 MiB that are uploaded behind the caller's back; an object
/// that fits one part is written by one put. Parts of a local file leave the page cache alone, so whoever
/// reads them first reads the disk. An object that is there already is replaced, so the
/// path of an upload should be unique.
///
/// Parts start where a tokio runtime is current: at [`Storage::upload`], at [`push`](Self::push), or
/// else at the next `await`. Between `await`s nothing bounds the memory but the caller.
///
/// # Example
/// ```
/// use highwater_storage::Storage;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let storage = Storage::memory();
/// let mut upload = storage.upload("data/a.parquet");
/// for _ in 0..3 {
///     upload.push("piece ".into());
///     upload.ready().await?;
/// }
/// assert_eq!(upload.finish().await?, 18);
/// assert_eq!(storage.length("data/a.parquet").await?, Some(18));
/// # Ok::<_, highwater_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Upload {
    storage: Storage,
    path: String,
    runtime: Option<Handle>,
    waiting: Waiting,
    bytes: u64,
    behind: Option<Behind>,
    failed: bool,
}

/// Pieces that are not yet part of anything.
#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

/// The task that uploads parts, as seen from the front.
#[derive(Debug)]
struct Behind {
    steps: mpsc::Sender<Step>,
    task: JoinHandle<Result<(), StorageError>>,
}

#[derive(Debug)]
enum Step {
    Part(PutPayload),
    Complete,
}

impl Upload {
    pub(crate) fn new(storage: Storage, path: String) -> Self {
        Self {
            storage,
            path,
            runtime: Handle::try_current().ok(),
            waiting: Waiting::default(),
            bytes: 0,
            behind: None,
            failed: false,
        }
    }

    /// Where the object will stand.
    pub fn location(&self) -> String {
        self.storage.location(&self.path)
    }

    /// How many bytes were pushed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds bytes. Never waits; what goes wrong is told by [`ready`](Self::ready) or
    /// [`finish`](Self::finish).
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() || self.failed {
            return;
        }
        self.bytes += bytes.len() as u64;
        self.waiting.push(bytes);
        self.start();
        let Some(behind) = &self.behind else { return };
        while self.waiting.has_part() {
            let Ok(room) = behind.steps.try_reserve() else { return };
            room.send(Step::Part(self.waiting.take_part()));
        }
    }

    /// Waits until less than one part is waiting to be sent on its way, on which there may be three.
    ///
    /// # Errors
    /// As of [`Storage`], for the whole upload: it cannot go on after an error.
    pub async fn ready(&mut self) -> Result<()> {
        if self.failed {
            return Err(self.cut_off());
        }
        self.start();
        let Some(behind) = &mut self.behind else { return Ok(()) };
        while self.waiting.has_part() {
            let Ok(room) = behind.steps.reserve().await else {
                let ended = (&mut behind.task).await;
                return Err(self.ended(ended));
            };
            room.send(Step::Part(self.waiting.take_part()));
        }
        Ok(())
    }

    /// Uploads what is left and makes the object visible. Gives its length in bytes.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn finish(mut self) -> Result<u64> {
        self.ready().await?;
        let rest = PutPayload::from_iter(std::mem::take(&mut self.waiting.pieces));
        let Some(behind) = self.behind.take() else {
            let to = self.storage.resolve(&self.path)?;
            return match self.storage.store().put(&to, rest).await {
                Ok(_) => Ok(self.bytes),
                Err(cause) => Err(self.storage.failed(Action::Write, &self.path, cause).into()),
            };
        };
        for step in [Step::Part(rest), Step::Complete] {
            // A task that has ended does not listen; its result says why.
            behind.steps.send(step).await.ok();
        }
        match behind.task.await {
            Ok(Ok(())) => Ok(self.bytes),
            ended => Err(self.ended(ended)),
        }
    }

    /// Starts the task behind once there is a full part and a runtime.
    fn start(&mut self) {
        if self.behind.is_some() || !self.waiting.has_part() {
            return;
        }
        let runtime = self.runtime.take().or_else(|| Handle::try_current().ok());
        self.behind =
            runtime.map(|runtime| Behind::start(self.storage.clone(), self.path.clone(), &runtime));
    }

    /// The error of a task that ended too early.
    fn ended(&mut self, ended: Result<Result<(), StorageError>, JoinError>) -> Error {
        self.failed = true;
        self.behind = None;
        match ended {
            Ok(Err(error)) => error.into(),
            _ => self.cut_off(),
        }
    }

    fn cut_off(&self) -> Error {
        StorageError::CutOff { location: self.location() }.into()
    }
}

impl Waiting {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    /// Whether there is a full part and more: the last part is sent at the end, and is never empty.
    fn has_part(&self) -> bool {
        self.bytes > PART_BYTES
    }

    /// The first full part.
    fn take_part(&mut self) -> PutPayload {
        let mut part = Vec::new();
        let mut missing = PART_BYTES;
        while missing > 0 {
            let Some(mut piece) = self.pieces.pop_front() else { break };
            if piece.len() > missing {
                self.pieces.push_front(piece.split_off(missing));
            }
            missing -= piece.len();
            self.bytes -= piece.len();
            part.push(piece);
        }
        PutPayload::from_iter(part)
    }
}

impl Behind {
    fn start(storage: Storage, path: String, runtime: &Handle) -> Self {
        let (steps, incoming) = mpsc::channel(1);
        let task = runtime.spawn(async move {
            let to = storage.resolve(&path)?;
            let uploaded = upload(&storage, &to, incoming).await;
            uploaded.map_err(|cause| storage.failed(Action::Write, &path, cause))
        });
        Self { steps, task }
    }
}

/// Uploads parts as they come, then completes; aborts when a part fails or the sender goes away.
async fn upload(
    storage: &Storage,
    to: &Path,
    steps: mpsc::Receiver<Step>,
) -> object_store::Result<()> {
    let mut object = storage.store().put_multipart(to).await?;
    let uploaded = upload_parts(&mut *object, steps).await;
    if !matches!(uploaded, Ok(true)) {
        // Best effort: stores forget parts that were never completed, by age.
        object.abort().await.ok();
    }
    uploaded.map(drop)
}

/// Whether the object was completed.
async fn upload_parts(
    object: &mut dyn MultipartUpload,
    mut steps: mpsc::Receiver<Step>,
) -> object_store::Result<bool> {
    let mut running: FuturesUnordered<UploadPart> = FuturesUnordered::new();
    loop {
        let room = running.len() < PARTS_IN_FLIGHT;
        tokio::select! {
            step = steps.recv(), if room => match step {
                Some(Step::Part(part)) => running.push(object.put_part(part)),
                Some(Step::Complete) => break,
                None => return Ok(false),
            },
            Some(part) = running.next(), if !running.is_empty() => part?,
        }
    }
    while let Some(part) = running.next().await {
        part?;
    }
    object.complete().await?;
    Ok(true)
}
