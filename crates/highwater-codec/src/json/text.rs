//! Values as they stand in a record, and the strings in them.
//!
//! All texts here were found to be JSON by the parser before. What it passes over without looking
//! (depth, number of keys, surrogates) is looked at here.

use super::{MAX_DEPTH, MAX_KEYS};
use crate::Fault;

/// A JSON value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Boolean(bool),
    /// The number as written.
    Number(&'a [u8]),
    /// The string without escapes and quotes, in UTF-8.
    Text(&'a [u8]),
    /// An object or an array.
    Container,
}

impl<'a> Token<'a> {
    /// The value that `raw` is; a string with escapes is written to `scratch`.
    pub(super) fn of(raw: &'a str, scratch: &'a mut String) -> Result<Self, LoneSurrogate> {
        Ok(match raw.as_bytes() {
            [b'"', text @ .., b'"'] => {
                if text.contains(&b'\\') {
                    unescape(raw.get(1..=text.len()).unwrap_or_default(), scratch)?;
                    return Ok(Self::Text(scratch.as_bytes()));
                }
                Self::Text(text)
            }
            [b'n', ..] => Self::Null,
            [b't', ..] => Self::Boolean(true),
            [b'f', ..] => Self::Boolean(false),
            [b'{' | b'[', ..] => Self::Container,
            number => Self::Number(number),
        })
    }
}

/// Half of a surrogate pair in a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoneSurrogate;

impl From<LoneSurrogate> for Fault {
    fn from(_: LoneSurrogate) -> Self {
        Self::LoneSurrogate
    }
}

/// Writes the inside of a JSON string to `text` without its escapes.
fn unescape(inside: &str, text: &mut String) -> Result<(), LoneSurrogate> {
    text.clear();
    let mut rest = inside;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut after = escape.chars();
        let letter = match after.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (letter, tail) = unescape_unicode(escape).ok_or(LoneSurrogate)?;
                text.push(letter);
                rest = tail;
                continue;
            }
            Some(other) => other,
            None => break,
        };
        text.push(letter);
        rest = after.as_str();
    }
    text.push_str(rest);
    Ok(())
}

/// The character of `uXXXX`, or of `uXXXX\uXXXX` for a pair of surrogates, and what follows.
fn unescape_unicode(escape: &str) -> Option<(char, &str)> {
    let first = code_unit(escape)?;
    let tail = escape.get(5..)?;
    if let Some(letter) = char::from_u32(u32::from(first)) {
        return Some((letter, tail));
    }
    let pair = tail.strip_prefix('\\')?;
    let second = code_unit(pair)?;
    let letter = char::decode_utf16([first, second]).next()?.ok()?;
    Some((letter, pair.get(5..)?))
}

fn code_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// Looks through a value of an object at `depth` that feeds no column, for what no record may have.
/// The fault comes with its place in `raw`.
pub(super) fn check_passed_over(
    raw: &str,
    depth: usize,
    scratch: &mut String,
) -> Result<(), (usize, Fault)> {
    match raw.as_bytes().first() {
        Some(b'"') => Token::of(raw, scratch).map(|_| ()).map_err(|fault| (0, fault.into())),
        Some(b'{' | b'[') => check_container(raw, depth, scratch),
        _ => Ok(()),
    }
}

fn check_container(raw: &str, depth: usize, scratch: &mut String) -> Result<(), (usize, Fault)> {
    let mut keys = [0_usize; MAX_DEPTH + 1];
    let mut depth = depth;
    let mut string = None;
    let mut escapes = false;
    let mut escaped = false;
    for (at, byte) in raw.bytes().enumerate() {
        if let Some(start) = string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => (escaped, escapes) = (true, true),
                b'"' => {
                    if std::mem::take(&mut escapes) {
                        let inside = raw.get(start + 1..at).unwrap_or_default();
                        unescape(inside, scratch).map_err(|fault| (start, fault.into()))?;
                    }
                    string = None;
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => string = Some(at),
            b'{' | b'[' => {
                depth += 1;
                *keys.get_mut(depth).ok_or((at, Fault::TooDeep { limit: MAX_DEPTH }))? = 0;
            }
            b'}' | b']' => depth -= 1,
            b':' => {
                let keys = keys.get_mut(depth).map_or(0, |keys| {
                    *keys += 1;
                    *keys
                });
                if keys > MAX_KEYS {
                    return Err((at, Fault::TooManyKeys { limit: MAX_KEYS }));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
