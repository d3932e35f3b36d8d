//! From text to a syntax tree, whose parts know where in the text they stand.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectNamePart, SelectItem, WildcardAdditionalOptions,
};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use crate::{Excerpt, SelectError};

/// The deepest that a tree may be: what walks over it calls itself as deep.
const DEEPEST: usize = 64;

/// What one text of a select stands for.
#[derive(Debug)]
pub(crate) enum Item {
    /// All columns but some.
    All(Vec<Ident>),
    /// One column: its expression, and its name if it was given one.
    One(Box<Expr>, Option<Ident>),
}

/// Reads a text of a select.
///
/// # Errors
/// [`SelectError::Syntax`], and [`SelectError::Unsupported`] for what no select of ours has.
pub(crate) fn item(text: &str) -> Result<Item, SelectError> {
    let unsupported = |what, instead, span| {
        let at = Excerpt::new(text, span);
        Err(SelectError::Unsupported { what, instead, at })
    };
    match read(text, |parser| parser.parse_select_item())? {
        SelectItem::UnnamedExpr(expr) => Ok(Item::One(Box::new(expr), None)),
        SelectItem::ExprWithAlias { expr, alias } => Ok(Item::One(Box::new(expr), Some(alias))),
        SelectItem::Wildcard(options) => match exceptions(options) {
            Some(exceptions) => Ok(Item::All(exceptions)),
            None => unsupported(
                "* can be followed by EXCEPT alone",
                "write * EXCEPT (a, b)",
                Span::empty(),
            ),
        },
        SelectItem::QualifiedWildcard(..) | SelectItem::ExprWithAliases { .. } => {
            unsupported("this stands for several columns", "write them one by one", Span::empty())
        }
    }
}

/// Reads a condition.
///
/// # Errors
/// [`SelectError::Syntax`].
pub(crate) fn condition(text: &str) -> Result<Expr, SelectError> {
    read(text, |parser| parser.parse_expr())
}

/// The columns that a `*` leaves out; none where it says anything else.
fn exceptions(options: WildcardAdditionalOptions) -> Option<Vec<Ident>> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_except,
        opt_ilike: None,
        opt_exclude: None,
        opt_replace: None,
        opt_rename: None,
        opt_alias: None,
    } = options
    else {
        return None;
    };
    Some(opt_except.map_or_else(Vec::new, |except| {
        std::iter::once(except.first_element).chain(except.additional_elements).collect()
    }))
}

fn read<T>(
    text: &str,
    parse: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, SelectError> {
    let syntax = |what: String, span| SelectError::Syntax { what, at: Excerpt::new(text, span) };
    let tokens = Tokenizer::new(&Spark, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| {
        let at = error.location;
        syntax(error.message, Span::new(at, Location::new(at.line, at.column + 1)))
    })?;
    if let Some(span) = too_deep(&tokens) {
        let what = "expressions are nested too deep, or have too many operators in a row";
        let instead = "compute it in several steps; for values to compare with there is IN";
        return Err(SelectError::Unsupported { what, instead, at: Excerpt::new(text, span) });
    }
    // `1.5D` would be 1.5 under the name of D.
    let suffix = tokens.windows(2).find_map(|pair| match pair {
        [number, word] => match (&number.token, &word.token) {
            (Token::Number(..), Token::Word(_)) => Some(word.span),
            _ => None,
        },
        _ => None,
    });
    if let Some(span) = suffix {
        return Err(syntax("no letters follow a number, L for a long excepted".to_owned(), span));
    }
    let mut parser = Parser::new(&Spark).with_tokens_with_locations(tokens.clone());
    let parsed = parse(&mut parser).map_err(|error| {
        let (what, start) = in_words(error);
        syntax(what, place(text, &tokens, start))
    })?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let what = format!("expected the end of the expression, found {}", next.token);
        return Err(syntax(what, next.span));
    }
    Ok(parsed)
}

