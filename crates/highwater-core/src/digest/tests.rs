//! Digests as text.

use super::*;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn the_digest_is_sha_256() {
    assert_eq!(Digest::of(b"abc").to_string(), ABC);
    assert_eq!(Digest::of(b"abc").short(), "ba7816bf");
}

#[test]
fn text_comes_back() {
    let digest: Digest = ABC.parse().unwrap();
    assert_eq!(digest, Digest::of(b"abc"));
    let json = serde_json::to_string(&digest).unwrap();
    assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
}

#[test]
fn only_64_lower_case_digits_are_a_digest() {
    let wrong = [
        String::new(),
        ABC[1..].to_owned(),
        format!("{ABC}0"),
        format!("{ABC}00"),
        ABC.to_uppercase(),
        ABC.replacen('b', "g", 1),
        ABC.replacen('b', "é", 1),
        format!(" {}", &ABC[1..]),
    ];
    for text in wrong {
        assert!(text.parse::<Digest>().is_err(), "{text:?}");
    }
}
