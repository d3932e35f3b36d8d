//! Walks over the bytes of a record that looks as records usually do.
//!
//! What is passed is JSON and UTF-8, and was looked at once. Nothing is the answer to all that is
//! not: also to escapes, which somebody else has to read.

use super::{MAX_DEPTH, MAX_KEYS};

/// The lowest and the highest bit of each byte.
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// What is left of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a>(pub(super) &'a [u8]);

impl<'a> Scanner<'a> {
    /// The next byte, which is not passed.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Passes the next byte.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// Passes the next byte, which is `byte`.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Passes white space, if there is any.
    #[inline]
    pub(super) fn space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Passes a word of letters.
    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    /// The inside of a string without escapes, whose first quote is passed already.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.0.split_at_checked(end_of_string(self.0)?)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// A number as written, of which no byte is passed yet.
    #[inline]
    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
        let (number, rest) = self.0.split_at_checked(end_of_number(self.0)?)?;
        self.0 = rest;
        Some(number)
    }

    /// Passes a value in an object or array at `depth`.
    #[inline]
    pub(super) fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.next()?;
                self.string()?;
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
            }
            b'n' => self.word(b"null")?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'{' | b'[' => self.0 = container(self.0, depth + 1)?,
            _ => return None,
        }
        Some(())
    }
}

/// What follows the object or array at `depth` with which `bytes` begins.
fn container(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut scanner = Scanner(bytes);
    let object = scanner.next()? == b'{';
    let end = if object { b'}' } else { b']' };
    scanner.space();
    if scanner.peek()? == end {
        return scanner.0.get(1..);
    }
    let mut keys = 0;
    loop {
        if object {
            keys += 1;
            if keys > MAX_KEYS {
                return None;
            }
            scanner.expect(b'"')?;
            scanner.string()?;
            scanner.space();
            scanner.expect(b':')?;
            scanner.space();
        }
        scanner.value(depth)?;
        scanner.space();
        match scanner.next()? {
            b',' => scanner.space(),
            byte if byte == end => return Some(scanner.0),
            _ => return None,
        }
    }
}

/// The place of the quote that ends a string without escapes, whose first quote is passed already.
#[inline(always)]
pub(super) fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let end = end_of_ascii(bytes)?;
    if *bytes.get(end)? == b'"' { Some(end) } else { end_of_wide_string(bytes, end) }
}

/// The place of the quote that ends a string without escapes, of which the first `ascii` bytes are
/// known.
#[inline(never)]
fn end_of_wide_string(bytes: &[u8], ascii: usize) -> Option<usize> {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let end = ascii + bytes.get(ascii..)?.iter().position(special)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    (rest.first() == Some(&b'"') && std::str::from_utf8(text).is_ok()).then_some(end)
}

/// The length of the number with which `bytes` begins.
///
/// Source: RFC 8259 section 6.
#[inline]
fn end_of_number(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut rest = match rest {
        [b'0', rest @ ..] => rest,
        _ => after_digits(rest)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = after_digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = match exponent {
            [b'+' | b'-', digits @ ..] => after_digits(digits)?,
            digits => after_digits(digits)?,
        };
    }
    Some(bytes.len() - rest.len())
}

/// What follows the digits with which `bytes` begins, one at least.
#[inline]
fn after_digits(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    if end == 0 { None } else { bytes.get(end..) }
}

/// The place of the first byte that is a quote, a backslash, a control character or not ASCII.
#[inline(always)]
fn end_of_ascii(bytes: &[u8]) -> Option<usize> {
    let mut before = 0;
    for word in bytes.as_chunks::<8>().0 {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(before + first_byte(found));
        }
        before += 8;
    }
    end_of_ascii_in_tail(bytes, before)
}

/// The same where only fewer than eight bytes are left to be looked at.
#[inline(never)]
fn end_of_ascii_in_tail(bytes: &[u8], before: usize) -> Option<usize> {
    let left = bytes.len().checked_sub(before).filter(|left| (1..8).contains(left))?;
    let word = match bytes.last_chunk::<8>() {
        // Zeros come in from above. They are control characters, and so an end.
        Some(word) => u64::from_le_bytes(*word) >> (64 - 8 * left),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let at = first_byte(special(word));
    (at < left).then_some(before + at)
}

/// The high bit of the lowest byte that is a quote, a backslash, a control character or not ASCII.
/// Bits above it mean nothing.
#[inline(always)]
fn special(word: u64) -> u64 {
    // With one bit turned over, the quote comes right behind the control characters.
    let quote_or_control = (word ^ (LOW * 0x02)).wrapping_sub(LOW * 0x21);
    let backslash = (word ^ (LOW * 0x5c)).wrapping_sub(LOW);
    (quote_or_control | backslash | word) & HIGH
}

/// Which byte the lowest bit is in.
#[inline(always)]
fn first_byte(bits: u64) -> usize {
    usize::try_from(bits.trailing_zeros() / 8).unwrap_or(8)
}

#[cfg(test)]
mod tests;
