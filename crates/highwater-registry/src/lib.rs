//! The schemas of Avro records, from a schema registry that speaks Confluent's API.
//!
//! [`Registry`] is the [`Schemas`](highwater_codec::Schemas) of [`Avro`](highwater_codec::Avro): it asks
//! for a schema when the first record names it, with all that the schema refers to, and never again. What
//! it was told is kept in a folder beside the checkpoint. So an epoch that is run again after a restart
//! decodes its records by the same schemas, whether the registry is still there or not, and whatever it
//! says by then: an id that was unknown stays unknown.
//!
//! A thread named `highwater-registry` does the asking, with a tokio runtime of its own. So a worker may
//! wait for an answer wherever it runs.
//!
//! # Example
//! ```no_run
//! use std::sync::Arc;
//!
//! use highwater_codec::{Avro, Columns, Type};
//! use highwater_core::Secret;
//! use highwater_registry::{Registry, RegistryOptions};
//! use highwater_storage::Storage;
//!
//! let options = RegistryOptions::new("https://registry-1:8081,https://registry-2:8081")
//!     .basic("reader", Secret::new("password".to_owned()))
//!     .keep_in(Storage::open("data/checkpoint/orders")?.at("schemas"));
//! let registry = Registry::try_new(options)?;
//! let orders = Columns::new().required("id", Type::Long);
//! let avro = Avro::columns(&orders, Arc::new(registry))?;
//! # Ok::<(), highwater_core::Error>(())
//! ```
#![forbid(unsafe_code)]

mod answer;
mod client;
mod error;
mod kept;
mod options;
mod registry;
mod thread;
mod tls;

pub use error::RegistryError;
pub use options::RegistryOptions;
pub use registry::Registry;
