//! The local object store whose writes are durable.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result, UploadPart,
};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::direct::Buffers;
use crate::directories::Directories;
use crate::draft::{Draft, Publish, Published};

/// A directory as an object store. Reads and listings are those of `object_store`; writes are synced.
///
/// The first read in a directory syncs it too: what a process left there that died before its own
/// sync would otherwise be acted upon, and then vanish.
#[derive(Debug)]
pub(crate) struct DurableFiles {
    root: PathBuf,
    reads: PrefixStore<LocalFileSystem>,
    directories: Arc<Directories>,
    buffers: Arc<Buffers>,
}

impl DurableFiles {
    /// The store of the directory `root`, an absolute path; `prefix` is the same path as of an object.
    pub(crate) fn new(root: PathBuf, prefix: Path) -> Self {
        Self {
            reads: PrefixStore::new(LocalFileSystem::new(), prefix),
            directories: Arc::new(Directories::new(root.clone())),
            buffers: Arc::default(),
            root,
        }
    }

    fn target(&self, path: &Path) -> PathBuf {
        self.root.join(path.as_ref())
    }

    fn refuse(&self, operation: &str) -> Error {
        Error::NotImplemented { operation: operation.into(), implementer: self.to_string() }
    }
}

impl fmt::Display for DurableFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "directory {}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for DurableFiles {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let how = match options.mode {
            PutMode::Create => Publish::Create,
            PutMode::Overwrite => Publish::Replace,
            PutMode::Update(_) => return Err(self.refuse("an update by version")),
        };
        if !options.attributes.is_empty() {
            return Err(self.refuse("a put with attributes"));
        }
        let (target, path) = (self.target(path), path.clone());
        let directories = Arc::clone(&self.directories);
        blocking(move || {
            let draft = Draft::create(&directories, target)?;
            draft.write(0, payload.iter())?;
            match draft.publish(&directories, how)? {
                Published::Done => Ok(PutResult { e_tag: None, version: None }),
                Published::Exists => Err(Error::AlreadyExists {
                    path: path.into(),
                    source: std::io::Error::from(std::io::ErrorKind::AlreadyExists).into(),
                }),
            }
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            return Err(self.refuse("an upload with attributes"));
        }
        let target = self.target(path);
        let directories = Arc::clone(&self.directories);
        let buffers = Arc::clone(&self.buffers);
        blocking(move || {
            let draft = Some(Arc::new(Draft::create(&directories, target)?));
            Ok(Box::new(LocalUpload { draft, directories, buffers, bytes: 0 }) as _)
        })
        .await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let found = self.reads.get_opts(path, options).await?;
        let target = self.target(path);
        let directories = Arc::clone(&self.directories);
        blocking(move || match target.parent() {
            Some(directory) => Ok(directories.settle(directory)?),
            None => Ok(()),
        })
        .await?;
        Ok(found)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.reads.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.reads.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.reads.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let bytes = self.get(from).await?.bytes().await?;
        let mode = match options.mode {
            CopyMode::Create => PutMode::Create,
            CopyMode::Overwrite => PutMode::Overwrite,
        };
        self.put_opts(to, bytes.into(), mode.into()).await?;
        Ok(())
    }
}

/// An object that is written in parts into a draft.
#[derive(Debug)]
struct LocalUpload {
    draft: Option<Arc<Draft>>,
    directories: Arc<Directories>,
    buffers: Arc<Buffers>,
    bytes: u64,
}

impl LocalUpload {
    fn ended() -> Error {
        Error::Generic { store: "local", source: "the upload has ended".into() }
    }
}

#[async_trait]
impl MultipartUpload for LocalUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let offset = self.bytes;
        self.bytes += part.content_length() as u64;
        let (draft, buffers) = (self.draft.clone(), Arc::clone(&self.buffers));
        blocking(move || {
            let draft = draft.ok_or_else(Self::ended)?;
            Ok(draft.write_part(offset, part.as_ref(), &buffers)?)
        })
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let draft = self.draft.take().ok_or_else(Self::ended)?;
        let directories = Arc::clone(&self.directories);
        blocking(move || {
            draft.publish(&directories, Publish::Replace)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.draft.take();
        Ok(())
    }
}

/// Runs `work` where it may block; in place when there is no runtime whose other tasks would wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match Handle::try_current() {
        Ok(_) => spawn_blocking(work).await?,
        Err(_) => work(),
    }
}
