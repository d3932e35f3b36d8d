//! A table as a source: whole, at the snapshot that the plan of an epoch names.

mod version;

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use highwater_core::{
    Decoder, Limits, Partition, Payload, Planned, Position, Positions, Range, RangeId, Result,
    Source, StreamInfo, rejected_schema,
};
use highwater_parquet::{DeclaredRows, reads_as};

use crate::catalog::TableName;
use crate::error::{ColumnDifference, IcebergError};
use crate::format::{Manifests, TableState};
use crate::pointer::Pointer;
use crate::reading::{Wanted, rows};
use version::Version;

/// Reads a table at a snapshot, for a stream of records to be joined with.
///
/// A position is the sequence number after that of the snapshot, with the ids of table, snapshot and
/// schema. Columns are found by their field ids, and partitions are as files have them. A table with
/// deletes is refused.
///
/// # Defaults
/// * the snapshot: the current one, as each epoch finds it
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::datatypes::{DataType, Field, Schema};
/// use highwater_iceberg::FileCatalog;
///
/// let users = Arc::new(Schema::new(vec![
///     Field::new("user_id", DataType::Int64, true),
///     Field::new("name", DataType::Utf8, true),
/// ]));
/// let users = FileCatalog::open("data/warehouse")?.table("demo.users").source(users).fixed();
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IcebergSource {
    table: TableName,
    columns: SchemaRef,
    policy: Policy,
}

/// Which snapshot an epoch sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Newest,
    OfFirstEpoch,
    At(i64),
}

impl IcebergSource {
    pub(crate) fn new(table: TableName, columns: SchemaRef) -> Self {
        Self { table, columns, policy: Policy::Newest }
    }

    /// The same table at the snapshot that the first epoch of the pipeline finds, for ever.
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.policy = Policy::OfFirstEpoch;
        self
    }

    /// The same table at the snapshot of this id, whatever earlier epochs have read.
    #[must_use]
    pub fn at_snapshot(mut self, id: i64) -> Self {
        self.policy = Policy::At(id);
        self
    }

    fn partition(&self) -> Partition {
        Partition::new(self.table.name(), 0)
    }

    /// The table as it is now. Whoever has read it `before` finds it gone if it is not there.
    async fn state(&self, before: bool) -> Result<(Pointer, TableState)> {
        let pointer = self.table.pointer()?;
        let Some(found) = pointer.current(None).await? else {
            let (table, location) = (pointer.name().to_owned(), pointer.place());
            return Err(match before {
                true => IcebergError::Dropped { table, location }.into(),
                false => IcebergError::Absent { table, location }.into(),
            });
        };
        let state = TableState::parse(pointer.name(), &found.location, &found.bytes)?;
        Ok((pointer, state))
    }

    /// The position behind the version that the next epoch sees.
    async fn position(&self, from: &Positions, until: Option<&Positions>) -> Result<Position> {
        let partition = self.partition();
        let read = |of: &Positions| of.get(&partition).map(Version::read).transpose();
        let (before, until) = (read(from)?, until.map(read).transpose()?.flatten());
        let (_, state) = self.state(before.is_some() || until.is_some()).await?;
        if let Some(before) = &before {
            before.check_table(&state)?;
        }
        let held = match self.policy {
            Policy::Newest => None,
            Policy::OfFirstEpoch => before,
            Policy::At(id) => before.filter(|before| before.snapshot == Some(id)),
        };
        let named = match (until.or(held), self.policy) {
            (Some(named), _) => named,
            (None, Policy::At(id)) => Version::of(&state, id)?,
            (None, Policy::Newest | Policy::OfFirstEpoch) => Version::newest(&state),
        };
        named.position(&state)
    }

    /// The rows of a range, as a version has them.
    async fn rows(self, range: Range) -> Result<BoxStream<'static, Item>> {
        let version = Version::read(&range.to)?;
        let (pointer, state) = self.state(true).await?;
        let schema = version.schema(&state)?;
        let wanted = Wanted {
            schema: self.selected(&version, &state, &schema)?,
            identities: state.identities(),
        };
        let Some(list) = version.manifest_list(&state)? else { return Ok(stream::empty().boxed()) };
        let files = pointer.files(&state)?;
        let manifests = Manifests::at(&files, &state, list).await?;
        let found = manifests.data_files(&files, &state).await?;
        let rows = rows(&files, found, wanted);
        Ok(rows.map_ok(move |rows| (range.id, rows.into())).boxed())
    }

    /// The declared columns, as the table has them.
    fn selected(
        &self,
        version: &Version,
        state: &TableState,
        theirs: &Schema,
    ) -> Result<SchemaRef, IcebergError> {
        let mut differences = Vec::new();
        let mut fields: Vec<FieldRef> = Vec::new();
        for field in self.columns.fields() {
            let (column, ours) = (field.name().clone(), field.data_type().to_string());
            match theirs.fields().find(field.name()) {
                Some((_, there)) if reads_as(there.data_type(), field.data_type()) => {
                    fields.push(FieldRef::clone(there));
                }
                Some((_, there)) => {
                    let theirs = there.data_type().to_string();
                    differences.push(ColumnDifference::Type { column, ours, theirs });
                }
                None => differences.push(ColumnDifference::Missing { column, ours }),
            }
        }
        if differences.is_empty() {
            return Ok(Arc::new(Schema::new(fields)));
        }
        let (table, of) = (state.table().to_owned(), version.to_string());
        Err(IcebergError::Declared { table, of, differences })
    }
}

type Item = Result<(RangeId, Payload)>;

#[async_trait]
impl Source for IcebergSource {
    fn describe(&self) -> String {
        let which = match self.policy {
            Policy::Newest => "at its current snapshot".to_owned(),
            Policy::OfFirstEpoch => "at the snapshot of the first epoch".to_owned(),
            Policy::At(id) => format!("at snapshot {id}"),
        };
        format!("iceberg {} {which}", self.table)
    }

    fn output(&self) -> StreamInfo {
        StreamInfo::new(SchemaRef::clone(&self.columns))
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    fn is_versioned(&self) -> bool {
        true
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        _limits: &Limits,
    ) -> Result<Planned> {
        Ok(Planned::version(self.partition(), self.position(from, until).await?))
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        let to = self.position(from, None).await?;
        Ok([(self.partition(), to)].into_iter().collect())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let source = self.clone();
        stream::iter(ranges).then(move |range| source.clone().rows(range)).try_flatten().boxed()
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        let version = format!("{} of table {}", Version::read(&range.to)?, self.table.name());
        Ok(Box::new(DeclaredRows::new("iceberg", version, SchemaRef::clone(&self.columns))))
    }
}
