//! The one place that knows the types of the `iceberg` crate: schema, metadata, manifests.

mod bounds;
mod columns;
mod data_file;
mod expiry;
mod manifest;
mod manifests;
mod metadata;
mod order;
mod partition;
mod schema;
mod snapshot;
mod transform;

pub(crate) use data_file::StagedDetail;
pub(crate) use expiry::ExpiryRule;
pub(crate) use manifests::{FoundFile, Manifests};
pub(crate) use metadata::{Next, TableState, is_reserved};
pub(crate) use order::{sort_order, sort_target};
pub(crate) use partition::{partition_spec, partition_targets};
pub(crate) use schema::table_schema;
pub(crate) use snapshot::{Attempt, Base, Prepared};
pub(crate) use transform::{Transformation, value_at};
