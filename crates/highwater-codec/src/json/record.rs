//! Reads records with serde_json straight into columns.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Object, StructColumn};
use super::order::{NO_KEY, Order};
use super::text::{LoneSurrogate, Token, check_passed_over};
use super::{MAX_KEYS, position};
use crate::{Fault, Reason};

/// The record being decoded.
pub(super) struct Row<'a> {
    payload: &'a str,
    scratch: &'a mut String,
    /// What is wrong, and at which byte unless the parser knows better.
    fault: Option<(Option<usize>, Fault)>,
}

impl<'a> Row<'a> {
    pub(super) fn new(payload: &'a str, scratch: &'a mut String) -> Self {
        Self { payload, scratch, fault: None }
    }

    /// Why the parser stopped.
    pub(super) fn into_reason(self, error: &serde_json::Error) -> Reason {
        let (at, fault) = self.fault.unwrap_or_else(|| {
            let text = error.to_string();
            let detail = text.split(" at line ").next().unwrap_or_default();
            (None, Fault::Syntax { detail: detail.into() })
        });
        Reason::new(at.or_else(|| position(self.payload, error)), fault)
    }

    /// Stops the parser because of `fault`.
    pub(super) fn fail<E: Error>(&mut self, at: Option<usize>, fault: Fault) -> E {
        self.fault = Some((at, fault));
        E::custom("")
    }

    /// The value that `raw`, a part of the record, is.
    pub(super) fn token<'t>(&'t mut self, raw: &'t str) -> Result<Token<'t>, LoneSurrogate> {
        Token::of(raw, self.scratch)
    }

    /// The place of a part of the record.
    pub(super) fn place(&self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.payload.as_ptr().addr())
    }
}

/// Reads an object into columns.
pub(super) struct RowSeed<'a, 'r> {
    pub(super) object: &'a mut Object,
    pub(super) row: &'a mut Row<'r>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { object, row } = self;
        object.begin();
        let mut keys = 0;
        let mut expected = object.order().first();
        let mut previous = NO_KEY;
        while let Some(key) = map.next_key_seed(KeySeed { order: object.order(), expected })? {
            keys += 1;
            if keys > MAX_KEYS {
                return Err(row.fail(None, Fault::TooManyKeys { limit: MAX_KEYS }));
            }
            if let Some(key) = key {
                object.order().follow(previous, key);
                previous = key;
                expected = object.order().after(key);
            }
            if let Some(member) = key.and_then(|key| object.order().member(key)) {
                object.read(member, &mut map, row)?;
            } else {
                let raw = map.next_value::<&RawValue>()?.get();
                check_passed_over(raw, object.depth(), row.scratch).map_err(|(at, fault)| {
                    let at = row.place(raw) + at;
                    row.fail(Some(at), fault)
                })?;
            }
        }
        object.end(row)
    }
}

/// Finds the number of a key.
struct KeySeed<'a> {
    order: &'a Order,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.order.find(key.as_bytes(), self.expected))
    }
}

/// Reads an object or null into a struct column.
pub(super) struct StructSeed<'a, 'r> {
    pub(super) column: &'a mut StructColumn,
    pub(super) row: &'a mut Row<'r>,
}

impl StructSeed<'_, '_> {
    fn mismatch<E: Error>(self, found: &str) -> Result<(), E> {
        Err(self.row.fail(None, self.column.mismatch(found)))
    }
}

impl<'de> DeserializeSeed<'de> for StructSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StructSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        RowSeed { object: self.column.object(), row: self.row }.visit_map(map)?;
        self.column.pushed();
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.column.try_push_null().map_err(|fault| self.row.fail(None, fault))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.mismatch(if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.mismatch("a number")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.mismatch("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.mismatch("a number")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.mismatch("a string")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.mismatch("an array")
    }
}
