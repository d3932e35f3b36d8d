//! Headers that no protocol allows.

use arrow::array::{Array as _, AsArray as _};

use super::*;

fn known(headers: Range<usize>) -> Known {
    Known { offset: 41, timestamp: None, by_broker: false, key: None, headers }
}

#[test]
fn a_header_key_that_is_no_text_shows_as_such() {
    // One header: a key of two bytes that are no UTF-8, and a null.
    let data = [2, 4, b'a', 0xff, 1];
    let list = headers(&Partition::new("t", 0), &[known(0..5)], &data).unwrap().value(0);
    assert_eq!(list.as_struct().column(0).as_string::<i32>().value(0), "a\u{fffd}");
    assert!(list.as_struct().column(1).is_null(0));
}

#[test]
fn headers_that_do_not_fit_are_named_by_their_offset() {
    let error = headers(&Partition::new("t", 0), &[known(0..2)], &[2, 9]).unwrap_err();
    assert!(error.to_string().contains("topic t partition 0 offset 41"), "{error}");
}
