//! Large objects, written piece by piece.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use futures::stream::BoxStream;
use highwater_core::ErrorKind;
use highwater_storage::Storage;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::both::both;

/// Pieces that all differ, and are longer than their neighbours by a byte.
fn pieces(count: u8, bytes: usize) -> Vec<Bytes> {
    (0..count).map(|piece| vec![piece; bytes + usize::from(piece)].into()).collect()
}

async fn written(storage: &Storage, path: &str, pieces: &[Bytes]) {
    let mut upload = storage.upload(path);
    for piece in pieces {
        upload.push(piece.clone());
        upload.ready().await.unwrap();
        assert_eq!(storage.length(path).await.unwrap(), None, "visible before it is finished");
    }
    let bytes = pieces.concat();
    assert_eq!(upload.bytes(), bytes.len() as u64);
    assert_eq!(upload.finish().await.unwrap(), bytes.len() as u64);
    assert!(storage.read(path).await.unwrap().unwrap() == bytes);
}

#[tokio::test]
async fn an_upload_of_any_size_is_read_back() {
    for (storage, _directory) in both() {
        written(&storage, "d/empty", &[]).await;
        written(&storage, "d/small", &pieces(3, 100)).await;
        written(&storage, "d/one part", &[vec![7; 5 << 20].into()]).await;
        written(&storage, "d/one more", &pieces(6, 1 << 20)).await;
        written(&storage, "d/large", &pieces(21, 1_000_003)).await;
        written(&storage, "d/one piece", &[vec![7; 20 << 20].into()]).await;
        assert_eq!(storage.list("").await.unwrap().len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_at_once() {
    for (storage, _directory) in both() {
        let uploads = (0..4).map(|upload| {
            let storage = storage.clone();
            tokio::spawn(async move {
                let path = format!("part={}/file {upload}", upload % 2);
                written(&storage, &path, &pieces(5, 2 << 20)).await;
            })
        });
        futures::future::try_join_all(uploads).await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    for (storage, directory) in both() {
        for bytes in [100, 8 << 20, 20 << 20] {
            let mut upload = storage.upload("a");
            upload.push(vec![1; bytes].into());
            upload.ready().await.unwrap();
            drop(upload);
        }
        let mut upload = storage.upload("a");
        upload.push(vec![1; 20 << 20].into());
        drop(upload);
        if let Some(directory) = directory {
            // Parts that are being written end first; nobody waits for them but this test.
            let root = directory.path().join("made/at/first write");
            while std::fs::read_dir(&root).unwrap().next().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert_eq!(storage.list("").await.unwrap(), vec![]);
    }
}

#[test]
fn pushes_outside_of_a_runtime_wait_for_one() {
    for (storage, _directory) in both() {
        let mut upload = storage.upload("a");
        let pieces = pieces(9, 1 << 20);
        pieces.iter().for_each(|piece| upload.push(piece.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            upload.ready().await.unwrap();
            upload.finish().await.unwrap();
            assert!(storage.read("a").await.unwrap().unwrap() == pieces.concat());
        });
    }
}

#[tokio::test]
async fn a_part_that_fails_fails_the_upload() {
    let storage = Storage::with_store(Arc::new(FailingParts(InMemory::new())), "memory://faulty");
    let mut upload = storage.upload("a");
    upload.push(vec![1; 20 << 20].into());
    let error = upload.ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("memory://faulty/a"), "{error}");
    upload.push(vec![1; 20 << 20].into());
    assert!(upload.ready().await.is_err());
    assert!(upload.finish().await.is_err());
    let mut upload = storage.upload("a");
    upload.push(vec![1; 20 << 20].into());
    assert_eq!(upload.finish().await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(storage.length("a").await.unwrap(), None);
}

#[test]
fn an_upload_outlived_by_its_runtime_says_so() {
    let storage = Storage::memory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut upload = runtime.block_on(async { storage.upload("a") });
    upload.push(vec![1; 20 << 20].into());
    drop(runtime);
    let error = futures::executor::block_on(upload.finish()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("cut off"), "{error}");
}

/// A store that takes no part of an upload.
#[derive(Debug)]
struct FailingParts(InMemory);

#[derive(Debug)]
struct FailingUpload;

impl fmt::Display for FailingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, _part: PutPayload) -> UploadPart {
        let error = object_store::Error::Generic { store: "faulty", source: "503".into() };
        async { Err(error) }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        panic!("completed without its parts")
    }

    async fn abort(&mut self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for FailingParts {
    async fn put_opts(&self, to: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.0.put_opts(to, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        _to: &Path,
        _how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(FailingUpload))
    }

    async fn get_opts(&self, from: &Path, how: GetOptions) -> Result<GetResult> {
        self.0.get_opts(from, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, how).await
    }
}
