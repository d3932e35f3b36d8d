//! The columns of a record as a tree of keys, each with what it feeds.

mod compiled;
mod together;

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StructArray};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::order::Order;
use super::record::{Row, StructSeed};
use super::text::Token;
use super::values::Cells;
use crate::columns::join;
use crate::reason::excerpt;
use crate::{Columns, Fault, Problem, Type};
use compiled::passed_over;

/// The columns that one level of objects feeds.
#[derive(Debug)]
pub(super) struct Object {
    depth: usize,
    members: Vec<Member>,
    order: Order,
    /// Counts objects, so that members know in which one they were seen.
    serial: u64,
    seen: usize,
}

/// What one key feeds.
#[derive(Debug)]
struct Member {
    key: Arc<str>,
    feeds: Feeds,
    /// The object in which it was seen last.
    serial: u64,
}

#[derive(Debug)]
enum Feeds {
    Values(Vec<ValueColumn>),
    Struct(Box<StructColumn>),
}

#[derive(Debug)]
struct ValueColumn {
    ordinal: usize,
    path: Arc<str>,
    required: bool,
    kind: Type,
    cells: Cells,
}

/// A column of objects.
#[derive(Debug)]
pub(super) struct StructColumn {
    ordinal: usize,
    path: Arc<str>,
    required: bool,
    kind: Type,
    fields: Fields,
    nulls: NullBufferBuilder,
    object: Object,
}

impl Object {
    /// Columns that have been checked.
    pub(super) fn new(columns: &Columns, path: &str, depth: usize) -> Self {
        let mut object =
            Self { depth, members: Vec::new(), order: Order::default(), serial: 0, seen: 0 };
        for (ordinal, column) in columns.iter().enumerate() {
            let path = join(path, &column.name);
            let (required, kind) = (column.required, column.kind.clone());
            let feeds = match (&column.kind, Cells::new(&column.kind)) {
                (Type::Struct(columns), _) => Feeds::Struct(Box::new(StructColumn {
                    ordinal,
                    required,
                    kind,
                    fields: columns.fields(),
                    nulls: NullBufferBuilder::new(0),
                    object: Self::new(columns, &path, depth + 1),
                    path: path.into(),
                })),
                (_, None) => continue,
                (_, Some(cells)) => {
                    let path = path.into();
                    Feeds::Values(vec![ValueColumn { ordinal, path, required, kind, cells }])
                }
            };
            object.add(column.fed_by(), feeds);
        }
        object
    }

    fn add(&mut self, key: &str, feeds: Feeds) {
        let known = self.order.find(key.as_bytes(), 0).and_then(|at| self.members.get_mut(at));
        match (known.map(|member| &mut member.feeds), feeds) {
            (Some(Feeds::Values(columns)), Feeds::Values(more)) => columns.extend(more),
            (_, feeds) => {
                self.order.add_member(key);
                self.members.push(Member { key: key.into(), feeds, serial: 0 });
            }
        }
    }

    /// Makes room for a batch of `rows` out of records of `bytes` together.
    pub(super) fn reserve(&mut self, rows: usize, bytes: usize) {
        for member in &mut self.members {
            match &mut member.feeds {
                Feeds::Values(columns) => {
                    columns.iter_mut().for_each(|column| column.cells.reserve(rows, bytes));
                }
                Feeds::Struct(column) => {
                    column.nulls = NullBufferBuilder::new(rows);
                    column.object.reserve(rows, bytes);
                }
            }
        }
    }

    /// Takes back what follows the first `rows` rows in any column.
    pub(super) fn truncate(&mut self, rows: usize) {
        for member in &mut self.members {
            match &mut member.feeds {
                Feeds::Values(columns) => {
                    columns.iter_mut().for_each(|column| column.cells.truncate(rows));
                }
                Feeds::Struct(column) => {
                    column.nulls.truncate(rows);
                    column.object.truncate(rows);
                }
            }
        }
    }

