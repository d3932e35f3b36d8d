//! The quick way through a record: over its bytes, straight into the columns.
//!
//! It accepts nothing that the long way would not accept with the same values, and gives no reasons:
//! nothing means that the long way shall decide about this record, after what was appended for it
//! has been taken back.

use super::{Feeds, Object, ValueColumn};
use crate::json::order::NO_KEY;
use crate::json::scanner::{Scanner, end_of_string};
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
        let mut expected = self.order.first();
        let mut previous = NO_KEY;
        for keys_before in 0..MAX_KEYS {
            let key = match self.order.strip(expected, scanner.0) {
                Some((rest, next)) => {
                    scanner = Scanner(rest);
                    previous = expected;
                    std::mem::replace(&mut expected, next)
                }
                None if keys_before == 0 && is_empty(scanner) => return self.close(scanner),
                None => {
                    let (key, rest) = self.find_key(scanner, expected, previous)?;
                    scanner = rest;
                    if key != NO_KEY {
                        previous = key;
                        expected = self.order.after(key);
                    }
                    key
                }
            };
            match self.members.get_mut(key) {
                None => scanner = passed_over(scanner, self.depth)?,
                Some(member) => {
                    if !member.is_first_in(self.serial) {
                        return None;
                    }
                    self.seen += 1;
                    scanner = member.feeds.read_quickly(scanner)?;
                }
            }
            if scanner.peek()? != b',' {
                scanner.space();
                if scanner.peek()? != b',' {
                    return self.close(scanner);
                }
            }
            scanner.next()?;
        }
        None
    }

    /// Passes the end of an object.
    #[inline]
    fn close<'a>(&mut self, mut scanner: Scanner<'a>) -> Option<Scanner<'a>> {
        scanner.space();
        scanner.expect(b'}')?;
        self.end_quickly().map(|()| scanner)
    }

    /// Passes a key that is not written as expected, and its colon.
    #[inline(never)]
    fn find_key<'a>(
        &mut self,
        mut scanner: Scanner<'a>,
        expected: usize,
        previous: usize,
    ) -> Option<(usize, Scanner<'a>)> {
        // The expected one may be missing this time. It is expected again the next time, if there is such a key.
        let second = self.order.after(expected);
        if let Some((rest, _)) = self.order.strip(second, scanner.0) {
            if self.order.lead(expected).is_none() {
                self.order.follow(previous, second);
            }
            return Some((second, Scanner(rest)));
        }
        let lead = scanner.0;
        scanner.space();
        scanner.expect(b'"')?;
        let name = scanner.string()?;
        scanner.space();
        scanner.expect(b':')?;
        scanner.space();
        let Some(key) = self.order.find_or_learn(name, expected) else {
            return Some((NO_KEY, scanner));
        };
        self.order.follow(previous, key);
        self.order.learn(key, lead.get(..lead.len() - scanner.0.len())?);
        Some((key, scanner))
    }

    /// Fills the columns whose keys did not come, if they take nulls.
    #[inline]
    pub(super) fn end_quickly(&mut self) -> Option<()> {
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

/// Says whether an object whose brace is passed has no keys.
fn is_empty(mut scanner: Scanner<'_>) -> bool {
    scanner.space();
    scanner.peek() == Some(b'}')
}

/// Passes a value that feeds no column.
#[inline(never)]
pub(super) fn passed_over(mut scanner: Scanner<'_>, depth: usize) -> Option<Scanner<'_>> {
    scanner.value(depth)?;
    Some(scanner)
}

/// Reads a value that is neither a string, nor an object or array.
#[inline(never)]
fn read_bare<'a>(columns: &mut [ValueColumn], mut scanner: Scanner<'a>) -> Option<Scanner<'a>> {
    if let [column] = &mut *columns
        && let Some(length) = column.cells.push_plain(scanner.0)
    {
        return scanner.0.get(length..).map(Scanner);
    }
    let token = scanner.bare()?;
    for column in columns {
        column.push_quickly(token)?;
    }
    Some(scanner)
}

impl Feeds {
    /// Reads a value.
    #[inline(always)]
    pub(super) fn read_quickly<'a>(&mut self, mut scanner: Scanner<'a>) -> Option<Scanner<'a>> {
        match self {
            Self::Values(columns) => match scanner.0 {
                [b'"', inside @ ..] => {
                    let known = match &mut **columns {
                        [column] => column.cells.push_as_before(inside),
                        _ => None,
                    };
                    let length = match known {
                        Some(length) => length,
                        None => {
                            let length = end_of_string(inside)?;
                            for column in columns {
                                column.cells.push_text(inside, length).ok()?;
                            }
                            length
                        }
                    };
                    scanner = Scanner(inside.get(length + 1..)?);
                }
                _ => scanner = read_bare(columns, scanner)?,
            },
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
    #[inline(always)]
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
    /// A value that is neither a string, nor an object or array.
    #[inline(always)]
    fn bare(&mut self) -> Option<Token<'a>> {
        match self.peek()? {
            b'n' => self.word(b"null").map(|()| Token::Null),
            b't' => self.word(b"true").map(|()| Token::Boolean(true)),
            b'f' => self.word(b"false").map(|()| Token::Boolean(false)),
            _ => self.number().map(Token::Number),
        }
    }
}

#[cfg(test)]
mod tests;
