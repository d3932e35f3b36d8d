//! Headers of records.

use proptest::prelude::*;

use super::*;

#[test]
fn headers_are_a_list_in_their_order() {
    // Two of them: "a" with null, "a" with "xy".
    let bytes = [4, 2, b'a', 1, 2, b'a', 4, b'x', b'y'];
    let (null, xy): (HeaderPair<'_>, HeaderPair<'_>) = ((b"a", None), (b"a", Some(b"xy")));
    assert_eq!(headers(&bytes), Some(vec![null, xy]));
    assert_eq!(headers(&[0]), Some(vec![]));
    for wrong in
        [&[][..], &[1], &[2], &[2, 1, 1], &[4, 2, b'a', 1], &[2, 2, b'a', 1, 0], &[2, 2, b'a', 9]]
    {
        assert_eq!(headers(wrong), None, "{wrong:?}");
    }
}

#[test]
fn arbitrary_headers_take_no_more_than_their_bytes() {
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    )| {
        let found = headers(&bytes).unwrap_or_default();
        prop_assert!(found.len() <= bytes.len() / 2);
    });
}
