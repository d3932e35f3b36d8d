//! White space, strings and words, and where the reader stands when they are not what they should be.

use super::reader::{Reader, Stop, Token};
use super::text::Text;

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes one unit of UTF-16: a character, or half of one that takes two.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            // The other half of a character of four bytes.
            0x80..=0xbf => 3,
            _ => 1,
        };
        Some(byte)
    }

    /// The next byte that is no white space; nothing at the end.
    pub(super) fn skip_space(&mut self) -> Result<Option<u8>, Stop> {
        while let Some(byte) = self.next() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                0..=b' ' | b'/' => return Err(Stop::Mistake),
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// The next byte behind the comma that `byte` should be.
    pub(super) fn after_comma(&mut self, byte: u8) -> Result<u8, Stop> {
        if byte != b',' {
            return Err(Stop::Mistake);
        }
        self.skip_space()?.ok_or(Stop::Mistake)
    }

    /// The next byte behind a colon.
    pub(super) fn after_colon(&mut self) -> Result<u8, Stop> {
        if self.skip_space()? != Some(b':') {
            return Err(Stop::Mistake);
        }
        self.skip_space()?.ok_or(Stop::Mistake)
    }

    /// Reads to the end of a string that has begun.
    pub(super) fn read_quoted(&mut self, quote: u8, text: &mut Text) -> Result<(), Stop> {
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let special = |byte: &u8| *byte == quote || *byte == b'\\' || *byte < b' ';
            let length = rest.iter().position(special).ok_or(Stop::Mistake);
            // At the end of the record nothing is left to read, wherever the reader stands.
            let length = length.inspect_err(|_| self.at = self.text.len())?;
            text.push_str(self.text.get(self.at..self.at + length).unwrap_or_default());
            self.at += length;
            match self.next() {
                Some(b'\\') => text.push_unit(self.read_escape()?),
                Some(byte) if byte == quote => return Ok(()),
                _ => return Err(Stop::Mistake),
            }
        }
    }

    fn read_escape(&mut self) -> Result<u16, Stop> {
        Ok(u16::from(match self.next().ok_or(Stop::Mistake)? {
            b'b' => b'\x08',
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => b'\x0c',
            b'r' => b'\r',
            same @ (b'"' | b'/' | b'\\' | b'\'') => same,
            b'u' => return self.read_code_unit(),
            _ => return Err(Stop::Mistake),
        }))
    }

    fn read_code_unit(&mut self) -> Result<u16, Stop> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.next().ok_or(Stop::Mistake)?;
            let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
            unit = unit << 4 | digit.ok_or(Stop::Mistake)?;
        }
        Ok(unit)
    }

    /// Reads what follows the first `read` letters of `word`.
    pub(super) fn literal(&mut self, word: &str, read: usize) -> Result<(), Stop> {
        for (at, letter) in word.bytes().enumerate().skip(read) {
            if self.peek() != Some(letter) {
                return Err(self.skip_word(at));
            }
            self.at += 1;
        }
        match self.peek() {
            Some(byte) if byte >= b'0' && self.letter_length() > 0 => {
                Err(self.skip_word(word.len()))
            }
            _ => Ok(()),
        }
    }

    /// Passes over a word that is none of those that there are, and of which `read` letters were.
    pub(super) fn skip_word(&mut self, read: usize) -> Stop {
        const LONGEST: usize = 256;
        for _ in read..LONGEST {
            match self.letter_length() {
                0 => break,
                length => self.at += length,
            }
        }
        Stop::Mistake
    }

    /// The bytes of the next character if it may be part of a name of Java; those outside of ASCII
    /// nearly so.
    pub(super) fn letter_length(&self) -> usize {
        let Some(char) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
            return 0;
        };
        let is_letter = match char {
            '\0'..='\x08' | '\x0e'..='\x1b' | '\x7f'..='\u{9f}' | '$' | '_' => true,
            char => char.is_alphanumeric(),
        };
        if is_letter { char.len_utf8() } else { 0 }
    }

    /// What begins with none of the letters of JSON.
    pub(super) fn read_odd_value(&mut self, byte: u8) -> Result<Token, Stop> {
        match byte {
            b'N' => self.literal("NaN", 1).map(|()| self.non_finite(f64::NAN)),
            b'I' => self.literal("Infinity", 1).map(|()| self.non_finite(f64::INFINITY)),
            b'+' => {
                let first = self.next().ok_or(Stop::Mistake)?;
                self.read_infinity(first, false)
            }
            _ => {
                let char = self.text.get(..self.at).and_then(|read| read.chars().next_back());
                let is_word = char.is_some_and(|char| char.is_alphabetic() || "_$".contains(char));
                Err(if is_word { self.skip_word(1) } else { Stop::Mistake })
            }
        }
    }
}
