//! Keys of a batch as bytes, and their hashes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use highwater_core::{KEY_GROUPS, KeyError, KeyGroups};

mod decode;
mod recurring;
mod visit;

use visit::{stretch, visit, width};

/// The key columns of a batch, encoded and hashed once.
///
/// Two keys are equal exactly when their bytes are. The hash is that of [`KeyGroups`], so that an
/// exchange by these columns brings all rows of a key to the table that holds it. Where key groups go by some of
/// the columns, so do its lowest bits.
#[derive(Debug)]
pub struct Keys {
    bytes: Vec<u8>,
    /// Where each key begins, and where the last one ends.
    offsets: Vec<u32>,
    hashes: Vec<u64>,
}

impl Keys {
    /// Keys with their hashes; none when they have more than 4 GiB.
    pub(crate) fn of<'a>(keys: impl Iterator<Item = (u64, &'a [u8])>) -> Option<Self> {
        let (mut bytes, mut offsets, mut hashes) = (Vec::new(), vec![0], Vec::new());
        for (hash, key) in keys {
            bytes.extend_from_slice(key);
            offsets.push(u32::try_from(bytes.len()).ok()?);
            hashes.push(hash);
        }
        Some(Self { bytes, offsets, hashes })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hash of each row.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    #[inline]
    pub(crate) fn at(&self, row: u32) -> (u64, &[u8]) {
        let row = row as usize;
        let hash = self.hashes.get(row).copied().unwrap_or_default();
        (hash, self.key(row).unwrap_or_default())
    }

    fn key(&self, row: usize) -> Option<&[u8]> {
        let (from, to) = (*self.offsets.get(row)?, *self.offsets.get(row + 1)?);
        self.bytes.get(from as usize..to as usize)
    }

    /// The longest key, in bytes.
    pub(crate) fn longest(&self) -> usize {
        let lengths = self.offsets.iter().zip(self.offsets.iter().skip(1));
        lengths.map(|(from, to)| (to - from) as usize).max().unwrap_or(0)
    }
}

/// Turns key columns into bytes and back.
///
/// One column that is never null: the bytes of its value. One that may be null: nothing for null,
/// else the bytes and a 1. Several: for each, a 1 or for null a 0 if it may be null; then its value,
/// with the length before it unless all of them have the same. Numbers are in little endian, floats
/// with one zero and one NaN.
#[derive(Debug)]
pub(crate) struct KeyCodec {
    schema: SchemaRef,
    groups: KeyGroups,
    /// What tells the key groups, if that is not all columns.
    some: Option<KeyGroups>,
}

/// How the values of a key column stand among the bytes.
#[derive(Clone, Copy)]
struct Form {
    /// The only column of the key: its end is that of the key.
    only: bool,
    nullable: bool,
    /// The bytes of every value, where that is one number.
    width: Option<usize>,
}

impl Form {
    fn new(field: &FieldRef, only: bool) -> Self {
        Self { only, nullable: field.is_nullable(), width: width(field.data_type()) }
    }

    fn len(self, value: Option<&[u8]>) -> usize {
        let Some(value) = value else { return usize::from(self.nullable && !self.only) };
        let prefix = if self.only || self.width.is_some() { 0 } else { size_of::<u32>() };
        usize::from(self.nullable) + prefix + value.len()
    }

