//! Texts of any length.

use super::{push, push_first};

#[test]
fn what_is_pushed_is_there() {
    let text: Vec<u8> = (0..100).collect();
    let mut all = Vec::new();
    let mut expected = Vec::new();
    for length in 0..text.len() {
        push(&mut all, &text[..length]);
        push(&mut all, &text[100 - length..]);
        expected.extend_from_slice(&text[..length]);
        expected.extend_from_slice(&text[100 - length..]);
        assert_eq!(all, expected, "{length} bytes");
    }
}

#[test]
fn the_first_bytes_are_pushed_and_no_more() {
    let text: Vec<u8> = (0..50).collect();
    for length in 0..text.len() {
        for end in length..text.len() {
            let mut all = vec![7; 3];
            push_first(&mut all, &text[..end], length);
            assert_eq!(all, [&[7; 3], &text[..length]].concat(), "{length} bytes of {end}");
        }
    }
}
