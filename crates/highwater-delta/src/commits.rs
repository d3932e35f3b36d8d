//! Who commits what, and whether the table takes it.

use arrow::datatypes::SchemaRef;
use highwater_core::{Failpoints, Result, Target};

use crate::error::{Cause, DeltaError};
use crate::features;
use crate::marker::{Owner, other_pipeline};
use crate::mode::Mode;
use crate::schema::{self, TableSchema};
use crate::settings::Settings;
use crate::state::TableState;
use crate::target::TableTarget;
use crate::value::makes_partitions;

/// Who commits what.
#[derive(Debug)]
pub(crate) struct Commits {
    pub(crate) owner: Owner,
    pub(crate) input: SchemaRef,
    /// The same as a schema of tables.
    pub(crate) schema: TableSchema,
    pub(crate) mode: Mode,
    pub(crate) failpoints: Failpoints,
}

impl Commits {
    /// Checks that rows can be brought into the table, and says how.
    pub(crate) fn check(&self, table: &str, state: &TableState) -> Result<Target> {
        if let Some(theirs) = other_pipeline(&state.txns, &self.owner.pipeline) {
            return Err(DeltaError::OtherPipeline {
                table: table.to_owned(),
                ours: self.owner.pipeline.to_string(),
                theirs: theirs.to_owned(),
            }
            .into());
        }
        let theirs = schema::parse(table, &state.metadata.schema_string)?;
        features::check(table, &state.protocol, &state.metadata, &theirs)?;
        let properties = &state.metadata.configuration;
        features::check_properties(table, properties, &self.mode)?;
        self.schema.fits(table, &theirs)?;
        let partition = &state.metadata.partition_columns;
        for column in partition {
            let there = self.input.field_with_name(column).ok();
            if there.is_some_and(|field| !makes_partitions(field.data_type())) {
                let (table, column) = (table.to_owned(), column.clone());
                let problem = "its type makes no partitions";
                return Err(DeltaError::Partition { table, column, problem }.into());
            }
        }
        if let Mode::Update(key) = &self.mode {
            features::check_key(table, key, partition)?;
        }
        let Settings { indexed, file_bytes } = Settings::of(table, properties)?;
        let target = TableTarget { partition: partition.clone(), indexed, file_bytes };
        let unwritable =
            |source: Cause| DeltaError::Foreign { what: "target", of: table.to_owned(), source };
        let target = serde_json::to_string(&target).map_err(|cause| unwritable(cause.into()))?;
        Ok(Target(target))
    }
}
