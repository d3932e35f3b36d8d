//! What of a table an epoch sees: a snapshot, and the schema that it is read by.

use std::fmt;

use arrow::datatypes::Schema;
use highwater_core::{Error, ErrorKind, Position, Result};
use serde::{Deserialize, Serialize};

use crate::error::IcebergError;
use crate::format::TableState;

/// A version of a table, as the detail of a position. A table may get other columns without another
/// snapshot, so both are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// The id of the table.
    table: String,
    /// None before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) snapshot: Option<i64>,
    schema: i32,
}

impl Version {
    /// The current snapshot, by the schema of today.
    pub(super) fn newest(state: &TableState) -> Self {
        let snapshot = state.head().map(|head| head.snapshot_id());
        Self { table: state.uuid(), snapshot, schema: state.schema_id() }
    }

    /// A snapshot by its id, by the schema of its time.
    ///
    /// # Errors
    /// [`IcebergError::Gone`].
    pub(super) fn of(state: &TableState, id: i64) -> Result<Self, IcebergError> {
        let found = state.snapshot(id).ok_or_else(|| gone(state, snapshot(id)))?;
        let schema = found.schema_id().unwrap_or(state.schema_id());
        Ok(Self { table: state.uuid(), snapshot: Some(id), schema })
    }

    /// The version behind which a position is.
    ///
    /// # Errors
    /// `Internal` when it is none of this source.
    pub(super) fn read(position: &Position) -> Result<Self> {
        let detail = position.detail.as_deref().unwrap_or_default();
        serde_json::from_str(detail).map_err(|_other| {
            let what = format!("{detail:?} is no position of a table");
            Error::new(ErrorKind::Internal, "iceberg", what)
        })
    }

    /// The position behind it.
    ///
    /// # Errors
    /// When the table is another one, or does not have it any more.
    pub(super) fn position(&self, state: &TableState) -> Result<Position> {
        self.schema(state)?;
        let sequence = match self.snapshot {
            None => 0,
            Some(id) => sequence_and_list(state, id)?.0,
        };
        let detail = serde_json::to_string(self).map_err(|cause| state.unmade(cause.into()))?;
        Ok(Position { next: sequence.saturating_add(1), detail: Some(detail) })
    }

    /// The columns that it is read by.
    ///
    /// # Errors
    /// As of [`position`](Self::position).
    pub(super) fn schema(&self, state: &TableState) -> Result<Schema, IcebergError> {
        self.check_table(state)?;
        let found = state.read_schema_by_id(self.schema)?;
        found.ok_or_else(|| gone(state, format!("schema {}", self.schema)))
    }

    /// Where its manifests are listed; nowhere before the first snapshot.
    ///
    /// # Errors
    /// As of [`position`](Self::position).
    pub(super) fn manifest_list<'a>(
        &self,
        state: &'a TableState,
    ) -> Result<Option<&'a str>, IcebergError> {
        match self.snapshot {
            None => Ok(None),
            Some(id) => sequence_and_list(state, id).map(|found| Some(found.1)),
        }
    }

    /// Refuses another table than its own.
    pub(super) fn check_table(&self, state: &TableState) -> Result<(), IcebergError> {
        let (was, is) = (self.table.clone(), state.uuid());
        match was == is {
            true => Ok(()),
            false => Err(IcebergError::Recreated { table: state.table().to_owned(), was, is }),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.snapshot {
            Some(id) => f.write_str(&snapshot(id)),
            None => f.write_str("the beginning"),
        }
    }
}

fn sequence_and_list(state: &TableState, id: i64) -> Result<(i64, &str), IcebergError> {
    let found = state.snapshot(id).ok_or_else(|| gone(state, snapshot(id)))?;
    Ok((found.sequence_number(), found.manifest_list()))
}

fn snapshot(id: i64) -> String {
    format!("snapshot {id}")
}

fn gone(state: &TableState, what: String) -> IcebergError {
    IcebergError::Gone { table: state.table().to_owned(), what }
}
