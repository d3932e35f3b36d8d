//! An object store that fails as networks do: before the request is applied, after, late, or slowly.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A whole object is written.
    Put,
    /// An object or its length is read.
    Get,
    /// Objects are listed.
    List,
    /// An object is deleted.
    Delete,
    /// An object is copied.
    Copy,
    /// An object is renamed.
    Rename,
    /// A multipart upload begins.
    Begin,
    /// A part of it is written.
    Part,
    /// It is completed, and the object becomes visible.
    Complete,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing was applied.
    Reject,
    /// An error, although the request was applied.
    ApplyThenFail,
    /// No answer until [`FaultyStore::release`], which applies it: late, when the caller has given
    /// up by then.
    Hold,
    /// The answer comes after a while.
    Slow(Duration),
    /// A list lacks its last object but one, as that of a local directory may to which objects are being
    /// added. Other requests go well.
    Overlook,
}

/// An object store over another one, with faults by a script.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
/// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
///
/// # futures::executor::block_on(async {
/// let store = FaultyStore::new(Arc::new(InMemory::new()));
/// store.inject(Operation::Put, "prepared/", 0, Fault::ApplyThenFail);
/// let path = Path::from("log/prepared/7");
/// assert!(store.put(&path, "record".into()).await.is_err());
/// assert!(store.head(&path).await.is_ok()); // it is there all the same
/// store.assert_fired();
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStore {
    target: Arc<dyn ObjectStore>,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    lines: Vec<Line>,
    held: Vec<BoxFuture<'static, ()>>,
    requests: u64,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("lines", &self.lines)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Line {
    operation: Operation,
    within: String,
    /// Matching requests to let through first.
    skip: usize,
    fault: Fault,
    fired: bool,
}

impl FaultyStore {
    /// A store over `target` that does nothing wrong yet.
    pub fn new(target: Arc<dyn ObjectStore>) -> Self {
        Self { target, script: Arc::default() }
    }

    /// Makes the `nth` request from now on (counted from 0) of this kind, to a path with `within` in it,
    /// go wrong, once.
    pub fn inject(&self, operation: Operation, within: &str, nth: usize, fault: Fault) {
        let line = Line { operation, within: within.to_owned(), skip: nth, fault, fired: false };
        self.script().lines.push(line);
    }

    /// Applies every request that is held, in their order, whether or not somebody still waits.
    pub async fn release(&self) {
        let held = std::mem::take(&mut self.script().held);
        for request in held {
            request.await;
        }
    }

    /// How many requests are held.
    pub fn held(&self) -> usize {
        self.script().held.len()
    }

    /// How many faults have happened.
    pub fn fired(&self) -> usize {
        self.script().lines.iter().filter(|line| line.fired).count()
    }

    /// How many requests were made, of any kind.
    pub fn requests(&self) -> u64 {
        self.script().requests
    }

    /// Checks that every fault has happened.
    ///
    /// # Panics
    /// When one did not.
    pub fn assert_fired(&self) {
        let script = self.script();
        let idle: Vec<_> = script.lines.iter().filter(|line| !line.fired).collect();
        assert!(idle.is_empty(), "never requested, so never failed: {idle:?}");
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, operation: Operation, path: &str) -> Option<Fault> {
        let mut script = self.script();
        script.requests += 1;
        let matches = |line: &&mut Line| {
            !line.fired && line.operation == operation && path.contains(&line.within)
        };
        let mut fault = None;
        for line in script.lines.iter_mut().filter(matches) {
            if line.skip > 0 {
                line.skip -= 1;
            } else if fault.is_none() {
                line.fired = true;
                fault = Some(line.fault);
            }
        }
        fault
    }

    async fn run<T: Send + 'static>(
        self,
        operation: Operation,
        path: String,
        request: BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let fault = self.fault(operation, &path);
        self.under(fault, operation, path, request).await
    }

    async fn listing(
        self,
        path: String,
        objects: BoxFuture<'static, Result<Vec<ObjectMeta>>>,
    ) -> Result<Vec<ObjectMeta>> {
        let fault = self.fault(Operation::List, &path);
        let mut objects = self.under(fault, Operation::List, path, objects).await?;
        if let (Some(Fault::Overlook), Some(last_but_one)) = (fault, objects.len().checked_sub(2)) {
            objects.remove(last_but_one);
        }
        Ok(objects)
    }

    /// Makes the request, with what goes wrong with it.
    async fn under<T: Send + 'static>(
        self,
        fault: Option<Fault>,
        operation: Operation,
        path: String,
        request: BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        match fault {
            None | Some(Fault::Overlook) => request.await,
            Some(Fault::Reject) => Err(injected(operation, path)),
            Some(Fault::ApplyThenFail) => {
                request.await?;
                Err(injected(operation, path))
            }
            Some(Fault::Slow(pause)) => {
                tokio::time::sleep(pause).await;
                request.await
            }
            Some(Fault::Hold) => {
                let (answer, waiting) = oneshot::channel();
                // Nobody may be waiting any more: then the answer goes nowhere, as on a network.
                let late = request.map(|result| drop(answer.send(result)));
                self.script().held.push(late.boxed());
                waiting.await.unwrap_or_else(|_| Err(injected(operation, path)))
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a test made {operation:?} of {path} fail")]
struct Injected {
    operation: Operation,
    path: String,
}

fn injected(operation: Operation, path: String) -> Error {
    Error::Generic { store: "faulty", source: Injected { operation, path }.into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.target)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (target, path) = (Arc::clone(&self.target), location.clone());
        let request = async move { target.put_opts(&path, payload, options).await };
        self.clone().run(Operation::Put, location.to_string(), request.boxed()).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (target, path) = (Arc::clone(&self.target), location.clone());
        let request = async move { target.put_multipart_opts(&path, options).await };
        let path = location.to_string();
        let upload = self.clone().run(Operation::Begin, path.clone(), request.boxed()).await?;
        Ok(Box::new(FaultyUpload { store: self.clone(), path, upload: Some(upload) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (target, path) = (Arc::clone(&self.target), location.clone());
        let request = async move { target.get_opts(&path, options).await };
        self.clone().run(Operation::Get, location.to_string(), request.boxed()).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (target, path, ranges) = (Arc::clone(&self.target), location.clone(), ranges.to_vec());
        let request = async move { target.get_ranges(&path, &ranges).await };
        self.clone().run(Operation::Get, location.to_string(), request.boxed()).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let path = location.to_string();
                let one = stream::iter([Ok(location.clone())]).boxed();
                let mut deleted = store.target.delete_stream(one);
                let request = async move { deleted.try_next().await };
                store.run(Operation::Delete, path, request.boxed()).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let objects = self.target.list(prefix).try_collect::<Vec<_>>();
        let path = prefix.map(ToString::to_string).unwrap_or_default();
        let all = self.clone().listing(path, objects.boxed());
        stream::once(all).map_ok(|all| stream::iter(all).map(Ok)).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let objects = self.target.list_with_offset(prefix, offset).try_collect::<Vec<_>>();
        let path = prefix.map(ToString::to_string).unwrap_or_default();
        let all = self.clone().listing(path, objects.boxed());
        stream::once(all).map_ok(|all| stream::iter(all).map(Ok)).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (target, prefix) = (Arc::clone(&self.target), prefix.cloned());
        let path = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
        let request = async move { target.list_with_delimiter(prefix.as_ref()).await };
        self.clone().run(Operation::List, path, request.boxed()).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (target, from, path) = (Arc::clone(&self.target), from.clone(), to.clone());
        let request = async move { target.copy_opts(&from, &path, options).await };
        self.clone().run(Operation::Copy, to.to_string(), request.boxed()).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (target, from, path) = (Arc::clone(&self.target), from.clone(), to.clone());
        let request = async move { target.rename_opts(&from, &path, options).await };
        self.clone().run(Operation::Rename, to.to_string(), request.boxed()).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    store: FaultyStore,
    path: String,
    /// Gone once it was completed.
    upload: Option<Box<dyn MultipartUpload>>,
}

impl FaultyUpload {
    fn ended(&self) -> Error {
        injected(Operation::Complete, self.path.clone())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let Some(upload) = &mut self.upload else {
            return futures::future::ready(Err(self.ended())).boxed();
        };
        let part = upload.put_part(data);
        self.store.clone().run(Operation::Part, self.path.clone(), part).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut upload = self.upload.take().ok_or_else(|| self.ended())?;
        let request = async move { upload.complete().await };
        self.store.clone().run(Operation::Complete, self.path.clone(), request.boxed()).await
    }

    async fn abort(&mut self) -> Result<()> {
        match self.upload.take() {
            Some(mut upload) => upload.abort().await,
            None => Err(self.ended()),
        }
    }
}
