//! Short texts at the end of others.

/// Appends the first `length` bytes of `source`. Where more follow them, as in a record, 16 are copied at
/// once, and what is too much is taken back.
#[inline(always)]
pub(crate) fn push_first(bytes: &mut Vec<u8>, source: &[u8], length: usize) {
    match source.first_chunk::<16>() {
        Some(chunk) if length <= chunk.len() => {
            let end = bytes.len() + length;
            bytes.extend_from_slice(chunk);
            bytes.truncate(end);
        }
        _ => push_others(bytes, source.get(..length).unwrap_or(source)),
    }
}

#[inline(never)]
fn push_others(bytes: &mut Vec<u8>, text: &[u8]) {
    push(bytes, text);
}

/// Appends `text`. Most texts have few bytes: these are copied as two words that may overlap, which
/// takes half the time of a call of the general copy.
#[inline(always)]
pub(crate) fn push(bytes: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        0..=1 => bytes.extend(text.first()),
        2..=3 => push_words::<2>(bytes, text),
        4..=7 => push_words::<4>(bytes, text),
        8..=15 => push_words::<8>(bytes, text),
        16..=32 => push_words::<16>(bytes, text),
        _ => bytes.extend_from_slice(text),
    }
}

/// Appends a text of as many bytes as one word has, up to as many as two have.
#[inline(always)]
fn push_words<const BYTES: usize>(bytes: &mut Vec<u8>, text: &[u8]) {
    let (Some(first), Some(last)) = (text.first_chunk::<BYTES>(), text.last_chunk::<BYTES>())
    else {
        return;
    };
    let end = bytes.len() + text.len();
    bytes.extend_from_slice(first);
    bytes.truncate(end - BYTES);
    bytes.extend_from_slice(last);
}

#[cfg(test)]
mod tests;
