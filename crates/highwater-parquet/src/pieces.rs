//! Encoded bytes on their way into an upload.

use std::io;

use bytes::BytesMut;
use highwater_core::{Error, ErrorKind, Result};
use highwater_storage::Upload;

/// The size of a piece: small beside a part of an upload, large beside a page.
const PIECE_BYTES: usize = 1 << 20;

/// Collects what an encoder writes and hands it to an upload piece by piece, so that nothing is copied
/// twice and no buffer ever grows.
#[derive(Debug)]
pub(crate) struct Pieces {
    piece: BytesMut,
    upload: Option<Upload>,
}

impl Pieces {
    pub(crate) fn new(upload: Upload) -> Self {
        Self { piece: BytesMut::new(), upload: Some(upload) }
    }

    /// The bytes set aside for the next piece.
    pub(crate) fn memory(&self) -> usize {
        self.piece.capacity()
    }

    /// Waits until little enough is on its way.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        match &mut self.upload {
            Some(upload) => upload.ready().await,
            None => Ok(()),
        }
    }

    /// Sends the last piece and waits until the object is durable. Gives its length in bytes.
    pub(crate) async fn finish(&mut self) -> Result<u64> {
        self.send();
        match self.upload.take() {
            Some(upload) => upload.finish().await,
            None => Err(Error::new(ErrorKind::Internal, "parquet", "a file was finished twice")),
        }
    }

    fn send(&mut self) {
        let piece = std::mem::take(&mut self.piece).freeze();
        if let Some(upload) = &mut self.upload {
            upload.push(piece);
        }
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece.reserve(PIECE_BYTES);
        }
        let room = PIECE_BYTES.saturating_sub(self.piece.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        if self.piece.len() >= PIECE_BYTES {
            self.send();
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
