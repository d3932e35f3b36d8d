//! What an epoch reads, cut into ranges that workers share: many files by the bytes they have, and a large one
//! between its lines.

use highwater_core::{Partition, Range, RangeId};

use crate::detail::{Between, Part, Parts, Stretch, Taken, position};
use crate::packing::Packing;

/// The ranges of an epoch are about so many at most: each stands in the log, and has a decoder.
const MOST: u64 = 32;

/// The ranges that read `files` from an offset on, each of `piece` bytes as they are stored or more, where
/// there are that many. The last one ends with what will have been taken.
pub(crate) fn ranges(
    (partition, begin): (&Partition, i64),
    files: Vec<Part>,
    taken: &Taken,
    piece: u64,
) -> Vec<Range> {
    let pieces = cut(files, piece);
    let last = pieces.len().saturating_sub(1);
    let mut next = begin;
    let range = |(place, parts): (usize, Parts)| {
        let from = position(next, &parts);
        next = next.saturating_add(parts.span());
        let to = if place == last { position(next, taken) } else { position(next, &Between::HERE) };
        let id = RangeId(u32::try_from(place).unwrap_or(u32::MAX));
        Range { id, partition: partition.clone(), from, to }
    };
    pieces.into_iter().enumerate().map(range).collect()
}

fn cut(files: Vec<Part>, piece: u64) -> Vec<Parts> {
    let bytes =
        |files: &[Part]| files.iter().map(|file| file.version().bytes).fold(0, u64::saturating_add);
    let piece = piece.max(bytes(&files).div_ceil(MOST)).max(1);
    let mut pieces = Vec::new();
    let mut whole = Parts::default();
    for file in files {
        let stretches = stretches(&file, piece);
        if stretches.is_empty() {
            whole.files.push(file);
            if bytes(&whole.files) >= piece {
                pieces.push(std::mem::take(&mut whole));
            }
            continue;
        }
        if !whole.files.is_empty() {
            pieces.push(std::mem::take(&mut whole));
        }
        let of = |stretch| Parts { files: vec![file.clone()], stretch: Some(stretch) };
        pieces.extend(stretches.into_iter().map(of));
    }
    if !whole.files.is_empty() {
        pieces.push(whole);
    }
    pieces
}

/// The stretches of a file, of about the same length; none where it is read whole. Where a packed one could
/// be entered nobody knows without unpacking it.
fn stretches(file: &Part, piece: u64) -> Vec<Stretch> {
    let bytes = file.version().bytes;
    let count = bytes / piece;
    if count < 2 || Packing::of(file.path()) != Packing::Plain {
        return Vec::new();
    }
    let length = bytes.div_ceil(count);
    let end = |number: u64| number.saturating_mul(length).min(bytes);
    (0..count)
        .map(|number| Stretch(end(number), end(number + 1)))
        .filter(|it| it.0 < it.1)
        .collect()
}

#[cfg(test)]
mod tests;
