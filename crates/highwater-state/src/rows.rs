//! Rows of a bucket, read and changed column by column.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::ArrowPrimitiveType;

use crate::StateError;
use crate::columns::{Bools, Bytes, Pairs, Plain, ValueColumn};
use crate::memory::Memory;
use crate::spec::Layout;
use crate::table::{MOST_BYTES, MOST_ROWS};

/// What [`Table::upsert`](crate::Table::upsert) found or added, for each row in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    slots: Vec<u32>,
    new: Vec<bool>,
}

impl Upserted {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { slots: Vec::with_capacity(rows), new: Vec::with_capacity(rows) }
    }

    #[inline]
    pub(crate) fn push(&mut self, slot: u32, new: bool) {
        self.slots.push(slot);
        self.new.push(new);
    }

    /// The slot of each row in its bucket. Two rows of one key share one.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Whether the key was not there before. Of two rows of one key only the first is new.
    pub fn is_new(&self) -> &[bool] {
        &self.new
    }
}

/// A row of a table that [`Table::probe`](crate::Table::probe) found for a row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The row of the batch.
    pub row: u32,
    /// The bucket of the row that was found.
    pub bucket: i64,
    /// Its slot.
    pub slot: u32,
}

/// The rows of a bucket, to be read.
#[derive(Debug)]
pub struct Rows<'a> {
    layout: &'a Layout,
    memory: &'a Memory,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(layout: &'a Layout, memory: &'a Memory) -> Self {
        Self { layout, memory }
    }

    fn value_column(&self, column: usize) -> Result<&'a ValueColumn, StateError> {
        self.memory.columns().get(column).ok_or_else(|| missing(self.layout, column))
    }

    fn typed<T: 'static>(&self, column: usize) -> Result<&'a T, StateError> {
        let values = self.value_column(column)?.values.as_any().downcast_ref();
        values.ok_or_else(|| missing(self.layout, column))
    }

    /// A value column by its number, indexed by slot. Any type of the same width and kind of number
    /// will do: `Int64Type` also for timestamps.
    ///
    /// # Errors
    /// `Internal` when it has another type.
    pub fn column<T: ArrowPrimitiveType>(
        &self,
        column: usize,
    ) -> Result<&'a [T::Native], StateError> {
        Ok(&self.typed::<Plain<T::Native>>(column)?.values)
    }

    /// A value of text or binary; empty where it is null.
    ///
    /// # Errors
    /// `Internal` when the column has another type.
    pub fn bytes(&self, column: usize, slot: u32) -> Result<&'a [u8], StateError> {
        Ok(self.typed::<Bytes>(column)?.at(slot).unwrap_or_default())
    }

    /// A boolean; false where it is null.
    ///
    /// # Errors
    /// `Internal` when the column has another type.
    pub fn bool(&self, column: usize, slot: u32) -> Result<bool, StateError> {
        Ok(self.typed::<Bools>(column)?.0.at(slot as usize))
    }

    /// Whether a value is not null.
    ///
    /// # Errors
    /// `Internal` when there is no such column.
    pub fn is_valid(&self, column: usize, slot: u32) -> Result<bool, StateError> {
        let valid = self.value_column(column)?.valid.as_ref();
        Ok(valid.is_none_or(|valid| valid.at(slot as usize)))
    }

    /// The key columns of some rows, in this order.
    ///
    /// # Errors
    /// `Internal` when a slot is not there.
    pub fn key_columns(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, StateError> {
        self.memory.check(slots)?;
        self.memory.key_columns_of(slots)
    }

    /// Some value columns of some rows, in this order.
    ///
    /// # Errors
    /// `Internal` when a slot or a column is not there.
    pub fn values(
        &self,
        slots: &[u32],
        columns: Range<usize>,
    ) -> Result<Vec<ArrayRef>, StateError> {
        self.memory.check(slots)?;
        let all = self.memory.columns();
        let some = all.get(columns.clone()).ok_or_else(|| missing(self.layout, columns.end))?;
        let some = some.iter().map(|column| column.gather(slots)).collect::<Result<_, _>>();
        some.map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })
    }

    /// How many rows make a batch as [`Table::expire`](crate::Table::expire) hands them over.
    pub fn at_once(&self) -> usize {
        let bytes = self.memory.held() / self.memory.rows().max(1);
        usize::try_from(MOST_BYTES)
            .map_or(MOST_ROWS, |most| most / bytes.max(1))
            .clamp(1, MOST_ROWS)
    }

    /// Keys and values of some rows, in this order.
    ///
    /// # Errors
    /// `Internal` when a slot is not there.
    pub fn take(&self, slots: &[u32]) -> Result<RecordBatch, StateError> {
        self.memory.check(slots)?;
        let columns = self.memory.gather(slots)?;
        RecordBatch::try_new(Arc::clone(&self.layout.rows), columns)
            .map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })
    }
}

