//! JSON as a stream of tokens, as Jackson reads it for Spark.
//!
//! Spark goes on after some mistakes, from where the parser happens to stand. To give its answers
//! this reader stands at the same place after each mistake, so its steps are those of Jackson.
//!
//! Source: `ReaderBasedJsonParser` of Jackson 2.21 with `ALLOW_SINGLE_QUOTES` and
//! `ALLOW_NON_NUMERIC_NUMBERS`.

use super::text::Text;
use crate::json::{MAX_DEPTH, MAX_KEYS};
use crate::{Fault, Reason};

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// A mistake of the record. The reader may be asked to go on.
    Mistake,
    /// What no rules of Spark let pass, such as a limit.
    Rejected(Reason),
}

/// A token. Numbers and strings are asked for at the reader while they are its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name,
    Object,
    EndObject,
    Array,
    EndArray,
    String,
    Int,
    Float,
    True,
    False,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document,
    Object,
    Array,
}

/// An object or an array that is open, or the document.
#[derive(Debug)]
struct Scope {
    kind: Kind,
    /// Whether something was read in it, so that a comma has to follow.
    begun: bool,
    keys: usize,
    /// The last key.
    name: Option<Text>,
}

impl Scope {
    fn new(kind: Kind) -> Self {
        Self { kind, begun: false, keys: 0, name: None }
    }
}

/// The number that is the token.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// As it stands from one byte to another.
    Written(usize, usize),
    /// `NaN` or an infinity.
    NonFinite(f64),
}

/// Reads one record.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    /// The byte that comes next.
    pub(super) at: usize,
    token: Option<Token>,
    /// The value behind the name that is the token; it is found together with the name.
    value: Option<Token>,
    /// Whether the string that is the token is still to be read.
    unread: bool,
    string: Text,
    /// A buffer for the next key.
    spare: Text,
    pub(super) number: Number,
    scope: Scope,
    outer: Vec<Scope>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            token: None,
            value: None,
            unread: false,
            string: Text::default(),
            spare: Text::default(),
            number: Number::Written(0, 0),
            scope: Scope::new(Kind::Document),
            outer: Vec::new(),
        }
    }

    /// The token at which the reader stands.
    pub(super) fn token(&self) -> Option<Token> {
        self.token
    }

    /// The key to which the token belongs.
    pub(super) fn name(&self) -> Option<&Text> {
        match (self.token, self.outer.last()) {
            (Some(Token::Object | Token::Array), Some(outer)) => outer.name.as_ref(),
            _ => self.scope.name.as_ref(),
        }
    }

    /// Goes on to the next token; nothing at the end.
    pub(super) fn advance(&mut self) -> Result<Option<Token>, Stop> {
        if self.token == Some(Token::Name) {
            self.token = self.value.take();
            return self.enter();
        }
        if std::mem::take(&mut self.unread) {
            self.skip_string()?;
        }
        let Some(byte) = self.skip_space()? else {
            if self.scope.kind != Kind::Document {
                return Err(Stop::Mistake);
            }
            self.token = None;
            return Ok(None);
        };
        if matches!(byte, b'}' | b']') {
            return self.leave(byte);
        }
        let begun = std::mem::replace(&mut self.scope.begun, true);
        let byte =
            if begun && self.scope.kind != Kind::Document { self.after_comma(byte)? } else { byte };
        if self.scope.kind != Kind::Object {
            self.token = Some(self.read_value(byte)?);
            return self.enter();
        }
        self.read_name(byte)?;
        self.token = Some(Token::Name);
        let byte = self.after_colon()?;
        self.value = Some(self.read_value(byte)?);
        Ok(self.token)
    }

    /// Opens a scope if the token begins one.
    fn enter(&mut self) -> Result<Option<Token>, Stop> {
        let kind = match self.token {
            Some(Token::Object) => Kind::Object,
            Some(Token::Array) => Kind::Array,
            token => return Ok(token),
        };
        self.outer.push(std::mem::replace(&mut self.scope, Scope::new(kind)));
        if self.outer.len() > MAX_DEPTH {
            return Err(self.rejected(Fault::TooDeep { limit: MAX_DEPTH }));
        }
        Ok(self.token)
    }

    fn leave(&mut self, byte: u8) -> Result<Option<Token>, Stop> {
        let (kind, token) = match byte {
            b'}' => (Kind::Object, Token::EndObject),
            _ => (Kind::Array, Token::EndArray),
        };
        if self.scope.kind != kind {
            return Err(Stop::Mistake);
        }
        if let Some(outer) = self.outer.pop() {
            self.scope = outer;
        }
        self.token = Some(token);
        Ok(self.token)
    }

    /// Goes to the end of the object or array that the token begins.
    pub(super) fn skip_children(&mut self) -> Result<(), Stop> {
        if !matches!(self.token, Some(Token::Object | Token::Array)) {
            return Ok(());
        }
        let mut open = 1_usize;
        while open > 0 {
            match self.advance()? {
                Some(Token::Object | Token::Array) => open += 1,
                Some(Token::EndObject | Token::EndArray) => open -= 1,
                Some(_) => {}
                None if self.scope.kind == Kind::Document => break,
                None => return Err(Stop::Mistake),
            }
        }
        Ok(())
    }

    /// The string that is the token.
    pub(super) fn string(&mut self) -> Result<&Text, Stop> {
        if std::mem::take(&mut self.unread) {
            self.read_string(b'"')?;
        }
        Ok(&self.string)
    }

    /// The number that is the token, as it is written.
    pub(super) fn digits(&self) -> &'a str {
        match self.number {
            Number::Written(from, to) => self.text.get(from..to).unwrap_or_default(),
            Number::NonFinite(_) => "",
        }
    }

    fn read_string(&mut self, quote: u8) -> Result<(), Stop> {
        let mut string = std::mem::take(&mut self.string);
        string.clear();
        let read = self.read_quoted(quote, &mut string);
        self.string = string;
        read
    }

    fn skip_string(&mut self) -> Result<(), Stop> {
        self.read_string(b'"')
    }

    fn read_name(&mut self, byte: u8) -> Result<(), Stop> {
        const LONGEST: usize = 50_000;
        if !matches!(byte, b'"' | b'\'') {
            return Err(Stop::Mistake);
        }
        self.scope.keys += 1;
        if self.scope.keys > MAX_KEYS {
            return Err(self.rejected(Fault::TooManyKeys { limit: MAX_KEYS }));
        }
        let mut name = std::mem::take(&mut self.spare);
        name.clear();
        self.read_quoted(byte, &mut name)?;
        if name.as_str().encode_utf16().nth(LONGEST).is_some() {
            return Err(Stop::Mistake);
        }
        self.spare = self.scope.name.replace(name).unwrap_or_default();
        Ok(())
    }

    fn read_value(&mut self, byte: u8) -> Result<Token, Stop> {
        match byte {
            b'"' => {
                self.unread = true;
                Ok(Token::String)
            }
            b'\'' => self.read_string(b'\'').map(|()| Token::String),
            b'{' => Ok(Token::Object),
            b'[' => Ok(Token::Array),
            b't' => self.literal("true", 1).map(|()| Token::True),
            b'f' => self.literal("false", 1).map(|()| Token::False),
            b'n' => self.literal("null", 1).map(|()| Token::Null),
            b'-' | b'0'..=b'9' => self.read_number(byte),
            _ => self.read_odd_value(byte),
        }
    }

    /// Rejects the record because of what stands before the next byte.
    fn rejected(&self, fault: Fault) -> Stop {
        Stop::Rejected(Reason::new(Some(self.at.saturating_sub(1)), fault))
    }
}