    fn write(self, value: Option<&[u8]>, into: &mut &mut [u8]) {
        if self.nullable && !self.only {
            put(into, &[u8::from(value.is_some())]);
        }
        let Some(value) = value else { return };
        if !self.only && self.width.is_none() {
            // `encode` has refused keys of more bytes.
            put(into, &u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        put(into, value);
        if self.nullable && self.only {
            put(into, &[1]);
        }
    }
}

fn put(into: &mut &mut [u8], bytes: &[u8]) {
    if let Some((here, rest)) = std::mem::take(into).split_at_mut_checked(bytes.len()) {
        here.copy_from_slice(bytes);
        *into = rest;
    }
}

/// A hash that has the key group of another one: its lowest bits.
fn in_group(hash: u64, of: u64) -> u64 {
    hash & !u64::from(KEY_GROUPS - 1) | u64::from(KeyGroups::group(of))
}

impl KeyCodec {
    pub(crate) fn new(schema: SchemaRef, groups: KeyGroups) -> Self {
        Self { schema, groups, some: None }
    }

    /// The same with key groups that go by some of the columns.
    pub(crate) fn with_groups(mut self, some: Option<KeyGroups>) -> Self {
        self.some = some;
        self
    }

    pub(crate) fn columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// Whether a key is the bytes of one value.
    fn is_bare(&self) -> bool {
        matches!(&self.schema.fields()[..], [only] if !only.is_nullable())
    }

    fn forms(&self) -> impl Iterator<Item = (Form, &DataType)> {
        let only = self.columns() == 1;
        self.schema.fields().iter().map(move |field| (Form::new(field, only), field.data_type()))
    }

    /// Encodes and hashes.
    pub(crate) fn keys(&self, columns: &[ArrayRef]) -> Result<Keys, KeyError> {
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns.to_vec())?;
        let mut hashes = match columns {
            [column] if *column.data_type() == DataType::Utf8 && column.null_count() == 0 => {
                recurring::hashes(column.as_string())
            }
            _ => self.groups.hashes(&rows)?,
        };
        if let Some(some) = &self.some {
            for (hash, of) in hashes.iter_mut().zip(some.hashes(&rows)?) {
                *hash = in_group(*hash, of);
            }
        }
        self.encode(columns, hashes)
    }

    /// Encodes keys whose hashes are known.
    pub(crate) fn encode(&self, columns: &[ArrayRef], hashes: Vec<u64>) -> Result<Keys, KeyError> {
        if let (true, [column]) = (self.is_bare(), columns)
            && let Some((bytes, offsets)) = stretch(column)
        {
            return Ok(Keys { bytes, offsets, hashes });
        }
        let mut lengths = vec![0_usize; hashes.len()];
        for ((form, _), column) in self.forms().zip(columns) {
            let mut lengths = lengths.iter_mut();
            visit(column, |value| {
                if let Some(length) = lengths.next() {
                    *length += form.len(value);
                }
            })?;
        }
        let mut end = 0_u32;
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        offsets.push(end);
        for length in lengths {
            let next = u32::try_from(length).ok().and_then(|length| end.checked_add(length));
            end = next.ok_or_else(|| {
                let what = "the keys of one batch have more than 4 GiB".to_owned();
                arrow::error::ArrowError::InvalidArgumentError(what)
            })?;
            offsets.push(end);
        }
        let mut bytes = vec![0; end as usize];
        self.fill(columns, &offsets, &mut bytes)?;
        Ok(Keys { bytes, offsets, hashes })
    }

    fn fill(
        &self,
        columns: &[ArrayRef],
        offsets: &[u32],
        bytes: &mut [u8],
    ) -> Result<(), KeyError> {
        // What is left of each key: a column writes behind the one before.
        let mut rest = bytes;
        let mut places = Vec::with_capacity(offsets.len());
        for (from, to) in offsets.iter().zip(offsets.iter().skip(1)) {
            let Some((key, behind)) = rest.split_at_mut_checked((to - from) as usize) else {
                break;
            };
            places.push(key);
            rest = behind;
        }
        for ((form, _), column) in self.forms().zip(columns) {
            let mut places = places.iter_mut();
            visit(column, |value| {
                if let Some(place) = places.next() {
                    form.write(value, place);
                }
            })?;
        }
        Ok(())
    }

    /// The hash of a key from its bytes.
    pub(crate) fn hash(&self, mut key: &[u8]) -> u64 {
        if self.is_bare() && self.some.is_none() {
            return KeyGroups::extend(0, Some(key));
        }
        let (mut hash, mut grouping) = (0, None);
        for (column, (form, _)) in self.forms().enumerate() {
            if self.some.as_ref().is_some_and(|some| some.columns().len() == column) {
                grouping = Some(hash);
            }
            let Some(value) = decode::take(form, &mut key) else { break };
            hash = KeyGroups::extend(hash, value);
        }
        grouping.map_or(hash, |of| in_group(hash, of))
    }

    /// The columns of keys again.
    pub(crate) fn decode<'a>(
        &self,
        keys: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<ArrayRef>, arrow::error::ArrowError> {
        let mut rest: Vec<&[u8]> = keys.collect();
        let forms = self.forms();
        forms.map(|(form, found)| decode::column(form, found, &mut rest)).collect()
    }
}

#[cfg(test)]
mod tests;