/// The rows of a bucket, some of them to be changed.
#[derive(Debug)]
pub struct RowsMut<'a> {
    layout: Arc<Layout>,
    memory: &'a mut Memory,
}

impl<'a> RowsMut<'a> {
    pub(crate) fn new(layout: Arc<Layout>, memory: &'a mut Memory) -> Self {
        Self { layout, memory }
    }

    fn values(&mut self, column: usize) -> Result<&mut ValueColumn, StateError> {
        let Self { layout, memory } = self;
        memory.column_mut(column).ok_or_else(|| missing(layout, column))
    }

    fn typed<T: 'static>(&mut self, column: usize) -> Result<&mut T, StateError> {
        let Self { layout, memory } = self;
        let values = memory.column_mut(column).and_then(|it| it.values.as_any_mut().downcast_mut());
        values.ok_or_else(|| missing(layout, column))
    }

    /// The same rows, to be read.
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(&self.layout, self.memory)
    }

    /// A value column by its number, indexed by slot; see [`Rows::column`]. Only slots that were given
    /// to [`Table::update`](crate::Table::update), or are new, may be changed: others would not be saved. A
    /// null stays one until [`set_valid`](Self::set_valid).
    ///
    /// # Errors
    /// `Internal` when it has another type.
    pub fn column<T: ArrowPrimitiveType>(
        &mut self,
        column: usize,
    ) -> Result<&mut [T::Native], StateError> {
        Ok(&mut self.typed::<Plain<T::Native>>(column)?.values)
    }

    /// Sets a value of text or binary, and makes it valid.
    ///
    /// # Errors
    /// `Internal` when the column has another type, or the bytes are no text of a text column.
    pub fn set_bytes(&mut self, column: usize, slot: u32, to: &[u8]) -> Result<(), StateError> {
        let layout = Arc::clone(&self.layout);
        let bytes = self.typed::<Bytes>(column)?;
        let fits = bytes.is_binary() || bytes.is_text() && std::str::from_utf8(to).is_ok();
        if !fits {
            return Err(missing(&layout, column));
        }
        let table = || layout.name.clone();
        bytes.set(slot, to).map_err(|source| StateError::Rows { table: table(), source })?;
        self.set_valid(column, slot, true)
    }

    /// Sets a boolean, and makes it valid.
    ///
    /// # Errors
    /// `Internal` when the column has another type.
    pub fn set_bool(&mut self, column: usize, slot: u32, to: bool) -> Result<(), StateError> {
        self.typed::<Bools>(column)?.0.set(slot as usize, to);
        self.set_valid(column, slot, true)
    }

    /// Makes a value null or not. Of a column that is never null nothing changes.
    ///
    /// # Errors
    /// `Internal` when there is no such column.
    pub fn set_valid(&mut self, column: usize, slot: u32, valid: bool) -> Result<(), StateError> {
        if let Some(bits) = &mut self.values(column)?.valid {
            bits.set(slot as usize, valid);
        }
        Ok(())
    }

    /// Sets a value of each slot to that of the row beside it.
    ///
    /// # Errors
    /// `Internal` when the array is not of the column's type, has nulls that the column cannot have, or
    /// not these rows.
    pub fn fill(
        &mut self,
        column: usize,
        slots: &[u32],
        array: &ArrayRef,
        rows: &[u32],
    ) -> Result<(), StateError> {
        let layout = Arc::clone(&self.layout);
        check(&layout, column, array, rows)?;
        let error = |source| StateError::Rows { table: layout.name.clone(), source };
        self.values(column)?.put(Pairs { slots, rows }, array).map_err(error)
    }
}

/// Refuses an array that is not one of a value column, or does not have these rows.
pub(crate) fn check(
    layout: &Layout,
    column: usize,
    array: &ArrayRef,
    rows: &[u32],
) -> Result<(), StateError> {
    let field = layout.values.get(column).ok_or_else(|| missing(layout, column))?;
    let fits = array.data_type() == field.data_type()
        && (field.is_nullable() || array.null_count() == 0)
        && rows.iter().all(|row| (*row as usize) < array.len());
    if fits { Ok(()) } else { Err(missing(layout, column)) }
}

fn missing(layout: &Layout, column: usize) -> StateError {
    StateError::Column { table: layout.name.clone(), column }
}
