//! Which memory an answer gets.

use super::{Frames, KEPT, MOST_BYTES};

const SIZE: usize = 100_000;

fn filled(frames: &mut Frames, size: usize, byte: u8) -> bytes::Bytes {
    let mut frame = frames.take(size);
    assert!(frame.is_empty() && frame.capacity() >= size);
    frame.resize(size, byte);
    frames.lend(frame)
}

#[test]
fn memory_is_used_again_once_nobody_holds_a_part_of_it() {
    let mut frames = Frames::default();
    let first = filled(&mut frames, SIZE, 1);
    let place = first.as_ptr();
    let part = first.slice(SIZE / 2..);
    drop(first);
    let second = filled(&mut frames, SIZE, 2);
    assert_ne!(second.as_ptr(), place);
    assert!(part.iter().all(|byte| *byte == 1), "it is not written over before");
    drop(part);
    assert_eq!(filled(&mut frames, SIZE + 1_000, 3).as_ptr(), place);
    assert!(second.iter().all(|byte| *byte == 2));
}

#[test]
fn no_more_is_kept_than_answers_are_under_way() {
    let mut frames = Frames::default();
    let lent: Vec<_> = (0..10).map(|byte| filled(&mut frames, SIZE, byte)).collect();
    assert_eq!(frames.0.len(), KEPT);
    for (byte, bytes) in (0..).zip(&lent) {
        assert!(bytes.iter().all(|found| *found == byte));
    }
    drop(lent);
    filled(&mut frames, 10, 0);
    filled(&mut frames, MOST_BYTES + 1, 0);
    assert_eq!(frames.0.len(), KEPT, "neither small nor large ones take a place");
    assert!(frames.0.iter().all(|frame| frame.capacity() <= MOST_BYTES));
}
