//! Columns of text and binary.

use std::any::Any;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::{Pairs, Values, build, reserve};

/// Values one behind the other. One that is replaced stays where it is until half of them have been.
#[derive(Debug)]
pub(crate) struct Bytes {
    spans: Vec<Span>,
    arena: Vec<u8>,
    /// Bytes of values that were replaced.
    idle: usize,
    found: DataType,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    at: u32,
    len: u32,
}

impl Bytes {
    pub(crate) fn new(found: DataType) -> Self {
        Self { spans: Vec::new(), arena: Vec::new(), idle: 0, found }
    }

    /// Whether any bytes are a value of the column.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.found, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
    }

    /// Whether any text is a value of the column.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    }

    pub(crate) fn at(&self, slot: u32) -> Option<&[u8]> {
        self.span(*self.spans.get(slot as usize)?)
    }

    fn span(&self, span: Span) -> Option<&[u8]> {
        let from = span.at as usize;
        self.arena.get(from..from + span.len as usize)
    }

    pub(crate) fn set(&mut self, slot: u32, value: &[u8]) -> Result<(), ArrowError> {
        let full = || ArrowError::OffsetOverflowError(self.arena.len() + value.len());
        let len = u32::try_from(value.len()).map_err(|_too_long| full())?;
        let at = u32::try_from(self.arena.len()).map_err(|_too_long| full())?;
        at.checked_add(len).ok_or_else(full)?;
        let Some(span) = self.spans.get_mut(slot as usize) else { return Ok(()) };
        self.idle += span.len as usize;
        *span = Span { at, len };
        reserve(&mut self.arena, value.len());
        self.arena.extend_from_slice(value);
        // All rows are looked at, which many bytes must pay for.
        if self.idle > self.arena.len() / 2 + self.spans.len() {
            self.tidy();
        }
        Ok(())
    }

    fn tidy(&mut self) {
        let mut arena = Vec::with_capacity(self.arena.len() - self.idle.min(self.arena.len()));
        for span in &mut self.spans {
            let from = span.at as usize;
            let value = self.arena.get(from..from + span.len as usize).unwrap_or_default();
            // No further than where it stood: what fitted before fits again.
            span.at = u32::try_from(arena.len()).unwrap_or(u32::MAX);
            arena.extend_from_slice(value);
        }
        (self.arena, self.idle) = (arena, 0);
    }
}

impl Values for Bytes {
    fn grow(&mut self, rows: usize) -> Result<(), ArrowError> {
        reserve(&mut self.spans, rows);
        self.spans.resize(self.spans.len() + rows, Span::default());
        Ok(())
    }

    fn put(&mut self, pairs: Pairs<'_>, array: &dyn Array) -> Result<(), ArrowError> {
        let array = cast(array, &DataType::Binary)?;
        let array = array.as_binary::<i32>();
        for (slot, row) in pairs.iter() {
            let value = if array.is_valid(row) { array.value(row) } else { &[] };
            self.set(u32::try_from(slot).unwrap_or(u32::MAX), value)?;
        }
        Ok(())
    }

    fn gather(&self, slots: &[u32], nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        if let DataType::FixedSizeBinary(width) = self.found {
            let zeros = vec![0; usize::try_from(width).unwrap_or(0)];
            let values = slots.iter().map(|slot| self.at(*slot).filter(|it| !it.is_empty()));
            let bytes: Vec<u8> =
                values.flat_map(|value| value.unwrap_or(&zeros).iter().copied()).collect();
            let data = ArrayData::builder(self.found.clone()).len(slots.len());
            return build(data.add_buffer(Buffer::from_vec(bytes)).nulls(nulls));
        }
        let value = |slot: &u32| self.at(*slot).unwrap_or_default();
        let total = slots.iter().map(|slot| value(slot).len()).sum::<usize>();
        if i32::try_from(total).is_err() {
            return Err(ArrowError::OffsetOverflowError(total));
        }
        let offsets = OffsetBuffer::<i32>::from_lengths(slots.iter().map(|slot| value(slot).len()));
        let mut bytes = Vec::with_capacity(total);
        slots.iter().for_each(|slot| bytes.extend_from_slice(value(slot)));
        let binary = BinaryArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?;
        cast(&binary, &self.found)
    }

    fn reset(&mut self, slot: u32) {
        if let Some(span) = self.spans.get_mut(slot as usize) {
            self.idle += span.len as usize;
            *span = Span::default();
        }
    }

    fn held(&self) -> usize {
        self.arena.capacity() + self.spans.capacity() * size_of::<Span>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
