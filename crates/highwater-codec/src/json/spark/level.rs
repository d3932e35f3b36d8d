//! The columns that an object feeds, and how a row is read from one.

use std::collections::HashMap;

use super::cast::{self, Cell};
use super::copy;
use super::reader::{Reader, Stop, Token};
use crate::{Columns, Type};

/// The columns that one level of objects feeds.
#[derive(Debug)]
pub(super) struct Level {
    /// How many columns there are.
    width: usize,
    keys: HashMap<String, Vec<Fed>>,
}

/// A column that a key feeds.
#[derive(Debug)]
struct Fed {
    ordinal: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Struct(Level),
    /// Spark reads text, which is cast afterwards if the column is something else.
    Text(Type),
    Plain(Type),
}

/// One row: a cell for each column.
pub(super) type Row = Vec<Cell>;

impl Level {
    /// Columns that have been checked.
    pub(super) fn new(columns: &Columns) -> Self {
        let mut level = Self { width: 0, keys: HashMap::new() };
        for (ordinal, column) in columns.iter().enumerate() {
            let kind = match &column.kind {
                Type::Struct(columns) => Kind::Struct(Self::new(columns)),
                kind @ (Type::Text | Type::Decimal(..) | Type::Timestamp) => {
                    Kind::Text(kind.clone())
                }
                kind => Kind::Plain(kind.clone()),
            };
            level.width += 1;
            let key = column.fed_by().to_owned();
            level.keys.entry(key).or_default().push(Fed { ordinal, kind });
        }
        level
    }

    /// A row of nulls.
    pub(super) fn nulls(&self) -> Row {
        vec![Cell::Null; self.width]
    }

    /// Reads the object that the reader has entered. A value that does not fit leaves its column as
    /// it is; a mistake in between is for whoever reads the object round this one.
    ///
    /// Source: `JacksonParser.convertObject` of Spark 4.1.
    pub(super) fn read(&self, reader: &mut Reader<'_>) -> Result<Row, Stop> {
        let mut row = self.nulls();
        loop {
            if matches!(reader.advance()?, None | Some(Token::EndObject)) {
                return Ok(row);
            }
            let name = reader.name().filter(|name| name.is_whole());
            match name.and_then(|name| self.keys.get(name.as_str())) {
                None => reader.skip_children()?,
                Some(fed) => match read_field(fed, &mut row, reader) {
                    Err(Stop::Mistake) => reader.skip_children()?,
                    read => read?,
                },
            }
        }
    }
}

/// Reads the value of a key into the columns that it feeds.
fn read_field(fed: &[Fed], row: &mut Row, reader: &mut Reader<'_>) -> Result<(), Stop> {
    while reader.token() == Some(Token::Name) {
        reader.advance()?;
    }
    let mut fits = true;
    for Fed { ordinal, kind } in fed {
        let cell = match kind {
            Kind::Text(_) => continue,
            Kind::Plain(kind) => cast::plain(kind, reader)?,
            Kind::Struct(level) => read_struct(level, reader)?,
        };
        fits &= cell.is_some();
        set(row, *ordinal, cell);
    }
    let texts = || {
        fed.iter().filter_map(|fed| match &fed.kind {
            Kind::Text(kind) => Some((fed.ordinal, kind)),
            _ => None,
        })
    };
    if texts().next().is_some() {
        let mut text = String::new();
        let found = copy::text_of(reader, &mut text)?;
        for (ordinal, kind) in texts() {
            let cell = match found {
                None => Cell::Null,
                Some(()) => cast::text(kind, &text)?,
            };
            set(row, ordinal, Some(cell));
        }
    }
    if fits { Ok(()) } else { Err(Stop::Mistake) }
}

fn set(row: &mut Row, ordinal: usize, cell: Option<Cell>) {
    if let (Some(place), Some(cell)) = (row.get_mut(ordinal), cell) {
        *place = cell;
    }
}

/// The struct at which the reader stands; nothing when it is something else.
fn read_struct(level: &Level, reader: &mut Reader<'_>) -> Result<Option<Cell>, Stop> {
    Ok(match reader.token() {
        None | Some(Token::Null) => Some(Cell::Null),
        Some(Token::Object) => Some(Cell::Struct(level.read(reader)?)),
        Some(Token::String) => reader.string().map(|_| None)?,
        Some(_) => None,
    })
}