    /// The columns in the order they were declared, leaving them empty.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut arrays = Vec::new();
        for member in &mut self.members {
            match &mut member.feeds {
                Feeds::Values(columns) => {
                    for column in columns {
                        arrays.push((column.ordinal, column.cells.finish()?));
                    }
                }
                Feeds::Struct(column) => {
                    let inner = column.object.finish()?;
                    let nulls = column.nulls.finish();
                    let array = StructArray::try_new(column.fields.clone(), inner, nulls)?;
                    arrays.push((column.ordinal, Arc::new(array)));
                }
            }
        }
        arrays.sort_by_key(|(ordinal, _)| *ordinal);
        Ok(arrays.into_iter().map(|(_, array)| array).collect())
    }

    fn push_null(&mut self) {
        for member in &mut self.members {
            member.feeds.push_null();
        }
    }

    /// The nesting of the objects read here; that of the record is 1.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The order in which its keys come.
    pub(super) fn order(&mut self) -> &mut Order {
        &mut self.order
    }

    /// Begins an object.
    pub(super) fn begin(&mut self) {
        self.serial += 1;
        self.seen = 0;
    }

    /// Reads the value of member `at`.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        at: usize,
        map: &mut A,
        row: &mut Row<'_>,
    ) -> Result<(), A::Error> {
        let Some(member) = self.members.get_mut(at) else {
            return Ok(());
        };
        if !member.is_first_in(self.serial) {
            let raw: &RawValue = map.next_value()?;
            let fault = Fault::DuplicateKey { key: Arc::clone(&member.key) };
            return Err(row.fail(Some(row.place(raw.get())), fault));
        }
        self.seen += 1;
        match &mut member.feeds {
            Feeds::Struct(column) => map.next_value_seed(StructSeed { column, row }),
            Feeds::Values(columns) => {
                let raw = map.next_value::<&RawValue>()?.get();
                let fed = match row.token(raw) {
                    Ok(token) => columns.iter_mut().try_for_each(|column| column.push(token, raw)),
                    Err(fault) => Err(Box::new(fault.into())),
                };
                fed.map_err(|fault| row.fail(Some(row.place(raw)), *fault))
            }
        }
    }

    /// Fills the columns whose keys did not come.
    pub(super) fn end<E: serde::de::Error>(&mut self, row: &mut Row<'_>) -> Result<(), E> {
        if self.seen == self.members.len() {
            return Ok(());
        }
        for member in self.members.iter_mut().filter(|member| member.serial != self.serial) {
            if let Some(column) = member.feeds.required() {
                let (column, key) = (Arc::clone(column), Arc::clone(&member.key));
                return Err(row.fail(None, Fault::Missing { column, key }));
            }
            member.feeds.push_null();
        }
        Ok(())
    }
}

impl Member {
    /// Whether it was not seen in an object before; now it was.
    #[inline]
    fn is_first_in(&mut self, serial: u64) -> bool {
        std::mem::replace(&mut self.serial, serial) != serial
    }
}

impl Feeds {
    fn push_null(&mut self) {
        match self {
            Self::Values(columns) => {
                columns.iter_mut().for_each(|column| column.cells.push_null());
            }
            Self::Struct(column) => column.push_null(),
        }
    }

    /// The first column that takes no null.
    fn required(&self) -> Option<&Arc<str>> {
        match self {
            Self::Values(columns) => {
                columns.iter().find(|column| column.required).map(|column| &column.path)
            }
            Self::Struct(column) => column.required.then_some(&column.path),
        }
    }
}

impl ValueColumn {
    /// Appends what `raw` is. The fault is boxed because it is rare and large.
    fn push(&mut self, token: Token<'_>, raw: &str) -> Result<(), Box<Fault>> {
        if matches!(token, Token::Null) {
            if self.required {
                return Err(Box::new(Fault::Null { column: Arc::clone(&self.path) }));
            }
            self.cells.push_null();
            return Ok(());
        }
        self.cells.push(token).map_err(|problem| {
            Box::new(Fault::Value {
                column: Arc::clone(&self.path),
                problem,
                wanted: self.kind.clone(),
                found: excerpt(raw),
            })
        })
    }
}

impl StructColumn {
    /// The object whose keys feed the columns of the next value. Once it is read, the value is
    /// [`pushed`](Self::pushed).
    pub(super) fn object(&mut self) -> &mut Object {
        &mut self.object
    }

    pub(super) fn pushed(&mut self) {
        self.nulls.append_non_null();
    }

    pub(super) fn try_push_null(&mut self) -> Result<(), Fault> {
        if self.required {
            return Err(Fault::Null { column: Arc::clone(&self.path) });
        }
        self.push_null();
        Ok(())
    }

    /// What is wrong when the value is something else than an object.
    pub(super) fn mismatch(&self, found: &str) -> Fault {
        Fault::Value {
            column: Arc::clone(&self.path),
            problem: Problem::Mismatch,
            wanted: self.kind.clone(),
            found: found.into(),
        }
    }

    fn push_null(&mut self) {
        self.nulls.append_null();
        self.object.push_null();
    }
}
