//! Objects below a prefix of a store.

use std::io::{self, Read, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
};
use tokio::runtime::Handle;

use super::{Opened, Peek, counts};
use crate::detail::{Found, HEAD, Part};
use crate::error::{FilesError, Version};
use crate::place::Place;

/// So many objects are looked into at once.
const AT_ONCE: usize = 16;

pub(super) async fn list(
    store: &dyn ObjectStore,
    prefix: &Path,
    deep: bool,
) -> object_store::Result<Vec<Found>> {
    let objects = match deep {
        true => store.list(Some(prefix)).try_collect().await?,
        false => store.list_with_delimiter(Some(prefix)).await?.objects,
    };
    Ok(objects.iter().filter_map(|object| found(object, prefix)).collect())
}

fn found(object: &ObjectMeta, prefix: &Path) -> Option<Found> {
    let parts: Vec<_> = object.location.prefix_match(prefix)?.collect();
    let visible = !parts.is_empty() && parts.iter().all(|part| counts(part.as_ref().as_bytes()));
    let path = parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("/");
    visible.then(|| Found { path, version: version(object) })
}

fn version(object: &ObjectMeta) -> Version {
    Version { bytes: object.size, modified: object.last_modified.timestamp_micros() }
}

fn at(prefix: &Path, path: &str) -> Path {
    let below: Vec<_> = path.split('/').collect();
    // A listing gave these parts, already encoded.
    let whole = match prefix.as_ref() {
        "" => below.join("/"),
        prefix => format!("{prefix}/{}", below.join("/")),
    };
    Path::parse(&whole).unwrap_or_else(|_| Path::from(whole))
}

pub(super) async fn peek(
    store: &Arc<dyn ObjectStore>,
    prefix: &Path,
    location: &str,
    files: Vec<Found>,
) -> Result<Vec<(Found, Peek)>, FilesError> {
    let peek = |file: Found| async move {
        let looked = head(store.as_ref(), &at(prefix, &file.path), &file).await;
        let looked = looked.or_else(|cause| match cause {
            Error::NotFound { .. } => Ok(Peek::Other),
            cause @ Error::PermissionDenied { .. } => {
                let path = format!("{location}/{}", file.path);
                Ok(Peek::Closed(FilesError::Closed { path, source: io::Error::other(cause) }))
            }
            cause => {
                Err(FilesError::Store { location: format!("{location}/{}", file.path), cause })
            }
        });
        looked.map(|peek| (file, peek))
    };
    stream::iter(files).map(peek).buffered(AT_ONCE).try_collect().await
}

async fn head(store: &dyn ObjectStore, path: &Path, file: &Found) -> object_store::Result<Peek> {
    let same = |object: &ObjectMeta| version(object) == file.version;
    if file.version.bytes == 0 {
        let object = store.head(path).await?;
        return Ok(if same(&object) { Peek::Head(Vec::new()) } else { Peek::Other });
    }
    let most = u64::try_from(HEAD).unwrap_or(u64::MAX).min(file.version.bytes);
    let range = Some(GetRange::Bounded(0..most));
    let answer = store.get_opts(path, GetOptions { range, ..GetOptions::default() }).await?;
    if !same(&answer.meta) {
        return Ok(Peek::Other);
    }
    Ok(Peek::Head(answer.bytes().await?.into()))
}

pub(super) fn open(
    (store, prefix, location): (&Arc<dyn ObjectStore>, &Path, &str),
    (part, from): (&Part, u64),
    runtime: &Handle,
) -> Result<Opened, FilesError> {
    let place = || Place::Prefix {
        store: Arc::clone(store),
        prefix: prefix.clone(),
        location: location.to_owned(),
    };
    // A whole object is asked for as such: an empty one has no range.
    let range = (from > 0).then_some(GetRange::Offset(from));
    let options = GetOptions { range, ..GetOptions::default() };
    let path = at(prefix, part.path());
    let answer = runtime.block_on(store.get_opts(&path, options)).map_err(|cause| match cause {
        Error::NotFound { .. } => place().gone(part),
        // One that has become shorter has no such byte.
        cause => match (from > 0).then(|| runtime.block_on(store.head(&path))) {
            Some(Ok(now)) if version(&now) != part.version() => {
                place().changed(part, version(&now).to_string())
            }
            _ => FilesError::Store { location: place().name(part.path()), cause },
        },
    })?;
    let found = version(&answer.meta);
    if found != part.version() {
        return Err(place().changed(part, found.to_string()));
    }
    Ok(match answer.payload {
        GetResultPayload::File(mut file, _) => {
            let moved = file.seek(SeekFrom::Start(from));
            moved.map_err(|error| FilesError::of(place().name(part.path()), error))?;
            Opened::File(file)
        }
        GetResultPayload::Stream(stream) => {
            Opened::Remote(Remote { stream, runtime: runtime.clone(), rest: Bytes::new() })
        }
    })
}

/// An object that comes in pieces, read where it may block.
pub(crate) struct Remote {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    runtime: Handle,
    rest: Bytes,
}

impl Read for Remote {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(piece) => self.rest = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let taken = self.rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..taken), self.rest.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.rest.advance(taken);
        Ok(taken)
    }
}