/// Where a tree becomes too deep. Brackets make one deeper, and so does each operator in a row, since
/// `a + b + c` is `(a + b) + c`.
fn too_deep(tokens: &[TokenWithSpan]) -> Option<Span> {
    let mut open = vec![0_usize];
    let mut depth = 0_usize;
    for token in tokens {
        let word = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match (&token.token, word) {
            (Token::Whitespace(_), _) => continue,
            (Token::LParen | Token::LBracket, _) | (_, Keyword::CASE) => {
                open.push(0);
                depth += 1;
            }
            (Token::RParen | Token::RBracket, _) | (_, Keyword::END) if open.len() > 1 => {
                let inner = open.pop().unwrap_or_default();
                depth = depth.saturating_sub(inner + 1);
            }
            // What follows stands beside what was before.
            (Token::Comma, _) | (_, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                let beside = open.last_mut().map(std::mem::take).unwrap_or_default();
                depth = depth.saturating_sub(beside);
            }
            (token, word) if is_operator(token, word) => {
                if let Some(last) = open.last_mut() {
                    *last += 1;
                    depth += 1;
                }
            }
            _ => {}
        }
        if depth > DEEPEST {
            return Some(token.span);
        }
    }
    None
}

fn is_operator(token: &Token, word: Keyword) -> bool {
    match token {
        Token::Word(_) => matches!(
            word,
            Keyword::AND
                | Keyword::BETWEEN
                | Keyword::DIV
                | Keyword::ILIKE
                | Keyword::IN
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::NOT
                | Keyword::OR
                | Keyword::REGEXP
                | Keyword::RLIKE
        ),
        Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => false,
        Token::Period => false,
        _ => true,
    }
}

/// What the parser says, and where, which it tells in words alone.
fn in_words(error: ParserError) -> (String, Option<Location>) {
    let what = match error {
        ParserError::TokenizerError(what) | ParserError::ParserError(what) => what,
        ParserError::RecursionLimitExceeded => {
            return ("expressions are nested too deep".to_owned(), None);
        }
    };
    let (what, start) = match what.rsplit_once(" at Line: ") {
        Some((what, place)) => {
            let numbers = place.split_once(", Column: ");
            let numbers = numbers.and_then(|(line, column)| {
                Some(Location::new(line.parse().ok()?, column.trim().parse().ok()?))
            });
            (what.to_owned(), numbers)
        }
        None => (what, None),
    };
    let what = what.replace("Expected: ", "expected ").replace(", found: ", ", found ");
    (what.replace("found EOF", "found the end"), start)
}

/// The token that begins there; the end of the text where none does.
fn place(text: &str, tokens: &[TokenWithSpan], start: Option<Location>) -> Span {
    let found = tokens.iter().find(|token| Some(token.span.start) == start);
    let found = found.map(|token| token.span).filter(|span| *span != Span::empty());
    found.unwrap_or_else(|| {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let last = text.lines().last().unwrap_or_default().chars().count();
        let end = Location::new(number(text.lines().count().max(1)), number(last) + 1);
        Span::new(end, Location::new(end.line, end.column + 1))
    })
}

/// The name of a function, where it is a single one.
pub(crate) fn single(name: &sqlparser::ast::ObjectName) -> Option<&Ident> {
    match &*name.0 {
        [ObjectNamePart::Identifier(name)] => Some(name),
        _ => None,
    }
}

/// The lexical rules of Spark: names in backquotes, and a backslash that escapes in text.
///
/// `Source:` Spark 4.1, `SqlBaseLexer.g4`.
#[derive(Debug)]
struct Spark;

impl Dialect for Spark {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if !parser.parse_keyword(Keyword::DIV) {
            return None;
        }
        let binds = self.prec_value(Precedence::MulDivModOp);
        let right = parser.parse_subexpr(binds).map(Box::new);
        let op = BinaryOperator::MyIntegerDivide;
        Some(right.map(|right| Expr::BinaryOp { left: Box::new(expr.clone()), op, right }))
    }
}

#[cfg(test)]
mod tests;
