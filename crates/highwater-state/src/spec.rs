//! What a table of state holds, declared and checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use highwater_core::{KeyError, KeyGroups, Name};

use crate::StateError;
use crate::columns::ValueColumn;
use crate::keys::KeyCodec;

/// Names of the columns that a save has beside those of the table.
pub(crate) mod own {
    /// 0 for a row, 1 for one that was removed.
    pub(crate) const OP: &str = "__op";
    /// A bit for each level at which the row is yet to be saved; 0 in a save.
    pub(crate) const OWED: &str = "__owed";
    /// The hash of the key.
    pub(crate) const HASH: &str = "__hash";
    /// What tells the rows of one key apart.
    pub(crate) const NUMBER: &str = "__number";
    /// How many columns stand before the key, without the number.
    pub(crate) const BEFORE: usize = 3;
}

/// How many buckets a table without time has: ranges of key groups.
const RANGES: i64 = 16;

/// What a table of state holds: a key, values, and the time by which rows go.
///
/// # Example
/// ```
/// use highwater_core::arrow::datatypes::{DataType, Field};
/// use highwater_state::{Table, TableSpec};
///
/// let key = vec![Field::new("id", DataType::Utf8, false)];
/// let values = vec![Field::new("time", DataType::Int64, false)];
/// let spec = TableSpec::new("seen".parse()?, key, values).with_time("time", 60_000_000);
/// let table = Table::try_new(spec)?;
/// assert_eq!(table.bucket(59_999_999), 0);
/// assert_eq!(table.bucket(-1), -1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableSpec {
    name: Name,
    key: Vec<Field>,
    values: Vec<Field>,
    time: Option<(String, i64)>,
    several: bool,
    /// By how many columns of the key its group goes.
    grouped: Option<usize>,
}

impl TableSpec {
    /// A table with one row for each key, which stays until it is removed.
    pub fn new(name: Name, key: Vec<Field>, values: Vec<Field>) -> Self {
        Self { name, key, values, time: None, several: false, grouped: None }
    }

    /// The same table, cut into buckets of `width` microseconds by a value: integers that are
    /// microseconds, or timestamps in microseconds. A key has a row in each bucket of its own.
    #[must_use]
    pub fn with_time(mut self, column: &str, width: i64) -> Self {
        self.time = Some((column.to_owned(), width));
        self
    }

    /// The same table with any number of rows for each key.
    #[must_use]
    pub fn with_several(mut self) -> Self {
        self.several = true;
        self
    }

    /// The same table, whose key groups go by the first so many columns of the key alone: keys that have these in
    /// common are kept by one worker, to which an exchange by these columns brings their rows.
    #[must_use]
    pub fn with_groups_by(mut self, columns: usize) -> Self {
        self.grouped = Some(columns);
        self
    }
}

/// A specification that was checked, and what follows from it.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) name: Name,
    pub(crate) codec: KeyCodec,
    pub(crate) values: Vec<FieldRef>,
    pub(crate) time: Option<Time>,
    pub(crate) several: bool,
    /// The columns in words, to be compared.
    pub(crate) words: String,
    /// Key and values.
    pub(crate) rows: SchemaRef,
    /// The same with the state's own columns before them.
    pub(crate) saved: SchemaRef,
}

/// The value by which rows go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) column: usize,
    pub(crate) width: i64,
}

