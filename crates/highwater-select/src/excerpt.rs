//! A place in the text of an expression, shown as its line with carets below.

use std::fmt;

use sqlparser::tokenizer::{Location, Span};

/// A part of the text of an expression.
///
/// Shows as two lines: the line of the text that the part begins in, and carets below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    line: String,
    from: usize,
    width: usize,
}

impl Excerpt {
    /// The part of `text` at `span`; all of it when the span is of nothing.
    pub(crate) fn new(text: &str, span: Span) -> Self {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let all = Span::new(Location::new(1, 1), Location::new(1, 1));
        let span = if span == Span::empty() { all } else { span };
        let line = text.lines().nth(number(span.start.line).saturating_sub(1)).unwrap_or(text);
        let length = line.chars().count();
        let from = number(span.start.column).saturating_sub(1).min(length);
        let to = match span.end.line > span.start.line || span == all {
            true => length,
            false => number(span.end.column).saturating_sub(1).min(length),
        };
        Self { line: line.to_owned(), from, width: to.saturating_sub(from).max(1) }
    }

    /// The text that it shows.
    pub fn text(&self) -> String {
        self.line.chars().skip(self.from).take(self.width).collect()
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tab before the part is as wide in the line below.
        let before = self.line.chars().take(self.from);
        let before: String = before.map(|it| if it == '\t' { it } else { ' ' }).collect();
        write!(f, "\n    {}\n    {before}{}", self.line, "^".repeat(self.width))
    }
}

#[cfg(test)]
mod tests;
