//! A table as a source: whole, at the version that the plan of an epoch names.

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use highwater_core::{
    Decoder, Error, ErrorKind, Limits, Partition, Payload, Planned, Position, Positions, Range,
    RangeId, Result, Source, StreamInfo, rejected_schema,
};
use highwater_parquet::DeclaredRows;

use crate::condition::Condition;
use crate::error::DeltaError;
use crate::kernel::Batches;
use crate::kernel::version::{Wanted, rows};
use crate::log::Log;
use crate::state::TableState;

/// Reads a table at a version, for a stream of records to be joined with.
///
/// A position is the number of the version after the one that was read, with the id of the table.
/// Deletion vectors, column mapping and partitions are read as they are meant.
///
/// # Defaults
/// * the version: the newest, as each epoch finds it
/// * the rows: all
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::datatypes::{DataType, Field, Schema};
/// use highwater_delta::DeltaTable;
///
/// let users = Arc::new(Schema::new(vec![
///     Field::new("user_id", DataType::Int64, true),
///     Field::new("name", DataType::Utf8, true),
/// ]));
/// let users = DeltaTable::at("data/lake/users")?.source(users).fixed();
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeltaSource {
    log: Log,
    columns: SchemaRef,
    condition: Option<Condition>,
    policy: Policy,
}

/// Which version an epoch sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Newest,
    OfFirstEpoch,
    At(u64),
}

impl DeltaSource {
    pub(crate) fn new(log: Log, columns: SchemaRef) -> Self {
        Self { log, columns, condition: None, policy: Policy::Newest }
    }

    /// The same table at the version that the first epoch of the pipeline finds, for ever.
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.policy = Policy::OfFirstEpoch;
        self
    }

    /// The same table at this version, whatever earlier epochs have read.
    #[must_use]
    pub fn at_version(mut self, version: u64) -> Self {
        self.policy = Policy::At(version);
        self
    }

    /// Of the table, the rows of which `condition` holds; of several conditions, all. The columns of it need
    /// not be declared. Files that have no such rows by their statistics or partitions are not read.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    ///
    /// use arrow::datatypes::{DataType, Field, Schema};
    /// use highwater_delta::{Column, DeltaTable};
    ///
    /// let names = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, true)]));
    /// let users = DeltaTable::at("data/lake/users")?.source(names);
    /// let adults = users.filter(Column::new("age").ge(18).and(Column::new("name").is_not_null()));
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition {
            Some(before) => before.and(condition),
            None => condition,
        });
        self
    }

    fn partition(&self) -> Partition {
        Partition::new(self.log.name(), 0)
    }

    /// The position behind the version that the next epoch sees.
    async fn position(&self, from: &Positions, until: Option<&Positions>) -> Result<Position> {
        let partition = self.partition();
        let before = from.get(&partition);
        let until = until.and_then(|until| until.get(&partition));
        let held = match self.policy {
            Policy::Newest => None,
            Policy::OfFirstEpoch => before,
            Policy::At(at) => before.filter(|before| version(before).ok() == Some(at)),
        };
        match (until.or(held), self.policy) {
            (Some(named), _) => self.check(named.clone()).await,
            (None, Policy::At(at)) => {
                let id = self.state(before).await?.metadata.id;
                self.check(position(at, id)?).await
            }
            (None, Policy::Newest | Policy::OfFirstEpoch) => self.newest(before).await,
        }
    }

    /// Refuses a version that the log does not have.
    async fn check(&self, named: Position) -> Result<Position> {
        let version = version(&named)?;
        if self.log.keeps(version).await? {
            return Ok(named);
        }
        let source = self.log.missing(version).into();
        Err(DeltaError::Gone { table: self.log.name().to_owned(), version, source }.into())
    }

    /// The newest version. The log is read only where there is a newer one than that of before.
    async fn newest(&self, before: Option<&Position>) -> Result<Position> {
        if let Some(before) = before {
            let at = version(before)?;
            if self.log.has(at).await? && !self.log.has(at.saturating_add(1)).await? {
                return Ok(before.clone());
            }
        }
        let state = self.state(before).await?;
        position(state.version, state.metadata.id)
    }

    /// The table as it is now, which must be the one of before.
    async fn state(&self, before: Option<&Position>) -> Result<TableState> {
        let table = || self.log.name().to_owned();
        let Some(state) = self.log.newest().await? else {
            return Err(match before {
                Some(_) => DeltaError::Dropped { table: table() }.into(),
                None => DeltaError::Absent { table: table() }.into(),
            });
        };
        let was = before.and_then(|before| before.detail.as_ref());
        match was.filter(|was| **was != state.metadata.id) {
            None => Ok(state),
            Some(was) => {
                let (was, is) = (was.clone(), state.metadata.id);
                Err(DeltaError::Recreated { table: table(), was, is }.into())
            }
        }
    }

    /// Begins to read the rows of a range, as a version has them.
    fn open(self, range: Range) -> Result<Batches> {
        let (version, id) = (version(&range.to)?, range.to.detail);
        let (columns, condition) = (self.columns, self.condition);
        Ok(rows(&self.log, Wanted { version, id, columns, condition }))
    }

    fn payloads(self, range: Range) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let id = range.id;
        let read = move |batches: Batches| {
            stream::try_unfold(batches, move |mut batches| async move {
                Ok(batches.next().await?.map(|rows| ((id, rows.into()), batches)))
            })
        };
        stream::once(async { self.open(range) }).map_ok(read).try_flatten().boxed()
    }
}

/// The position behind a version of the table that has this id.
fn position(version: u64, id: String) -> Result<Position> {
    let next = version.checked_add(1).and_then(|next| i64::try_from(next).ok());
    let next = next.ok_or_else(|| {
        let what = format!("version {version} has no position");
        Error::new(ErrorKind::Invalid, "delta", what).advise("name a version that is there")
    })?;
    Ok(Position { next, detail: Some(id) })
}

/// The version before a position.
fn version(position: &Position) -> Result<u64> {
    let version = position.next.checked_sub(1).and_then(|version| u64::try_from(version).ok());
    version.ok_or_else(|| {
        let what = format!("{} is no position of a table", position.next);
        Error::new(ErrorKind::Internal, "delta", what)
    })
}

#[async_trait]
impl Source for DeltaSource {
    fn describe(&self) -> String {
        let which = match self.policy {
            Policy::Newest => "at its newest version".to_owned(),
            Policy::OfFirstEpoch => "at the version of the first epoch".to_owned(),
            Policy::At(version) => format!("at version {version}"),
        };
        let of = self.condition.as_ref().map(|condition| format!(", where {condition}"));
        format!("delta {} {which}{}", self.log.name(), of.unwrap_or_default())
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
        stream::iter(ranges).flat_map(move |range| source.clone().payloads(range)).boxed()
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        let version = format!("version {} of table {}", version(&range.to)?, self.log.name());
        Ok(Box::new(DeclaredRows::new("delta", version, SchemaRef::clone(&self.columns))))
    }
}
