//! The event time of rows.

use std::sync::Arc;

use arrow::array::{Array, AsArray, TimestampMicrosecondArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use highwater_core::{Batch, StreamInfo};

use crate::WindowError;
use crate::aggregation::find;

/// The column of the event time, and its time zone.
#[derive(Clone, Debug)]
pub(crate) struct TimeColumn {
    place: usize,
    /// Whether it is a window, whose event time is its last microsecond.
    window: bool,
    pub(crate) zone: Option<Arc<str>>,
}

impl TimeColumn {
    /// The column that was named, or else that of the stream.
    pub(crate) fn find(input: &StreamInfo, on: Option<&String>) -> Result<Self, WindowError> {
        let column = on.or(input.time.as_ref()).ok_or(WindowError::NoTime)?;
        let (place, field) = find(&input.schema, column)?;
        let wrong =
            || WindowError::Time { column: column.clone(), found: field.data_type().clone() };
        let (end, window) = match field.data_type() {
            DataType::Struct(fields) => {
                let (_, end) = fields.find(END).ok_or_else(wrong)?;
                (end.data_type(), true)
            }
            time => (time, false),
        };
        match end {
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Ok(Self { place, window, zone: zone.clone() })
            }
            _ => Err(wrong()),
        }
    }

    /// The number of the column.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// The times of rows.
    pub(crate) fn of(&self, batch: &Batch) -> Result<TimestampMicrosecondArray, WindowError> {
        let column = batch.rows.columns().get(self.place).ok_or(WindowError::Columns)?;
        if !self.window {
            let times = column.as_primitive_opt::<TimestampMicrosecondType>();
            return times.cloned().ok_or(WindowError::Columns);
        }
        let windows = column.as_struct_opt().ok_or(WindowError::Columns)?;
        let ends = windows.column_by_name(END).and_then(|ends| ends.as_primitive_opt());
        let ends: &TimestampMicrosecondArray = ends.ok_or(WindowError::Columns)?;
        let last = ends.unary::<_, TimestampMicrosecondType>(|end| end.saturating_sub(1));
        let nulls = NullBuffer::union(windows.nulls(), ends.nulls());
        Ok(TimestampMicrosecondArray::new(last.values().clone(), nulls))
    }
}

/// The fields of a window.
pub(crate) const START: &str = "start";
pub(crate) const END: &str = "end";
