//! Joins a stream with a table by equal keys: each row of the stream with the rows that the table has
//! in the version of the epoch.
//!
//! # Contract
//! Two inputs: a stream, and a table that is read [at a version](highwater_core::Source::is_versioned).
//! Both have the columns of the key, with the same types. A row of the stream meets each row of the
//! table with its key; a null in a key is equal to nothing. *Inner* gives a row for each meeting; *left*
//! does, and gives rows that meet none with nulls for the table's columns; *semi* gives the rows of the
//! stream that meet any, once each; *anti* gives those that meet none. The output has the columns of
//! the key, then the stream's others, then, of inner and left, the table's others. The order of rows is
//! that of the stream, in which those that one row became stand together.
//!
//! # Time
//! Event time is that of the stream, whose column stays. Nothing is late, and nothing is held back. Rows
//! keep their origin, and their offsets where no row of a batch met two.
//!
//! # State
//! None that is saved. Each worker holds the rows of the table whose keys are its own, until a plan names
//! another version.
//!
//! # Recovery
//! The plan of an epoch names the version. A new instance is given all of that version before the
//! first row of the stream, so an epoch that runs again joins the same rows.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//!
//! use highwater_core::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use highwater_core::{
//!     Context, Epoch, Moment, OperatorSpec, Port, StreamInfo, Timestamp, Watermarks,
//! };
//! use highwater_join::StaticJoin;
//!
//! let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
//! let names: ArrayRef = Arc::new(StringArray::from(vec!["Ada", "Bo"]));
//! let users = RecordBatch::try_from_iter([("user_id", Arc::clone(&ids)), ("name", names)])?;
//! let of: ArrayRef = Arc::new(Int64Array::from(vec![8, 9, 7]));
//! let clicks = RecordBatch::try_from_iter([("user_id", of)])?;
//!
//! let join = StaticJoin::inner(["user_id"]);
//! let inputs = [StreamInfo::new(clicks.schema()), StreamInfo::new(users.schema())];
//! let mut operator = join.resolve(&inputs)?.build()?;
//!
//! let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
//! let (mut emitted, mut told) = (Vec::new(), Default::default());
//! let mut cx = Context::new(moment, 0, &mut emitted, &mut told);
//! operator.on_epoch_start(&mut cx)?;
//! let _ = operator.on_batch(Port(1), users.into(), &mut cx)?;
//! let _ = operator.on_batch(Port(0), clicks.into(), &mut cx)?;
//!
//! let names: ArrayRef = Arc::new(StringArray::from(vec!["Bo", "Ada"]));
//! assert_eq!(emitted[0].1.rows.column(1), &names);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Source
//! Spark 4.1, `stream.join(table, "user_id", how)`: the same rows and columns, nulls in keys included.

use arrow::array::{BooleanArray, UInt32Array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use highwater_core::{
    Batch, Context, Description, Flow, Operator, OperatorSpec, Port, Resolved, Result, Routing,
    StreamInfo,
};

use crate::JoinError;
use crate::columns::{Columns, Others};
use crate::key::Keying;
use crate::table::{NONE, Table};

/// A step that joins a stream, its first input, with a table, its second.
///
/// # Defaults
/// * `suffix`: none; columns that both have beside the key are refused
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticJoin {
    kind: Kind,
    keys: Vec<String>,
    suffix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Inner,
    Left,
    Semi,
    Anti,
}

impl StaticJoin {
    /// Rows of the stream with each row of the table that has equal values in these columns.
    pub fn inner(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Kind::Inner, keys)
    }

    /// The same, and the other rows of the stream with nulls for the columns of the table.
    pub fn left(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Kind::Left, keys)
    }

    /// Rows of the stream for which the table has any.
    pub fn semi(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Kind::Semi, keys)
    }

    /// Rows of the stream for which the table has none.
    pub fn anti(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Kind::Anti, keys)
    }

    fn new(kind: Kind, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { kind, keys: keys.into_iter().map(Into::into).collect(), suffix: None }
    }

    /// An ending for the names of those columns of the table that the stream has too, such as
    /// `_of_user`.
    #[must_use]
    pub fn suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = Some(suffix.into());
        self
    }

    /// How keys of one input are told apart.
    fn keying(&self, side: &'static str, schema: &Schema) -> Result<Keying, JoinError> {
        let keys = self.keys.clone();
        Keying::try_new(schema, &self.keys).map_err(|source| JoinError::Key { side, keys, source })
    }

    /// Checks that both have the columns of the key, and of the same types.
    fn check(&self, stream: &Schema, table: &Schema) -> Result<(), JoinError> {
        self.keying("stream", stream)?;
        self.keying("table", table)?;
        for column in &self.keys {
            let types = [stream, table]
                .map(|schema| schema.field_with_name(column).map(Field::data_type).cloned());
            let [Ok(stream), Ok(table)] = types else { return Err(JoinError::Columns) };
            if stream != table {
                return Err(JoinError::Type { column: column.clone(), stream, table });
            }
        }
        Ok(())
    }

    fn others(&self) -> Others {
        match self.kind {
            Kind::Inner => Others::Taken,
            Kind::Left => Others::Nullable,
            Kind::Semi | Kind::Anti => Others::Left,
        }
    }
}

