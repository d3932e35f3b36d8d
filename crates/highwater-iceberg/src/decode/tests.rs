//! Decoders that end well, badly and not at all.

use super::decode;
use crate::error::IcebergError;

#[test]
fn a_panic_is_an_unreadable_file() {
    assert_eq!(decode("f", || Ok::<_, String>(7)).unwrap(), 7);
    let unreadable = |found: Result<(), IcebergError>| matches!(found, Err(IcebergError::Unreadable { location, .. }) if location == "f");
    assert!(unreadable(decode("f", || Err("no"))));
    assert!(unreadable(decode("f", || -> Result<(), String> { panic!("broken") })));
}
