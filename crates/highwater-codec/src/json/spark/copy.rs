//! Values as the text that Spark makes of them for a column of text.

use super::double;
use super::reader::{Number, Reader, Stop, Token};

/// Appends the value at which the reader stands, as Spark writes it; nothing when it is null.
///
/// Strings lose quotes and escapes, objects and arrays their white space. A number with a point or an
/// exponent is written as the double that it is.
///
/// Source: `JsonGenerator.copyCurrentStructure` of Jackson 2.21, as `JacksonParser` of Spark 4.1 uses it.
pub(super) fn text_of(reader: &mut Reader<'_>, out: &mut String) -> Result<Option<()>, Stop> {
    match reader.token() {
        None | Some(Token::Null) => return Ok(None),
        Some(Token::String) => out.push_str(reader.string()?.as_str()),
        Some(Token::Object | Token::Array) => copy_container(reader, out)?,
        Some(token) => copy_value(token, reader, out)?,
    }
    Ok(Some(()))
}

fn copy_container(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Stop> {
    let mut depth = 0_usize;
    let mut token = reader.token();
    while let Some(found) = token {
        separate(found, out);
        match found {
            Token::Object | Token::Array => {
                depth += 1;
                out.push(if found == Token::Object { '{' } else { '[' });
            }
            Token::EndObject | Token::EndArray => {
                depth = depth.saturating_sub(1);
                out.push(if found == Token::EndObject { '}' } else { ']' });
                if depth == 0 {
                    return Ok(());
                }
            }
            Token::Name => {
                if let Some(name) = reader.name() {
                    name.quote(out);
                    out.push(':');
                }
            }
            value => copy_value(value, reader, out)?,
        }
        token = reader.advance()?;
    }
    Ok(())
}

/// Writes the comma that goes before `token`, if one does. A value within a string ends with its
/// quote, so the last letter of `out` tells.
fn separate(token: Token, out: &mut String) {
    let is_first = matches!(out.bytes().last(), None | Some(b'{' | b'[' | b':'));
    if !is_first && !matches!(token, Token::EndObject | Token::EndArray) {
        out.push(',');
    }
}

fn copy_value(token: Token, reader: &mut Reader<'_>, out: &mut String) -> Result<(), Stop> {
    match token {
        Token::String => reader.string()?.quote(out),
        Token::Int => out.push_str(match reader.digits() {
            "-0" => "0",
            digits => digits,
        }),
        Token::Float => {
            let value = float(reader).ok_or(Stop::Mistake)?;
            let quote = if value.is_finite() { "" } else { "\"" };
            out.push_str(quote);
            double::write(value, out);
            out.push_str(quote);
        }
        Token::True => out.push_str("true"),
        Token::False => out.push_str("false"),
        Token::Null => out.push_str("null"),
        // What is left of a value after a mistake in it.
        _ => return Err(Stop::Mistake),
    }
    Ok(())
}

/// The number that is the token, as a double.
pub(super) fn float(reader: &Reader<'_>) -> Option<f64> {
    match reader.number {
        // A whole number has no negative zero.
        Number::Written(..) if reader.token() == Some(Token::Int) => {
            reader.digits().parse::<f64>().ok().map(|value| value + 0.0)
        }
        Number::Written(..) => reader.digits().parse().ok(),
        Number::NonFinite(value) => Some(value),
    }
}
