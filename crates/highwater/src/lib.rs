//! highwater: streaming pipelines into Iceberg tables, exactly once, inside your own Rust service.
//!
//! Each crate of the workspace is one module here; each connector, and the threads, are a feature. The README of the
//! repository begins with a whole pipeline.
#![forbid(unsafe_code)]

#[cfg(feature = "datagen")]
pub use highwater_datagen as datagen;
#[cfg(feature = "delta")]
pub use highwater_delta as delta;
#[cfg(feature = "files")]
pub use highwater_files as files;
#[cfg(feature = "iceberg")]
pub use highwater_iceberg as iceberg;
#[cfg(feature = "kafka")]
pub use highwater_kafka as kafka;
#[cfg(feature = "registry")]
pub use highwater_registry as registry;
#[cfg(feature = "select")]
pub use highwater_select as select;
#[cfg(feature = "timely")]
pub use highwater_timely as timely;
pub use {
    highwater_checkpoint as checkpoint, highwater_codec as codec, highwater_core as core,
    highwater_dedupe as dedupe, highwater_join as join, highwater_pipeline as pipeline,
    highwater_storage as storage, highwater_window as window,
};

/// The arrow of every signature.
pub use highwater_core::arrow;

/// The README, so that its code compiles.
#[doc = include_str!("../../../README.md")]
#[cfg(all(doctest, feature = "iceberg", feature = "kafka"))]
pub struct ReadmeExample;