impl Layout {
    pub(crate) fn try_new(spec: TableSpec) -> Result<Self, StateError> {
        let time = time(&spec)?;
        let TableSpec { name, key, values, several, grouped, .. } = spec;
        let mut names: BTreeSet<_> =
            [own::OP, own::OWED, own::HASH, own::NUMBER].map(str::to_owned).into();
        for field in key.iter().chain(&values) {
            if !names.insert(field.name().clone()) {
                return Err(StateError::Twice { table: name, column: field.name().clone() });
            }
        }
        if let Some(field) = values.iter().find(|field| !ValueColumn::holds(field.data_type())) {
            let (column, found) = (field.name().clone(), field.data_type().clone());
            return Err(StateError::Value { table: name, column, found });
        }
        let mut words = words(&key, &values, time, several);
        if let Some(columns) = grouped {
            words.push_str(&format!(", grouped by {columns}"));
        }
        let (key, values) = (shared(key), shared(values));
        let key_schema = Arc::new(Schema::new(key.clone()));
        let names: Vec<_> = key.iter().map(|field| field.name().clone()).collect();
        let groups = |columns: Option<usize>| {
            let columns = names.get(..columns.unwrap_or(names.len())).unwrap_or(&names);
            groups(&key_schema, columns)
                .map_err(|source| StateError::Key { table: name.clone(), source })
        };
        let (all, some) = (groups(None)?, grouped.map(|some| groups(Some(some))).transpose()?);
        let codec = KeyCodec::new(Arc::clone(&key_schema), all).with_groups(some);
        let mut all: Vec<FieldRef> = vec![
            Arc::new(Field::new(own::OP, DataType::UInt8, false)),
            Arc::new(Field::new(own::OWED, DataType::UInt8, false)),
            Arc::new(Field::new(own::HASH, DataType::UInt64, false)),
        ];
        if several {
            all.push(Arc::new(Field::new(own::NUMBER, DataType::UInt64, false)));
        }
        let rows: Vec<_> = key.iter().chain(&values).cloned().collect();
        all.extend(rows.iter().cloned());
        let (rows, saved) = (Arc::new(Schema::new(rows)), Arc::new(Schema::new(all)));
        Ok(Self { name, codec, values, time, several, words, rows, saved })
    }

    /// How many columns of a saved batch stand before the key.
    pub(crate) fn before(&self) -> usize {
        own::BEFORE + usize::from(self.several)
    }

    /// The bucket of an event time.
    pub(crate) fn bucket(&self, time: i64) -> i64 {
        self.time.map_or(0, |Time { width, .. }| time.div_euclid(width))
    }

    /// The bucket of a key, where time makes none.
    pub(crate) fn range(hash: u64) -> i64 {
        i64::from(KeyGroups::group(hash)) / (i64::from(highwater_core::KEY_GROUPS) / RANGES)
    }
}

fn shared(fields: Vec<Field>) -> Vec<FieldRef> {
    fields.into_iter().map(Arc::new).collect()
}

/// The groups of a key. It is kept as bytes, which are made of plain values only.
fn groups(schema: &Schema, names: &[String]) -> Result<KeyGroups, KeyError> {
    let nested = schema.fields().iter().find(|field| field.data_type().is_nested());
    if let Some(field) = nested {
        let (column, found) = (field.name().clone(), field.data_type().clone());
        return Err(KeyError::Type { column, found });
    }
    KeyGroups::try_new(schema, names)
}

fn time(spec: &TableSpec) -> Result<Option<Time>, StateError> {
    let Some((name, width)) = &spec.time else { return Ok(None) };
    let place = spec.values.iter().position(|field| field.name() == name);
    let fits = |column: &usize| {
        let field = spec.values.get(*column);
        *width > 0
            && field.is_some_and(|field| {
                let found = field.data_type();
                let time = matches!(found, DataType::Timestamp(TimeUnit::Microsecond, _));
                !field.is_nullable() && (time || *found == DataType::Int64)
            })
    };
    match place.filter(fits) {
        Some(column) => Ok(Some(Time { column, width: *width })),
        None => {
            let (table, column) = (spec.name.clone(), name.clone());
            Err(StateError::Time { table, column, width: *width })
        }
    }
}

fn words(key: &[Field], values: &[Field], time: Option<Time>, several: bool) -> String {
    let mut words = String::new();
    let mut add = |what: &str, field: &Field| {
        let null = if field.is_nullable() { " or null" } else { "" };
        words.push_str(&format!("{what} {} {}{null}, ", field.name(), field.data_type()));
    };
    key.iter().for_each(|field| add("key", field));
    values.iter().for_each(|field| add("value", field));
    words.push_str(if several { "several rows a key" } else { "one row a key" });
    if let Some(time) = time {
        let name = values.get(time.column).map_or("", |field| field.name());
        words.push_str(&format!(", by {name} in {} us", time.width));
    }
    words
}

#[cfg(test)]
mod tests;
