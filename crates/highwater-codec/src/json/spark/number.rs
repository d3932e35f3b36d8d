//! Numbers, and where the reader stands when they are none.

use super::reader::{Number, Reader, Stop, Token};

/// The most digits of a number that Jackson takes.
const MAX_DIGITS: i64 = 1_000;

impl Reader<'_> {
    /// A number whose first letter was read.
    pub(super) fn read_number(&mut self, first: u8) -> Result<Token, Stop> {
        let start = self.at.saturating_sub(1);
        let negative = first == b'-';
        let lead = if negative {
            match self.peek() {
                None => return self.read_slowly(start, negative),
                Some(b'0'..=b'9') => self.next(),
                Some(_) => {
                    let found = self.next().ok_or(Stop::Mistake)?;
                    return self.read_infinity(found, true);
                }
            }
        } else {
            Some(first)
        };
        if lead == Some(b'0') {
            return self.read_slowly(start, negative);
        }
        let end = self.end_of_digits(self.at);
        let whole = 1 + count(end - self.at);
        match self.byte(end) {
            None => self.read_slowly(start, negative),
            Some(mark @ (b'.' | b'e' | b'E')) => {
                self.at = end + 1;
                match self.float_end(mark, end + 1)? {
                    Some((end, digits)) => self.found(Token::Float, start, end, whole + digits),
                    None => self.read_slowly(start, negative),
                }
            }
            Some(_) => self.found(Token::Int, start, end, whole),
        }
    }

    /// Where a number with a fraction or an exponent ends, and how many digits those have. Nothing at
    /// the end of the record. After a mistake the reader stands where it stood before.
    fn float_end(&self, mark: u8, from: usize) -> Result<Option<(usize, i64)>, Stop> {
        let (mut at, mut mark, mut digits) = (from, mark, 0);
        if mark == b'.' {
            let end = self.end_of_digits(at);
            let Some(next) = self.byte(end) else { return Ok(None) };
            if end == at {
                return Err(Stop::Mistake);
            }
            digits += count(end - at);
            (at, mark) = (end + 1, next);
        }
        if matches!(mark, b'e' | b'E') {
            let sign = matches!(self.byte(at), Some(b'-' | b'+'));
            let begin = at + usize::from(sign);
            let end = self.end_of_digits(begin);
            if self.byte(end).is_none() {
                return Ok(None);
            }
            if end == begin {
                return Err(Stop::Mistake);
            }
            digits += count(end - begin);
            at = end + 1;
        }
        Ok(Some((at.saturating_sub(1), digits)))
    }

    /// A number that begins with zero or ends the record, from its start. After a mistake the reader
    /// stands behind what should not be there.
    fn read_slowly(&mut self, start: usize, negative: bool) -> Result<Token, Stop> {
        self.at = start + usize::from(negative);
        let zero = self.peek() == Some(b'0');
        if zero && matches!(self.byte(self.at + 1), Some(b'0'..=b'9')) {
            self.at += 1;
            return Err(Stop::Mistake);
        }
        let mut digits = self.skip_digits();
        if digits == 0 {
            self.next();
            return Err(Stop::Mistake);
        }
        let (mut fraction, mut exponent) = (-1, -1);
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            exponent = self.some_digits()?;
        }
        let token = if fraction < 0 && exponent < 0 { Token::Int } else { Token::Float };
        if token == Token::Float {
            digits += fraction + exponent;
        }
        self.found(token, start, self.at, digits)
    }

    fn some_digits(&mut self) -> Result<i64, Stop> {
        match self.skip_digits() {
            0 => {
                self.next();
                Err(Stop::Mistake)
            }
            digits => Ok(digits),
        }
    }

    fn skip_digits(&mut self) -> i64 {
        let end = self.end_of_digits(self.at);
        let digits = count(end - self.at);
        self.at = end;
        digits
    }

    /// `found` follows a sign. It may be the first letter of an infinity.
    pub(super) fn read_infinity(&mut self, found: u8, negative: bool) -> Result<Token, Stop> {
        let value = if negative { f64::NEG_INFINITY } else { f64::INFINITY };
        if found == b'I' {
            match self.next() {
                Some(b'N') => return self.literal("-INF", 3).map(|()| self.non_finite(value)),
                Some(b'n') => return self.literal("-Infinity", 3).map(|()| self.non_finite(value)),
                _ => {}
            }
        }
        Err(Stop::Mistake)
    }

    pub(super) fn non_finite(&mut self, value: f64) -> Token {
        self.number = Number::NonFinite(value);
        Token::Float
    }

    fn found(&mut self, token: Token, from: usize, to: usize, digits: i64) -> Result<Token, Stop> {
        self.at = to;
        self.number = Number::Written(from, to);
        if digits > MAX_DIGITS { Err(Stop::Mistake) } else { Ok(token) }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn end_of_digits(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
}

fn count(digits: usize) -> i64 {
    i64::try_from(digits).unwrap_or(i64::MAX)
}
