//! The quick way through a record: over its bytes, straight into the columns.
//!
//! It accepts nothing that the long way would not accept with the same values, and gives no reasons:
//! nothing means that the long way shall decide about this record, after what was appended for it
//! has been taken back.

use super::{Feeds, Object, ValueColumn};
use crate::json::scanner::Scanner;
use crate::json::text::Token;
use crate::json::{MAX_BYTES, MAX_KEYS};

impl Object {
    /// Appends the row that `record` is.
    pub(in crate::json) fn read_quickly(&mut self, record: &[u8]) -> Option<()> {
        if record.len() > MAX_BYTES {
            return None;
        }
        let mut scanner = Scanner(record);
        scanner.space();
        scanner.expect(b'{')?;
        scanner = self.read_members(scanner)?;
        scanner.space();
        scanner.0.is_empty().then_some(())
    }

    /// Reads an object whose brace is passed.
    fn read_members<'a>(&mut self, mut scanner: Scanner<'a>) -> Option<Scanner<'a>> {
        self.begin();
        scanner.space();
        if scanner.peek()? == b'}' {
            scanner.next()?;
            return self.end_quickly().map(|()| scanner);
        }
        let mut expected = self.order.first();
        let mut previous = None;
        for _ in 0..MAX_KEYS {
            let (key, rest) = match self.order.strip(expected, scanner.0) {
                Some(rest) => (Some(expected), Scanner(rest)),
                None => self.find_key(scanner, expected, previous)?,
            };
            scanner = rest;
            if let Some(key) = key {
                previous = Some(key);
                expected = self.order.after(key);
            }
            scanner.space();
            match key.and_then(|key| self.members.get_mut(key)) {
                None => scanner.value(self.depth)?,
                Some(member) => {
                    if std::mem::replace(&mut member.serial, self.serial) == self.serial {
                        return None;
                    }
                    self.seen += 1;
                    scanner = member.feeds.read_quickly(scanner)?;
                }
            }
            scanner.space();
            match scanner.next()? {
                b',' => scanner.space(),
                b'}' => return self.end_quickly().map(|()| scanner),
                _ => return None,
            }
        }
        None
    }

    /// Passes a key that is not the expected one, and its colon. The key has no number when it is
    /// not known.
    #[inline(never)]
    fn find_key<'a>(
        &mut self,
        mut scanner: Scanner<'a>,
        expected: usize,
        previous: Option<usize>,
    ) -> Option<(Option<usize>, Scanner<'a>)> {
        // The expected one may be missing this time. It is expected again the next time.
        let second = self.order.after(expected);
        if let Some(rest) = self.order.strip(second, scanner.0) {
            return Some((Some(second), Scanner(rest)));
        }
        scanner.expect(b'"')?;
        let name = scanner.string()?;
        scanner.space();
        scanner.expect(b':')?;
        let key = self.order.find_or_learn(name, expected);
        if let Some(key) = key {
            self.order.follow(previous, key);
        }
        Some((key, scanner))
    }

    /// Fills the columns whose keys did not come, if they take nulls.
    #[inline]
    fn end_quickly(&mut self) -> Option<()> {
        if self.seen == self.members.len() {
            return Some(());
        }
        for member in self.members.iter_mut().filter(|member| member.serial != self.serial) {
            if member.feeds.required().is_some() {
                return None;
            }
            member.feeds.push_null();
        }
        Some(())
    }
}

impl Feeds {
    /// Reads a value.
    #[inline]
    fn read_quickly<'a>(&mut self, mut scanner: Scanner<'a>) -> Option<Scanner<'a>> {
        match self {
            Self::Values(columns) => {
                let token = scanner.token()?;
                for column in columns {
                    column.push_quickly(token)?;
                }
            }
            Self::Struct(column) => match scanner.peek()? {
                b'{' => {
                    scanner.next()?;
                    scanner = column.object.read_members(scanner)?;
                    column.pushed();
                }
                _ => {
                    scanner.word(b"null")?;
                    column.try_push_null().ok()?;
                }
            },
        }
        Some(scanner)
    }
}

impl ValueColumn {
    #[inline]
    fn push_quickly(&mut self, token: Token<'_>) -> Option<()> {
        if !matches!(token, Token::Null) {
            return self.cells.push(token).ok();
        }
        if self.required {
            return None;
        }
        self.cells.push_null();
        Some(())
    }
}

impl<'a> Scanner<'a> {
    /// A value that is neither an object nor an array.
    #[inline]
    fn token(&mut self) -> Option<Token<'a>> {
        Some(match self.peek()? {
            b'"' => {
                self.next()?;
                Token::Text(self.string()?)
            }
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b'n' => self.word(b"null").map(|()| Token::Null)?,
            b't' => self.word(b"true").map(|()| Token::Boolean(true))?,
            b'f' => self.word(b"false").map(|()| Token::Boolean(false))?,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
