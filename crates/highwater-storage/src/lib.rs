//! Objects in a directory or a bucket whose writes survive a loss of power once they return.
//!
//! One stack of I/O lies below the checkpoint log, staged Parquet files and table metadata:
//! [`Storage`]. It is a thin layer over [`object_store`], with one addition that decides: its local
//! store syncs every file **and** the directory that names it before a write returns. The local
//! store of `object_store` never does, which a killed process does not notice and a lost supply
//! does.
//!
//! * [`Storage::create`] is put-if-absent: of racing creators exactly one wins, and nobody ever sees
//!   half an object.
//! * [`Storage::replace`] is an atomic overwrite.
//! * [`Storage::upload`] writes a large object piece by piece in bounded memory.
//!
//! Local paths follow Unix. Network file systems without atomic hard links are not supported.
#![forbid(unsafe_code)]

mod direct;
mod directories;
mod draft;
mod durable;
mod error;
mod in_place;
mod storage;
mod upload;

pub use error::{Action, StorageError};
pub use storage::{Created, Object, Storage};
pub use upload::Upload;
