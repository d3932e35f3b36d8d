//! What sums rows up: the contract of an aggregate, and those that there are.

use std::fmt;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field};
use highwater_core::{Batch, Result};
use highwater_state::RowsMut;

use crate::WindowError;

pub(crate) mod count;
pub(crate) mod distinct;
pub(crate) mod edge;
pub(crate) mod extreme;
pub(crate) mod float;
pub(crate) mod sum;
pub(crate) mod text;

/// Sums the values of one column up, group by group.
///
/// What it keeps of a group are some values of Arrow types, its state: zero, empty or null in a group that is new.
/// The same rows must give the same result in whatever order and in whatever pieces they come: batches and
/// workers never show.
///
/// # Example
/// The bits that any value of a column has:
/// ```
/// use std::sync::Arc;
///
/// use highwater_core::Result;
/// use highwater_core::arrow::array::{ArrayRef, AsArray};
/// use highwater_core::arrow::datatypes::{DataType, Field, Int64Type};
/// use highwater_window::{Accumulators, Aggregate, Aggregation, Emit, Input, Window};
///
/// #[derive(Debug)]
/// struct AnyBit;
///
/// impl Aggregate for AnyBit {
///     fn takes(&self, input: &DataType) -> bool {
///         *input == DataType::Int64
///     }
///     fn state(&self) -> Vec<Field> {
///         vec![Field::new("bits", DataType::Int64, false)]
///     }
///     fn output(&self) -> DataType {
///         DataType::Int64
///     }
///     fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
///         let values = input.values()?.as_primitive::<Int64Type>();
///         let bits = state.column::<Int64Type>(0)?;
///         input.each(|slot, row| bits[slot] |= values.value(row));
///         Ok(())
///     }
///     fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
///         Ok(Arc::clone(&state[0]))
///     }
///     fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
///         self.update(state, other)
///     }
/// }
///
/// let minute = std::time::Duration::from_mins(1);
/// let any = Aggregation::own("flags_seen", "flags", Arc::new(AnyBit));
/// let step = Window::tumbling(minute).by(["device"]).aggregate([any]).emit(Emit::Append);
/// # let _ = step;
/// ```
pub trait Aggregate: Send + Sync + fmt::Debug {
    /// Whether it takes values of a type.
    fn takes(&self, input: &DataType) -> bool;

    /// The values that it keeps of a group: numbers, times, booleans, text or binary.
    fn state(&self) -> Vec<Field>;

    /// The type of the result, which may be null.
    fn output(&self) -> DataType;

    /// Adds rows to groups.
    ///
    /// # Errors
    /// Any error ends the run.
    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()>;

    /// Adds groups to groups: the columns of `other` are those of [`state`](Self::state).
    ///
    /// # Errors
    /// Any error ends the run.
    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()>;

    /// The results of groups, given the columns of [`state`](Self::state).
    ///
    /// # Errors
    /// Any error ends the run.
    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef>;
}

/// What an aggregate keeps of the groups of a window, indexed by their slots.
#[derive(Debug)]
pub struct Accumulators<'a, 'b> {
    pub(crate) groups: &'a mut RowsMut<'b>,
    /// The number of the first column.
    pub(crate) first: usize,
}

impl Accumulators<'_, '_> {
    /// A column of numbers or times by its number in [`Aggregate::state`]. Only slots of the input may be changed.
    ///
    /// # Errors
    /// `Internal` when it has another type.
    pub fn column<T: ArrowPrimitiveType>(&mut self, column: usize) -> Result<&mut [T::Native]> {
        Ok(self.groups.column::<T>(self.first + column)?)
    }

    /// A value of text or binary; empty where it is null.
    ///
    /// # Errors
    /// `Internal` when the column has another type.
    pub fn bytes(&self, column: usize, slot: u32) -> Result<&[u8]> {
        Ok(self.groups.rows().bytes(self.first + column, slot)?)
    }

    /// Sets a value of text or binary, and makes it valid.
    ///
    /// # Errors
    /// `Internal` when the column has another type.
    pub fn set_bytes(&mut self, column: usize, slot: u32, to: &[u8]) -> Result<()> {
        Ok(self.groups.set_bytes(self.first + column, slot, to)?)
    }

    /// Sets the value of each slot to that of the row beside it.
    ///
    /// # Errors
    /// `Internal` when the array has another type than the column.
    pub fn fill(
        &mut self,
        column: usize,
        slots: &[u32],
        array: &ArrayRef,
        rows: &[u32],
    ) -> Result<()> {
        Ok(self.groups.fill(self.first + column, slots, array, rows)?)
    }
}

/// Rows, and the slots of their groups: `rows[n]` goes to `slots[n]`.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub(crate) columns: &'a [ArrayRef],
    pub(crate) rows: &'a [u32],
    pub(crate) slots: &'a [u32],
    pub(crate) place: Place<'a>,
}

/// Where rows come from, and their event times; nothing of groups.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) batch: Option<&'a Batch>,
}

impl<'a> Input<'a> {
    /// The first column: the values, or the first of the state of other groups.
    ///
    /// # Errors
    /// `Internal` when there is none.
    pub fn values(&self) -> Result<&'a ArrayRef> {
        self.column(0)
    }

    /// A column by its number.
    ///
    /// # Errors
    /// `Internal` when there is none.
    pub fn column(&self, column: usize) -> Result<&'a ArrayRef> {
        Ok(self.columns.get(column).ok_or(WindowError::Columns)?)
    }

    /// The rows that are to be added.
    pub fn rows(&self) -> &'a [u32] {
        self.rows
    }

    /// The group of each of them.
    pub fn slots(&self) -> &'a [u32] {
        self.slots
    }

    /// The same rows, a few at a time.
    pub(crate) fn chunks(self, count: usize) -> impl Iterator<Item = Self> {
        let parts = self.slots.chunks(count).zip(self.rows.chunks(count));
        parts.map(move |(slots, rows)| Self { slots, rows, ..self })
    }

    /// Calls `add` with slot and row of each row whose value is not null.
    pub fn each(&self, mut add: impl FnMut(usize, usize)) {
        let values = self.columns.first();
        let nulls = values.and_then(|values| values.nulls()).filter(|it| it.null_count() > 0);
        let pairs = self.slots.iter().zip(self.rows);
        match nulls {
            None => pairs.for_each(|(slot, row)| add(*slot as usize, *row as usize)),
            Some(nulls) => pairs
                .filter(|(_, row)| nulls.is_valid(**row as usize))
                .for_each(|(slot, row)| add(*slot as usize, *row as usize)),
        }
    }
}
