//! Strings as Java has them: a `\u` escape may name half of a surrogate pair.

use std::fmt::Write as _;

/// A string. Half of a surrogate pair is a `?`, as which Spark writes it, with its value beside it.
#[derive(Debug, Default)]
pub(super) struct Text {
    chars: String,
    /// Where halves are, and what they are.
    halves: Vec<(usize, u16)>,
}

impl Text {
    pub(super) fn clear(&mut self) {
        self.chars.clear();
        self.halves.clear();
    }

    pub(super) fn as_str(&self) -> &str {
        &self.chars
    }

    /// Whether it is exactly what [`as_str`](Self::as_str) says.
    pub(super) fn is_whole(&self) -> bool {
        self.halves.is_empty()
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.chars.push_str(text);
    }

    /// Appends a unit of UTF-16, which may complete the pair that the one before began.
    pub(super) fn push_unit(&mut self, unit: u16) {
        if let Some(char) = char::from_u32(u32::from(unit)) {
            return self.chars.push(char);
        }
        if let Some((at, first)) = self.halves.last().copied()
            && at + 1 == self.chars.len()
            && let Some(Ok(char)) = char::decode_utf16([first, unit]).next()
        {
            self.halves.pop();
            self.chars.pop();
            return self.chars.push(char);
        }
        self.halves.push((self.chars.len(), unit));
        self.chars.push('?');
    }

    /// Appends it to `out` as a JSON string. What is outside of the basic plane is escaped.
    ///
    /// Source: `UTF8JsonGenerator` of Jackson 2.21.
    pub(super) fn quote(&self, out: &mut String) {
        let mut halves = self.halves.iter();
        let mut half = halves.next();
        out.push('"');
        for (at, char) in self.chars.char_indices() {
            match half {
                Some((place, unit)) if *place == at => {
                    escape(*unit, out);
                    half = halves.next();
                }
                _ => quote_char(char, out),
            }
        }
        out.push('"');
    }
}

fn quote_char(char: char, out: &mut String) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        ' '..='\u{ffff}' => out.push(char),
        _ => char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escape(*unit, out)),
    }
}

fn escape(unit: u16, out: &mut String) {
    // Writing to a String cannot fail.
    let _written = write!(out, "\\u{unit:04X}");
}
