//! Texts of any length.

use super::push;

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
