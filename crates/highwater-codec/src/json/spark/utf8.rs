//! Bytes as the text that Java makes of them.

use std::borrow::Cow;

/// The text of `bytes`, in which U+FFFD stands for what is not UTF-8.
///
/// Java counts what is wrong by other rules than Rust: three bytes that would be a surrogate are one
/// mistake, and so are two bytes of which a third is missing.
///
/// Source: `malformedN` of the JDK's decoder of UTF-8, observed with Java 17.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let mut rest = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(_) => bytes,
    };
    let mut text = String::with_capacity(bytes.len());
    while let Some(chunk) = rest.utf8_chunks().next() {
        text.push_str(chunk.valid());
        let (_, wrong) = rest.split_at_checked(chunk.valid().len()).unwrap_or_default();
        if wrong.is_empty() {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        rest = wrong.get(length_of(wrong)..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// How many bytes are one mistake, where there is one.
fn length_of(wrong: &[u8]) -> usize {
    let continues = |at: usize| wrong.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let second = wrong.get(1).copied().unwrap_or_default();
    match wrong.first() {
        Some(0xe0) if second & 0xe0 == 0x80 => 1,
        Some(0xe0..=0xef) if continues(1) => 2 + usize::from(continues(2)),
        Some(0xf0) if second < 0x90 => 1,
        Some(0xf4) if second & 0xf0 != 0x80 => 1,
        Some(0xf0..=0xf4) if continues(1) => 2 + usize::from(continues(2)),
        _ => 1,
    }
}