impl OperatorSpec for StaticJoin {
    fn describe(&self) -> Description {
        let kind = match self.kind {
            Kind::Inner => "inner",
            Kind::Left => "left",
            Kind::Semi => "semi",
            Kind::Anti => "anti",
        };
        let mut settings = format!("{kind} by {}", self.keys.join(", "));
        settings.extend(self.suffix.iter().map(|suffix| format!(", columns with {suffix}")));
        Description { kind: "static-join", settings, version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [stream, table] = inputs else {
            return Err(JoinError::Inputs { found: inputs.len() }.into());
        };
        self.check(&stream.schema, &table.schema)?;
        let both = (&*stream.schema, &*table.schema);
        let columns = Columns::try_new(both, &self.keys, self.others(), self.suffix.as_deref())?;
        let output = stream.with_columns(SchemaRef::clone(columns.schema()));
        let (join, stream, table) =
            (self.clone(), SchemaRef::clone(&stream.schema), SchemaRef::clone(&table.schema));
        let build = move || -> Result<Box<dyn Operator>> {
            let keying = join.keying("table", &table)?;
            Ok(Box::new(Joining {
                kind: join.kind,
                keying: join.keying("stream", &stream)?,
                table: Table::new(keying, &table, columns.of_table().to_vec())?,
                columns: columns.clone(),
                meeting: None,
            }))
        };
        Ok(Resolved::new(output, build)
            .with_routing(Routing::ByKey(self.keys.clone()))
            .with_table(TABLE))
    }
}

const TABLE: Port = Port(1);

/// The most rows of a batch that is emitted.
const ROWS: usize = 8_192;

/// One instance: the rows of the table, and what is left of the last batch of the stream.
struct Joining {
    kind: Kind,
    keying: Keying,
    table: Table,
    columns: Columns,
    meeting: Option<Meeting>,
}

impl Operator for Joining {
    fn on_epoch_start(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if cx.is_renewed(TABLE) {
            self.table.clear();
        }
        Ok(())
    }

    fn on_batch(&mut self, port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        if port == TABLE {
            self.table.add(&batch.rows)?;
            return Ok(Flow::Done);
        }
        let found = self.table.find(&self.keying.keys(&batch.rows)?)?;
        match self.kind {
            Kind::Semi | Kind::Anti => {
                let wanted = self.kind == Kind::Semi;
                let keep = found.iter().map(|row| Some((*row != NONE) == wanted));
                let kept =
                    batch.filter(&keep.collect::<BooleanArray>()).map_err(JoinError::from)?;
                let rows = self.columns.join(&kept.rows, self.table.columns()?, &[])?;
                cx.emit(kept.with_columns(rows));
                Ok(Flow::Done)
            }
            Kind::Inner | Kind::Left => {
                self.meeting = Some(Meeting::new(batch, found, &self.table)?);
                self.more(cx)
            }
        }
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let Some(meeting) = &mut self.meeting else { return Ok(Flow::Done) };
        let (of_stream, of_table) = meeting.next(&self.table, self.kind == Kind::Left);
        let batch = meeting.take(of_stream)?;
        let rows = self.columns.join(&batch.rows, self.table.columns()?, &of_table)?;
        cx.emit(batch.with_columns(rows));
        if meeting.is_over() {
            self.meeting = None;
            return Ok(Flow::Done);
        }
        Ok(Flow::More)
    }
}

/// A batch of the stream, with how far its rows have met those of the table.
struct Meeting {
    batch: Batch,
    /// For each row the last one of its key in the table.
    found: Vec<u32>,
    /// The row that is next, and the one of the table that it meets next if it is not its first.
    row: u32,
    again: u32,
    /// Whether some row meets two.
    doubles: bool,
}

impl Meeting {
    fn new(batch: Batch, found: Vec<u32>, table: &Table) -> Result<Self, JoinError> {
        u32::try_from(batch.len()).map_err(|_large| JoinError::Rows)?;
        let doubles = found.iter().any(|row| *row != NONE && table.next(*row) != NONE);
        Ok(Self { batch, found, row: 0, again: NONE, doubles })
    }

    fn is_over(&self) -> bool {
        self.found.len() <= self.row as usize
    }

    /// The next pairs of rows, as many as a batch may have.
    fn next(&mut self, table: &Table, outer: bool) -> (Vec<u32>, Vec<u32>) {
        let room = ROWS.min(self.found.len());
        let (mut of_stream, mut of_table) = (Vec::with_capacity(room), Vec::with_capacity(room));
        while of_stream.len() < ROWS {
            let Some(first) = self.found.get(self.row as usize) else { break };
            let met = if self.again == NONE { *first } else { self.again };
            if met != NONE || outer {
                of_stream.push(self.row);
                of_table.push(met);
            }
            self.again = if met == NONE { NONE } else { table.next(met) };
            if self.again == NONE {
                self.row += 1;
            }
        }
        (of_stream, of_table)
    }

    /// These rows of the batch, which have offsets only where each is one of another record.
    fn take(&self, rows: Vec<u32>) -> Result<Batch, JoinError> {
        let all = !self.doubles && rows.len() == self.batch.len();
        let taken =
            if all { self.batch.clone() } else { self.batch.take(&UInt32Array::from(rows))? };
        let offsets = taken.offsets.filter(|_| !self.doubles);
        Ok(Batch { offsets, ..taken })
    }
}

#[cfg(test)]
mod tests;
